//! What is to be changed in a pod, as an API server takes it (RFC 6902).

use serde_json::Map;
use serde_json::Value;

/// Changes, in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Patch(Vec<Value>);

impl Patch {
    /// Adds `value` at `path`; in a list before what is there.
    pub(super) fn add(&mut self, path: &Pointer, value: Value) {
        self.change("add", path, value);
    }

    /// Puts `value` in place of what is at `path`.
    pub(super) fn replace(&mut self, path: &Pointer, value: Value) {
        self.change("replace", path, value);
    }

    fn change(&mut self, operation: &str, path: &Pointer, value: Value) {
        let mut change = Map::new();
        change.insert("op".to_owned(), Value::from(operation));
        change.insert("path".to_owned(), Value::from(path.0.as_str()));
        change.insert("value".to_owned(), value);
        self.0.push(Value::Object(change));
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The document.
    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}

/// A place in a pod (RFC 6901).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Pointer(String);

impl Pointer {
    /// The place of `names` within each other.
    pub(super) fn to<const N: usize>(names: [&str; N]) -> Self {
        let whole = Self::default();
        names.iter().fold(whole, |pointer, name| pointer.then(name))
    }

    /// What is called `name` there.
    pub(super) fn then(&self, name: &str) -> Self {
        let mut text = self.0.clone();
        text.push('/');
        for c in name.chars() {
            match c {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                c => text.push(c),
            }
        }
        Self(text)
    }

    /// What is in a list there, at `index`.
    pub(super) fn at(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_escaped_as_the_standard_says() {
        let pointer = Pointer::to(["metadata", "annotations", "portreeve.dev/a~b"]);
        assert_eq!(
            pointer.as_str(),
            "/metadata/annotations/portreeve.dev~1a~0b"
        );
        assert_eq!(Pointer::to(["a"]).at(7).then("").as_str(), "/a/7/");
    }

    proptest! {
        #[test]
        fn a_pointer_finds_what_it_was_made_for(name in "[~/01\\PC]{0,12}", other in "\\PC{0,4}") {
            let mut object = Map::new();
            object.insert(other, Value::from(1));
            object.insert(name.clone(), Value::from(2));
            let found = Value::Object(object);
            prop_assert_eq!(found.pointer(Pointer::to([name.as_str()]).as_str()), Some(&Value::from(2)));
        }
    }
}
