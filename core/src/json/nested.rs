//! For `#[serde(deserialize_with)]`: objects and lists of which a part may be bad.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::lenient::UnexpectedType;
use super::salvage;

/// An object, or nothing: null and what cannot be read are nothing.
pub(crate) fn maybe<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(match value {
        Value::Null => None,
        value => salvage(&value).ok().map(|(read, _)| read),
    })
}

/// A list: null is empty, and an item that cannot be read is left out.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items
            .iter()
            .filter_map(|item| Some(salvage(item).ok()?.0))
            .collect()),
        value => Err(D::Error::custom(UnexpectedType("an array", &value))),
    }
}
