//! For `#[serde(deserialize_with)]`: one meaning, whichever way it was written.
//!
//! Null is the default, a number may be a string, a flag may be 0, 1 or a bool.
//! Together with `#[serde(default)]` on the struct, absent is the default too.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Number;

/// Value in the place of a number, a flag or a text, read without a copy where that is
/// possible. Of an array and an object only that they are there.
enum Scalar<'de> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'de, str>),
    Array,
    Object,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_none<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Scalar<'de>, D::Error> {
        Scalar::deserialize(value)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Number::from_f64(number).map_or(Scalar::Null, Scalar::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Scalar<'de>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar<'de>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

/// For a type that is one number, flag or text.
impl<'de> Deserializer<'de> for Scalar<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(flag) => visitor.visit_bool(flag),
            Self::Number(number) => number.deserialize_any(visitor),
            Self::Text(text) => text.into_deserializer().deserialize_any(visitor),
            Self::Array => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            Self::Object => Err(Error::invalid_type(Unexpected::Map, &visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map struct enum
        identifier ignored_any
    }
}

/// An integer: a number, a number as a string, a bool; null and "" are 0.
pub(crate) fn int<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128> + Default,
{
    let value = Scalar::deserialize(deserializer)?;
    let wide = match &value {
        Scalar::Null => return Ok(T::default()),
        Scalar::Text(text) if text.trim().is_empty() => return Ok(T::default()),
        Scalar::Bool(flag) => Some(i128::from(*flag)),
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole)),
        Scalar::Array | Scalar::Object => None,
    };
    wide.and_then(|wide| T::try_from(wide).ok())
        .ok_or_else(|| D::Error::custom(UnexpectedType("an integer in range", &value)))
}

/// Reads a value that must be there: null and "" are errors, else as the type reads itself.
pub(crate) fn required<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Scalar::deserialize(deserializer)?;
    match &value {
        Scalar::Null => Err(D::Error::custom(UnexpectedType("a value", &value))),
        Scalar::Text(text) if text.trim().is_empty() => {
            Err(D::Error::custom(UnexpectedType("a value", &value)))
        }
        _ => T::deserialize(value).map_err(D::Error::custom),
    }
}

/// [`int`], where null and "" are errors.
pub(crate) fn required_int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    maybe_int(deserializer)?
        .ok_or_else(|| D::Error::custom(UnexpectedType("an integer", &Scalar::Null)))
}

/// A float that is an integer and small enough to be exact.
fn whole(float: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i128)
}

/// A number that may have a fraction: a number or a number as a string; null and "" are 0.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Scalar::deserialize(deserializer)?;
    match &value {
        Scalar::Null => Some(0.0),
        Scalar::Text(text) if text.trim().is_empty() => Some(0.0),
        Scalar::Text(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite()),
        Scalar::Number(number) => number.as_f64(),
        _ => None,
    }
    .ok_or_else(|| D::Error::custom(UnexpectedType("a number", &value)))
}

/// A flag: a bool, a number (anything but 0 is true), either as a string; null is false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Scalar::deserialize(deserializer)?;
    match &value {
        Scalar::Null => Some(false),
        Scalar::Bool(flag) => Some(*flag),
        Scalar::Number(number) => number.as_f64().map(|number| number != 0.0),
        Scalar::Text(text) => match text.trim() {
            "" | "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        },
        Scalar::Array | Scalar::Object => None,
    }
    .ok_or_else(|| D::Error::custom(UnexpectedType("a flag", &value)))
}

/// Text: a string, or a number or bool as it is written; null is "".
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Null => Ok(String::new()),
        Scalar::Text(text) => Ok(text.into_owned()),
        Scalar::Number(number) => Ok(number.to_string()),
        Scalar::Bool(flag) => Ok(flag.to_string()),
        value => Err(D::Error::custom(UnexpectedType("text", &value))),
    }
}

/// Null is the type's default; for arrays and objects.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list of numbers or texts: null is empty, and an item that cannot be read is left out.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items: Option<Vec<Readable<T>>> = Option::deserialize(deserializer)?;
    Ok(items
        .unwrap_or_default()
        .into_iter()
        .filter_map(|item| item.0)
        .collect())
}

/// A number or a text, if it is one.
pub(crate) struct Readable<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = Scalar::deserialize(deserializer)?;
        Ok(Self(T::deserialize(scalar).ok()))
    }
}

/// [`int`], where null and "" are nothing.
pub(crate) fn maybe_int<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.trim().is_empty() => Ok(None),
        value => int(value).map(Some).map_err(D::Error::custom),
    }
}

/// [`flag`], where null and "" are nothing.
pub(crate) fn maybe_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.trim().is_empty() => Ok(None),
        value => flag(value).map(Some).map_err(D::Error::custom),
    }
}

/// Expected type, and the kind of value that was found (never its content).
struct UnexpectedType<'a>(&'static str, &'a Scalar<'a>);

impl fmt::Display for UnexpectedType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.1 {
            Scalar::Null => "null",
            Scalar::Bool(_) => "a bool",
            Scalar::Number(number) => return write!(f, "expected {}, found {number}", self.0),
            Scalar::Text(_) => "a string that is none",
            Scalar::Array => "an array",
            Scalar::Object => "an object",
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
