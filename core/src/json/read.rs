//! From bytes to a value, from a value to a type.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::error::DecodeError;

/// Far more than any answer has. A value takes up to some hundred times the memory of its
/// bytes, so a body that is within its limit is not enough of one.
const MOST_VALUES: usize = 250_000;

/// So many arrays and objects may stand in each other: `serde_json` reads no more, so that no
/// text takes all of the stack.
const DEEPEST: usize = 127;

/// Parses a body. Invalid UTF-8 and lone surrogate escapes become U+FFFD
/// in the text they stand in, numbers beyond all range become texts, what is nested too deep
/// becomes null; the rest of the body is read as it is.
pub(crate) fn parse(body: &[u8]) -> Result<Value, DecodeError> {
    parse_str(&String::from_utf8_lossy(body))
}

/// [`parse`] for text.
pub(crate) fn parse_str(text: &str) -> Result<Value, DecodeError> {
    if has_too_many_values(text) {
        let reason = format!("more than {MOST_VALUES} values, which no answer has");
        return Err(DecodeError::new("", &reason));
    }
    serde_json::from_str(text)
        .or_else(|_| {
            let mended = quote_huge_numbers(&mend_surrogates(text));
            serde_json::from_str(&cut_depths(&mended))
        })
        .map_err(|error| DecodeError::new("", &error))
}

/// Returns whether a text would take too much memory, as a value or as another type.
pub(super) fn has_too_many_values(text: &str) -> bool {
    // The shortest value has two bytes, with its comma.
    text.len() / 2 > MOST_VALUES && values(text) > MOST_VALUES
}

/// Returns an upper bound of the number of values in a text, if it is JSON.
fn values(text: &str) -> usize {
    let (mut count, mut is_string, mut is_escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_string,
            b'"' => is_string = !is_string,
            b',' | b'[' | b'{' if !is_string => count += 1,
            _ => {}
        }
    }
    count
}

/// Reads a value as a type; an error names the path.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        DecodeError::new(if path == "." { "" } else { &path }, error.inner())
    })
}

