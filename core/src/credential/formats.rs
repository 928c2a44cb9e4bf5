//! The forms in which browsers hand cookies out.

use serde_json::Value;

use super::{CredentialBuilder, CredentialError};

/// Cookies count when they belong to this site; a form that names no site is taken whole.
const SITE: &str = "bilibili.com";

/// Reads whichever form the text has.
pub(super) fn parse(text: &str) -> Result<CredentialBuilder, CredentialError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with(['[', '{']) {
        json_export(text)
    } else if text.lines().any(|line| line.split('\t').count() >= 7) {
        Ok(cookies_txt(text))
    } else {
        cookie_line(text)
    }
}

/// `Cookie: a=b; c=d`, with or without the name.
fn cookie_line(text: &str) -> Result<CredentialBuilder, CredentialError> {
    let line = match text.split_once(':') {
        Some((name, rest)) if name.trim().eq_ignore_ascii_case("cookie") => rest,
        _ => text,
    };
    if !line.contains('=') {
        return Err(CredentialError::UnknownForm("no name=value in it"));
    }
    Ok(line
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .fold(CredentialBuilder::default(), |builder, (name, value)| {
            builder.cookie(name.trim(), unquoted(value))
        }))
}

/// Seven columns a line: domain, subdomains, path, secure, expiry, name, value.
fn cookies_txt(text: &str) -> CredentialBuilder {
    text.lines()
        .map(|line| line.strip_prefix("#HttpOnly_").unwrap_or(line))
        .filter(|line| !line.starts_with('#'))
        .fold(CredentialBuilder::default(), |builder, line| {
            let columns: Vec<&str> = line.split('\t').collect();
            match columns.as_slice() {
                [domain, _, _, _, _, name, value, ..] if of_this_site(domain) => {
                    builder.cookie(name, unquoted(value))
                }
                _ => builder,
            }
        })
}

/// `[{"name", "value", "domain"}, …]`, the same under `"cookies"`, or `{"name": "value", …}`.
fn json_export(text: &str) -> Result<CredentialBuilder, CredentialError> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| CredentialError::UnknownForm("not JSON"))?;
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(object) => match object.get("cookies") {
            Some(Value::Array(list)) => list,
            _ => {
                return Ok(object
                    .iter()
                    .filter_map(|(name, value)| Some((name, scalar(value)?)))
                    .fold(CredentialBuilder::default(), |builder, (name, value)| {
                        builder.cookie(name, &value)
                    }));
            }
        },
        _ => return Err(CredentialError::UnknownForm("JSON, but no list of cookies")),
    };
    Ok(list
        .iter()
        .filter(|cookie| {
            cookie
                .get("domain")
                .and_then(Value::as_str)
                .is_none_or(of_this_site)
        })
        .filter_map(|cookie| Some((cookie.get("name")?.as_str()?, scalar(cookie.get("value")?)?)))
        .fold(CredentialBuilder::default(), |builder, (name, value)| {
            builder.cookie(name, &value)
        }))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn of_this_site(domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    domain
        .strip_suffix(SITE)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}
