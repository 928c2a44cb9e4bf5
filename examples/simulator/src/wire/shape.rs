//! The odd shapes that values may take on the wire.

use serde_json::Value;

use crate::Quirks;

/// Fields that are yes or no.
const FLAGS: [&str; 11] = [
    "has_more",
    "is_follow",
    "is_dnd",
    "can_fold",
    "is_guardian",
    "is_intercept",
    "is_trust",
    "is_end",
    "anti_disturb_cleaning",
    "is_multi",
    "hide_reply_button",
];

/// Gives `data` the shape that the quirks ask for.
pub(crate) fn apply(quirks: &Quirks, data: &mut Value) {
    if !(quirks.numbers_as_strings || quirks.flags_as_bool || quirks.arrays_null) {
        return;
    }
    reshape(quirks, data);
}

fn reshape(quirks: &Quirks, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                // Nobody is mentioned: usually `[0]`.
                if quirks.arrays_null && name == "at_uids" && *field == serde_json::json!([0]) {
                    *field = Value::Null;
                }
                match field.as_i64() {
                    Some(flag @ (0 | 1))
                        if quirks.flags_as_bool && FLAGS.contains(&name.as_str()) =>
                    {
                        *field = Value::Bool(flag == 1);
                    }
                    _ => reshape(quirks, field),
                }
            }
        }
        Value::Array(items) if items.is_empty() && quirks.arrays_null => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(|item| reshape(quirks, item)),
        Value::Number(number) if quirks.numbers_as_strings && !number.is_f64() => {
            *value = Value::String(number.to_string());
        }
        _ => {}
    }
}
