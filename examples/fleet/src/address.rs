//! The address of the server: who is connected to, and how that is encrypted.
//!
//! `sslmode` and `sslrootcert` mean what they mean to `psql`, as far as the README says. tokio-postgres does not know all of them, so they are taken
//! out before it reads the rest.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::Error;

/// Checks of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checks {
    /// Authorities that may have signed it; `None` for any.
    pub(crate) authorities: Option<Authorities>,
    /// It must be of the host that was connected to.
    pub(crate) of_host: bool,
}

/// Authorities that are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorities {
    System,
    /// Those of this file, as PEM.
    File(PathBuf),
}

/// Reads an address.
pub(crate) fn read(address: &str) -> Result<(Config, Checks), Error> {
    let (rest, mode, authorities) = take_tls(address);
    // Its own words quote nothing of the address, which may hold a password.
    let mut config: Config = rest.parse().map_err(|_| {
        Error::usage("DATABASE_URL cannot be read: postgres://USER@HOST:PORT/DATABASE")
    })?;
    let authorities = authorities.map(|it| match it.as_str() {
        "system" => Authorities::System,
        path => Authorities::File(path.into()),
    });
    // `sslmode` is not there any more; were it written in a way that only the other reader knows, it would mean less than it says.
    if config.get_ssl_mode() != SslMode::Prefer {
        return Err(Error::usage(
            "sslmode cannot be made out in DATABASE_URL: write it as sslmode=verify-full",
        ));
    }
    let mode = match (mode.as_deref(), &authorities) {
        (None, Some(Authorities::System)) => "verify-full",
        (mode, _) => mode.unwrap_or("prefer"),
    };
    let is_verified = mode.starts_with("verify-");
    if authorities == Some(Authorities::System) && mode != "verify-full" {
        return Err(Error::usage(
            "sslrootcert=system goes with sslmode=verify-full alone: anybody can have a certificate of a name of their own",
        ));
    }
    let ssl_mode = match mode {
        // A socket is of this machine.
        _ if is_local(&config) => SslMode::Disable,
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" | "verify-ca" | "verify-full" => SslMode::Require,
        _ => {
            return Err(Error::usage(
                "sslmode is disable, prefer, require, verify-ca or verify-full",
            ));
        }
    };
    config.ssl_mode(ssl_mode);
    let checks = Checks {
        authorities: authorities.or(is_verified.then_some(Authorities::System)),
        of_host: mode == "verify-full",
    };
    Ok((config, checks))
}

fn is_local(config: &Config) -> bool {
    let is_socket = |host: &Host| !matches!(host, Host::Tcp(_));
    let hosts = config.get_hosts();
    !hosts.is_empty() && hosts.iter().all(is_socket) && config.get_hostaddrs().is_empty()
}

/// Returns the address without `sslmode` and `sslrootcert`, and the two.
fn take_tls(address: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut authorities) = (None, None);
    let mut is_other = |part: &str, read: fn(&str) -> String| {
        let (place, value) = match part.split_once('=') {
            Some(("sslmode", value)) => (&mut mode, value),
            Some(("sslrootcert", value)) => (&mut authorities, value),
            _ => return true,
        };
        *place = Some(read(value)).filter(|value| !value.is_empty());
        false
    };
    let is_url = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    let rest = if is_url {
        let decode = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let parts = query.split('&').filter(|part| is_other(part, decode));
        let query: Vec<&str> = parts.collect();
        format!("{base}?{}", query.join("&"))
    } else {
        let unquote = |value: &str| value.replace('\'', "");
        let parts = settings(address).into_iter();
        let parts: Vec<String> = parts.filter(|part| is_other(part, unquote)).collect();
        parts.join(" ")
    };
    let rest = rest.trim_end_matches('?').to_owned();
    (rest, mode, authorities)
}

