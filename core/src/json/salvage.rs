//! One bad field, or one bad item, costs no more than itself.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::read::typed;
use crate::error::DecodeError;

/// More items than any page has: one that has more is taken for none.
pub(super) const MOST_ITEMS: usize = 5000;
/// So many fields may be bad; each costs a reading of the whole.
const MOST_DROPPED: usize = 100;

/// An item of a list that could not be read at all.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The item as it came, as JSON text.
    pub raw: String,
    /// Reason why it could not be read.
    pub error: DecodeError,
}

/// Reads an object; a field that does not fit is dropped and read as absent,
/// wherever in the object it stands. The first such error comes along. Fails only
/// where what is absent is required.
pub(crate) fn salvage<T: DeserializeOwned>(
    value: &Value,
) -> Result<(T, Option<DecodeError>), DecodeError> {
    let mut error = match typed(value) {
        Ok(read) => return Ok((read, None)),
        Err(error) => error,
    };
    let mut rest = value.clone();
    let first = error.clone();
    for _ in 0..MOST_DROPPED {
        if !drop_at(&mut rest, error.path()) {
            return Err(first);
        }
        error = match typed(&rest) {
            Ok(read) => return Ok((read, Some(first))),
            Err(error) => error,
        };
    }
    Err(first)
}

/// Removes what stands at a path such as `user.tags[3].name`; where that is absent
/// already, what it would stand in. Says whether there was anything to remove.
fn drop_at(value: &mut Value, path: &str) -> bool {
    let mut steps: Vec<&str> = path
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'))
        .collect();
    while let Some(last) = steps.pop() {
        let parent = steps.iter().try_fold(&mut *value, |at, step| match at {
            Value::Object(object) => object.get_mut(*step),
            Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        });
        let removed = match parent {
            Some(Value::Object(object)) => object.remove(last).is_some(),
            Some(Value::Array(list)) => last
                .parse()
                .ok()
                .filter(|place| *place < list.len())
                .map(|place: usize| list.remove(place))
                .is_some(),
            _ => false,
        };
        if removed {
            return true;
        }
    }
    false
}

/// The items of a page; null is empty.
pub(crate) fn array<'a>(value: Option<&'a Value>, path: &str) -> Result<&'a [Value], DecodeError> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) if list.len() > MOST_ITEMS => {
            let reason = format!("more than {MOST_ITEMS} items, which no page has");
            Err(DecodeError::new(path, &reason))
        }
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(DecodeError::new(path, &"expected an array")),
    }
}

/// Reads a list item by item: null is empty, and an item that cannot be read
/// harms no other.
pub(crate) fn items<T: DeserializeOwned>(
    value: Option<&Value>,
    path: &str,
) -> Result<(Vec<T>, Vec<Unreadable>), DecodeError> {
    let list = array(value, path)?;
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::json::lenient::{int, or_default, text};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(deserialize_with = "int")]
        id: i64,
        #[serde(default, deserialize_with = "or_default")]
        inner: Inner,
        #[serde(default, deserialize_with = "or_default")]
        list: Vec<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        #[serde(deserialize_with = "text")]
        name: String,
        #[serde(deserialize_with = "int")]
        count: i64,
    }

    #[test]
    fn only_what_does_not_fit_is_dropped() {
        let value = json!({
            "id": 1,
            "inner": {"name": {}, "count": 2},
            "list": [{"name": "a", "count": "x"}, 7, {"name": "b", "count": 3}],
        });
        let (read, error) = salvage::<Outer>(&value).unwrap();
        assert_eq!(error.unwrap().path(), "inner.name");
        assert_eq!((read.inner.name.as_str(), read.inner.count), ("", 2));
        assert_eq!(read.list.len(), 2);
        assert_eq!((read.list[0].name.as_str(), read.list[0].count), ("a", 0));
        assert_eq!((read.list[1].name.as_str(), read.list[1].count), ("b", 3));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let list = vec![json!({"name": {}}); MOST_ITEMS];
        let (read, _) = salvage::<Outer>(&json!({"id": 1, "list": list[..MOST_DROPPED]})).unwrap();
        assert_eq!(read.list.len(), MOST_DROPPED);
        assert!(salvage::<Outer>(&json!({"id": 1, "list": list})).is_err());
        let mut list = json!(list);
        assert_eq!(
            items::<Inner>(Some(&list), "x").unwrap().0.len(),
            MOST_ITEMS
        );
        list.as_array_mut().unwrap().push(json!(0));
        assert_eq!(items::<Inner>(Some(&list), "x").unwrap_err().path(), "x");
    }

    #[test]
    fn what_is_required_is_required() {
        let error = salvage::<Outer>(&json!({"id": [], "inner": 5})).unwrap_err();
        assert_eq!(error.path(), "id");
        for value in [json!(null), json!([]), json!({}), json!("x")] {
            assert!(salvage::<Outer>(&value).is_err(), "{value}");
        }
    }
}
