//! Objects that somebody else wrote, in which nothing need be there.

use serde_json::Value;

/// What is called `name` in `object`; null if nothing is.
pub(super) fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// `object`, and `value` in it.
pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(name.to_owned(), value);
    }
    object
}
