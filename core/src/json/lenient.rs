//! For `#[serde(deserialize_with)]`: one meaning, whichever way it was written.
//!
//! Null is the default, a number may be a string, a flag may be 0, 1 or a bool.
//! Together with `#[serde(default)]` on the struct, absent is the default too.

use std::fmt;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An integer: a number, a number as a string, a bool; null and "" are 0.
pub(crate) fn int<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128> + Default,
{
    let value = Value::deserialize(deserializer)?;
    let wide = match &value {
        Value::Null => return Ok(T::default()),
        Value::String(text) if text.trim().is_empty() => return Ok(T::default()),
        Value::Bool(flag) => Some(i128::from(*flag)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole)),
        Value::Array(_) | Value::Object(_) => None,
    };
    wide.and_then(|wide| T::try_from(wide).ok())
        .ok_or_else(|| D::Error::custom(UnexpectedType("an integer in range", &value)))
}

/// What must be there: null and "" are errors, else as the type reads itself.
pub(crate) fn required<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Err(D::Error::custom(UnexpectedType("a value", &value))),
        Value::String(text) if text.trim().is_empty() => {
            Err(D::Error::custom(UnexpectedType("a value", &value)))
        }
        _ => T::deserialize(value).map_err(D::Error::custom),
    }
}

/// [`int`], where null and "" are errors.
pub(crate) fn required_int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    maybe_int(deserializer)?
        .ok_or_else(|| D::Error::custom(UnexpectedType("an integer", &Value::Null)))
}

/// A float that is an integer and small enough to be exact.
fn whole(float: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i128)
}

/// A number that may have a fraction: a number or a number as a string; null and "" are 0.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Some(0.0),
        Value::String(text) if text.trim().is_empty() => Some(0.0),
        Value::String(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite()),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
    .ok_or_else(|| D::Error::custom(UnexpectedType("a number", &value)))
}

/// A flag: a bool, a number (anything but 0 is true), either as a string; null is false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.trim() {
            "" | "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        },
        Value::Array(_) | Value::Object(_) => None,
    }
    .ok_or_else(|| D::Error::custom(UnexpectedType("a flag", &value)))
}

/// Text: a string, or a number or bool as it is written; null is "".
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        value => Err(D::Error::custom(UnexpectedType("text", &value))),
    }
}

/// Null is the type's default; for arrays and objects.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// [`int`], where null and "" are nothing.
pub(crate) fn maybe_int<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        value => int(value).map(Some).map_err(D::Error::custom),
    }
}

/// [`flag`], where null and "" are nothing.
pub(crate) fn maybe_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        value => flag(value).map(Some).map_err(D::Error::custom),
    }
}

/// What was wanted, and what kind of thing was there (never its content).
pub(super) struct UnexpectedType<'a>(pub(super) &'static str, pub(super) &'a Value);

impl fmt::Display for UnexpectedType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.1 {
            Value::Null => "null",
            Value::Bool(_) => "a bool",
            Value::Number(number) => return write!(f, "expected {}, found {number}", self.0),
            Value::String(_) => "a string that is none",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        write!(f, "expected {}, found {found}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_in_every_dress() {
        for (value, read) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(7.0), Some(7)),
            (json!(null), Some(0)),
            (json!(""), Some(0)),
            (json!(true), Some(1)),
            (json!(7.5), None),
            (json!(1e300), None),
            (json!("x"), None),
            (json!([]), None),
        ] {
            assert_eq!(int::<_, i64>(value.clone()).ok(), read, "{value}");
        }
        assert_eq!(int::<_, u64>(json!(u64::MAX)).ok(), Some(u64::MAX));
        assert_eq!(int::<_, u64>(json!(-1)).ok(), None);
    }

    #[test]
    fn flags_and_texts() {
        assert_eq!(flag(json!(1)).ok(), Some(true));
        assert_eq!(flag(json!("0")).ok(), Some(false));
        assert_eq!(flag(json!({})).ok(), None);
        assert_eq!(text(json!(12)).ok().as_deref(), Some("12"));
        assert_eq!(text(json!([])).ok(), None);
        assert_eq!(float(json!("12.5")).ok(), Some(12.5));
    }
}
