//! One bad field, or one bad item, costs no more than itself.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::read::typed;
use crate::error::DecodeError;

/// An item of a list that could not be read at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The item as it came, as JSON text.
    pub raw: String,
    /// Why it could not be read.
    pub error: DecodeError,
}

/// Reads an object; a field that does not fit is dropped and read as absent.
/// The first such error comes along. Fails only where what is absent is required.
pub(crate) fn salvage<T: DeserializeOwned>(
    value: &Value,
) -> Result<(T, Option<DecodeError>), DecodeError> {
    let mut error = match typed(value) {
        Ok(read) => return Ok((read, None)),
        Err(error) => error,
    };
    let mut rest = value.clone();
    let first = error.clone();
    loop {
        let field: String = error
            .path()
            .chars()
            .take_while(|c| !matches!(c, '.' | '['))
            .collect();
        let dropped = rest
            .as_object_mut()
            .is_some_and(|object| object.remove(&field).is_some());
        if !dropped {
            return Err(first);
        }
        error = match typed(&rest) {
            Ok(read) => return Ok((read, Some(first))),
            Err(error) => error,
        };
    }
}

/// Reads a list item by item: null is empty, and an item that cannot be read
/// harms no other.
pub(crate) fn items<T: DeserializeOwned>(
    value: Option<&Value>,
    path: &str,
) -> Result<(Vec<T>, Vec<Unreadable>), DecodeError> {
    let list = match value {
        None | Some(Value::Null) => return Ok((Vec::new(), Vec::new())),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(DecodeError::new(path, &"expected an array")),
    };
    let mut read = Vec::with_capacity(list.len());
    let mut unreadable = Vec::new();
    for item in list {
        match salvage(item) {
            Ok((item, _)) => read.push(item),
            Err(error) => unreadable.push(Unreadable {
                raw: item.to_string(),
                error,
            }),
        }
    }
    Ok((read, unreadable))
}