/// Replaces `\ud800`…`\udfff` that are not half of a pair by `\ufffd`.
fn mend_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(step) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == b'\\'))
    {
        at += step;
        match escaped_unit(bytes, at) {
            Some(0xd800..=0xdbff)
                if matches!(escaped_unit(bytes, at + 6), Some(0xdc00..=0xdfff)) =>
            {
                at += 12;
            }
            Some(0xd800..=0xdfff) => {
                mended.push_str(text.get(copied..at).unwrap_or_default());
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(mended)
}

/// Makes texts of the numbers that are too large for any type.
fn quote_huge_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let (mut rest, mut is_string) = (text, false);
    while let Some(at) =
        rest.find(|c| c == '"' || !is_string && matches!(c, '-' | '0'..='9') || c == '\\')
    {
        let (before, from) = rest.split_at(at);
        quoted.push_str(before);
        let is_number = !from.starts_with(['"', '\\']);
        let length = match from.as_bytes().first() {
            Some(b'"') => {
                is_string = !is_string;
                1
            }
            // With what it escapes.
            Some(b'\\') => 1 + from.chars().nth(1).map_or(0, char::len_utf8),
            _ => from
                .find(|c| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'))
                .unwrap_or(from.len()),
        };
        let (token, after) = from.split_at(length);
        match is_number && is_beyond_range(token) {
            true => quoted.extend(["\"", token, "\""]),
            false => quoted.push_str(token),
        }
        rest = after;
    }
    quoted.push_str(rest);
    quoted
}

/// Returns whether a text is a number, and one that no type holds.
fn is_beyond_range(token: &str) -> bool {
    serde_json::from_str::<f64>(token).is_err() && serde_json::from_str::<IgnoredAny>(token).is_ok()
}

/// Replaces what is nested too deep by null.
fn cut_depths(text: &str) -> Cow<'_, str> {
    let mut cut = String::new();
    let (mut copied, mut at, mut depth, mut is_string) = (0, 0, 0_usize, false);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            // With what it escapes.
            b'\\' => at += 1,
            b'"' => is_string = !is_string,
            b'[' | b'{' if !is_string && depth == DEEPEST => {
                let Some(length) = value_length(text.get(at..).unwrap_or_default()) else {
                    break;
                };
                cut.push_str(text.get(copied..at).unwrap_or_default());
                cut.push_str("null");
                copied = at + length;
                at = copied;
                continue;
            }
            b'[' | b'{' if !is_string => depth += 1,
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    cut.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(cut)
}

/// Returns the length of the value that a text begins with, if it does.
fn value_length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Reads the code unit of an escape of four hex digits (backslash, `u`, digits) that begins at `at`.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at.checked_add(6)?)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lone_surrogates_and_bad_bytes_are_mended() {
        assert_eq!(parse_str(r#"["a\ud83db"]"#), Ok(json!(["a\u{fffd}b"])));
        assert_eq!(
            parse_str(r#"["\ud83d\ud83d\ude00\udc00"]"#),
            Ok(json!(["\u{fffd}😀\u{fffd}"]))
        );
        assert_eq!(
            parse_str(r#"["\\ud83d", "\ud83d"]"#),
            Ok(json!(["\\ud83d", "\u{fffd}"]))
        );
        assert_eq!(parse(b"[\"a\xffb\"]"), Ok(json!(["a\u{fffd}b"])));
    }

    #[test]
    fn a_number_beyond_all_range_is_a_text() {
        let huge = "9".repeat(400);
        let text = format!(r#"{{"a":1e400,"b":[-1E+999,{huge}],"c":"\"1e400","d\\":1e308,"e":0}}"#);
        assert_eq!(
            parse_str(&text),
            Ok(json!({
                "a": "1e400", "b": ["-1E+999", huge], "c": "\"1e400", "d\\": 1e308, "e": 0,
            }))
        );
        assert_eq!(
            parse_str(r#"["\ud800",1e400]"#),
            Ok(json!(["\u{fffd}", "1e400"]))
        );
    }

    #[test]
    fn what_is_nested_too_deep_is_null() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let deep = nested(DEEPEST);
        assert_eq!(parse_str(&deep).unwrap().to_string(), deep);
        let null = deep.replace("[]", "[null]");
        assert_eq!(parse_str(&nested(DEEPEST + 1)).unwrap().to_string(), null);
        let text = format!(
            r#"{{"a":{{"[{{\\":{0},"b":{0}}},"c":"{0}"}}"#,
            nested(100_000)
        );
        let read = parse_str(&text).unwrap();
        assert_eq!(read["c"].as_str().unwrap().len(), 200_000);
        let null = format!("{}null{}", "[".repeat(125), "]".repeat(125));
        assert_eq!(read["a"]["[{\\"].to_string(), null);
        assert_eq!(read["a"]["b"].to_string(), null);
    }

    #[test]
    fn what_is_broken_otherwise_stays_an_error() {
        for text in [
            "",
            "<html>",
            "{\"a\":",
            "[\"\\u12",
            "\\",
            "\\ud83d",
            "[1e400",
            "[1e400e]",
            "\"1e400\\",
            &"[".repeat(10_000),
            &format!("{}]", "[".repeat(10_000)),
            &format!("{}}}{}", "[".repeat(200), "]".repeat(199)),
        ] {
            assert!(parse_str(text).is_err(), "{text:.20}");
        }
    }

    #[test]
    fn what_would_take_too_much_memory_is_refused() {
        let items = |item: &str, count| format!("[{}{item}]", format!("{item},").repeat(count));
        for item in ["0", "{}", "[]", "\"\"", r#"{"":0}"#, r#"{"a\",[":0}"#] {
            assert!(parse_str(&items(item, MOST_VALUES)).is_err(), "{item}");
            assert!(parse_str(&items(item, MOST_VALUES / 3)).is_ok(), "{item}");
        }
        // What stands in a text is none.
        let text = format!(r#"["{}\"[,{{"]"#, ",[{".repeat(MOST_VALUES));
        assert_eq!(values(&text), 2);
        assert!(parse_str(&text).is_ok());
        assert_eq!(values(r#"{"a":[1,2,{"b":null}],"c":"\\","d":0}"#), 8);
    }

    #[test]
    fn an_error_names_its_path() {
        #[derive(serde::Deserialize, Debug)]
        struct Outer {
            #[allow(dead_code)]
            list: Vec<u8>,
        }
        let error = typed::<Outer>(&json!({"list": [1, "x"]})).unwrap_err();
        assert_eq!(error.path(), "list[1]");
    }
}