/// Splits `key=value key = 'a value'` into its settings, without the spaces around `=`.
fn settings(text: &str) -> Vec<String> {
    let mut settings: Vec<String> = Vec::new();
    for word in words(text) {
        // A key, or a key and `=`: what comes next is of it. A value may end with `=`.
        let is_open = |it: &String| it.find('=').is_none_or(|place| place + 1 == it.len());
        match settings.last_mut().filter(|it| is_open(it)) {
            Some(setting) => setting.push_str(word),
            None => settings.push(word.to_owned()),
        }
    }
    settings
}

/// Splits a text at the spaces that are not quoted.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let words = text.split(move |it: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        is_escaped = it == '\\' && !was_escaped;
        is_quoted ^= it == '\'' && !was_escaped;
        it.is_whitespace() && !is_quoted && !was_escaped
    });
    words.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_mean_what_they_mean_to_psql() {
        use SslMode::{Disable, Prefer, Require};
        let own = || Some(Authorities::File("/a b.pem".into()));
        let system = || Some(Authorities::System);
        for (options, mode, authorities, of_host) in [
            ("", Prefer, None, false),
            ("sslmode=disable", Disable, None, false),
            ("sslmode=prefer", Prefer, None, false),
            ("sslmode=require", Require, None, false),
            (
                "sslmode=require&sslrootcert=/a%20b.pem",
                Require,
                own(),
                false,
            ),
            (
                "sslmode=verify-ca&sslrootcert=/a%20b.pem",
                Require,
                own(),
                false,
            ),
            (
                "sslrootcert=/a%20b.pem&sslmode=verify-full",
                Require,
                own(),
                true,
            ),
            ("sslmode=verify-full", Require, system(), true),
            ("sslrootcert=system", Require, system(), true),
        ] {
            let url = format!("postgres://u:p@h/d?application_name=x&{options}");
            let (config, checks) = read(&url).unwrap();
            assert_eq!(config.get_ssl_mode(), mode, "{options}");
            assert_eq!(
                checks,
                Checks {
                    authorities,
                    of_host
                },
                "{options}"
            );
            assert_eq!(config.get_application_name(), Some("x"));
            assert_eq!(config.get_password(), Some("p".as_bytes()));
        }
        for options in [
            "sslmode=allow",
            "sslmode=require&sslrootcert=system",
            "sslmode=VERIFY",
        ] {
            assert!(
                read(&format!("postgres://h/d?{options}")).is_err(),
                "{options}"
            );
        }
    }

    #[test]
    fn an_address_of_words_and_a_socket_are_read_as_well() {
        let words =
            r"host=h password='a sslmode=disable \' b' sslmode=verify-ca sslrootcert='/a b.pem'";
        let (config, checks) = read(words).unwrap();
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(
            checks.authorities,
            Some(Authorities::File("/a b.pem".into()))
        );
        assert_eq!(
            config.get_password(),
            Some("a sslmode=disable ' b".as_bytes())
        );
        for (mode, expected) in [
            ("sslmode = require", SslMode::Require),
            ("sslmode= 'verify-full'", SslMode::Require),
            ("sslmode =disable", SslMode::Disable),
            ("sslmode\t=\n require", SslMode::Require),
            ("sslmode =", SslMode::Prefer),
        ] {
            let words = format!("host = h password=YQ== application_name = 'a = b' {mode}");
            let (config, checks) = read(&words).unwrap();
            assert_eq!(config.get_ssl_mode(), expected, "{mode}");
            assert_eq!(checks.of_host, mode.contains("full"));
            assert_eq!(config.get_password(), Some("YQ==".as_bytes()));
            assert_eq!(config.get_application_name(), Some("a = b"));
        }
        for address in [
            "host=h sslmode require",
            "host=h sslmode == require",
            "postgres://h/d?ssl%6Dode=require",
        ] {
            assert!(read(address).is_err(), "{address}");
        }
        let socket = "postgresql:///d?host=/run/x&sslmode=require";
        assert_eq!(read(socket).unwrap().0.get_ssl_mode(), SslMode::Disable);
    }
}
