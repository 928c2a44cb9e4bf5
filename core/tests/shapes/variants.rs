//! A sample with each field absent, null, and written in another way.

use std::fmt::Debug;

use serde_json::{Value, json};

/// Place of a value: names and positions, from the outside in.
type Path = Vec<String>;

fn paths(value: &Value, at: &Path, into: &mut Vec<Path>) {
    let mut step = |name: String, inner: &Value| {
        let mut path = at.clone();
        path.push(name);
        into.push(path.clone());
        paths(inner, &path, into);
    };
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                step(name.clone(), inner);
            }
        }
        Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                step(place.to_string(), inner);
            }
        }
        _ => {}
    }
}

fn at<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(value, |value, step| match value {
        Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
        Value::Object(object) => object.get_mut(step).unwrap(),
        other => panic!("{other}"),
    })
}

fn with(sample: &Value, path: &[String], new: Value) -> Value {
    let mut changed = sample.clone();
    *at(&mut changed, path) = new;
    changed
}

fn without(sample: &Value, path: &[String]) -> Option<Value> {
    let mut changed = sample.clone();
    let (last, parent) = path.split_last()?;
    at(&mut changed, parent).as_object_mut()?.remove(last)?;
    Some(changed)
}

/// The same meaning, written otherwise.
fn other_dresses(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let mut dresses = vec![json!(number.to_string()), json!(format!(" {number} "))];
            match number.as_i64() {
                Some(0) => dresses.push(json!(false)),
                Some(1) => dresses.push(json!(true)),
                _ => {}
            }
            if let Some(small) = number
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())
            {
                dresses.push(json!(f64::from(small)));
            }
            dresses
        }
        Value::Bool(flag) => vec![json!(u8::from(*flag)), json!(u8::from(*flag).to_string())],
        _ => Vec::new(),
    }
}

/// Kinds of things that may stand anywhere and must harm nothing but themselves.
fn nonsense() -> Vec<Value> {
    vec![
        json!({}),
        json!([]),
        json!({"a": [1]}),
        json!([{"b": null}]),
        json!("…"),
        json!(-1.5),
        json!(true),
        json!(1e300),
    ]
}

/// Checks a shape. `kept_raw` names fields that are handed on as they came.
pub(crate) fn check<T: PartialEq + Debug, E: Debug>(
    name: &str,
    sample: &Value,
    required: &[&str],
    kept_raw: &[&str],
    read: impl Fn(&Value) -> Result<T, E>,
) {
    let full = read(sample).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let mut all = Vec::new();
    paths(sample, &Vec::new(), &mut all);
    assert!(!all.is_empty(), "{name}");
    for path in &all {
        let shown = path.join(".");
        let plain: Vec<&str> = path
            .iter()
            .map(String::as_str)
            .filter(|step| step.parse::<usize>().is_err())
            .collect();
        let is_required = required.contains(&plain.join(".").as_str());
        let is_raw = plain.iter().any(|step| kept_raw.contains(step));
        let null = read(&with(sample, path, Value::Null));
        if let Some(absent) = without(sample, path) {
            let absent = read(&absent);
            if !is_required {
                let (absent, null) = (absent.as_ref(), null.as_ref());
                let absent =
                    absent.unwrap_or_else(|error| panic!("{name}: without {shown}: {error:?}"));
                let null = null.unwrap_or_else(|error| panic!("{name}: null {shown}: {error:?}"));
                if !is_raw {
                    assert_eq!(absent, null, "{name}: {shown}");
                    assert_ne!(absent, &full, "{name}: {shown} is not read");
                }
            }
        }
        if !is_raw {
            for dress in other_dresses(at(&mut sample.clone(), path)) {
                let read = read(&with(sample, path, dress.clone()))
                    .unwrap_or_else(|error| panic!("{name}: {shown} as {dress}: {error:?}"));
                assert_eq!(read, full, "{name}: {shown} as {dress}");
            }
        }
        for odd in nonsense() {
            let is_list = at(&mut sample.clone(), path).is_array();
            let read = read(&with(sample, path, odd.clone()));
            // A list that is none is a fault of the answer, and said.
            assert!(
                read.is_ok() || is_required || is_list,
                "{name}: {shown} as {odd}: {read:?}"
            );
        }
    }
    for whole in nonsense() {
        let _ = read(&whole);
    }
}
