//! What else a token says, as far as it is declared.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::RestrictedExpression;
use serde_json::Value;

/// The name of a claim, such as `department` or `https://corp.example/level`.
///
/// Parsing is the only way to make one: 1 to 128 letters, digits and
/// `-._~:/#@+`, so that it stands in a schema and in a message as it is.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClaimName(Arc<str>);

impl ClaimName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClaimName {
    type Err = ClaimNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~:/#@+".contains(c));
        // Cedar keeps names such as `__extn` for itself.
        if name.is_empty() || name.len() > Self::MAX_BYTES || !is_plain || name.starts_with("__") {
            return Err(ClaimNameError { name: name.into() });
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the name of a claim.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{name}` is not 1 to {} letters, digits and `-._~:/#@+`, or begins with `__`",
    ClaimName::MAX_BYTES
)]
pub struct ClaimNameError {
    name: String,
}

/// The value of a declared claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClaimValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// A text.
    Text(Box<str>),
    /// A list of texts; one text is a list of one.
    Texts(BTreeSet<Box<str>>),
}

impl ClaimValue {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ClaimType {
        match self {
            Self::Bool(_) => ClaimType::Bool,
            Self::Long(_) => ClaimType::Long,
            Self::Text(_) => ClaimType::Text,
            Self::Texts(_) => ClaimType::Texts,
        }
    }

    pub(super) fn expression(&self) -> RestrictedExpression {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        match self {
            Self::Bool(flag) => RestrictedExpression::new_bool(*flag),
            Self::Long(number) => RestrictedExpression::new_long(*number),
            Self::Text(one) => text(one),
            Self::Texts(all) => RestrictedExpression::new_set(all.iter().map(|one| text(one))),
        }
    }
}

/// What a claim is declared to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimType {
    /// [`ClaimValue::Bool`].
    Bool,
    /// [`ClaimValue::Long`].
    Long,
    /// [`ClaimValue::Text`].
    Text,
    /// [`ClaimValue::Texts`].
    Texts,
}

impl ClaimType {
    /// What files call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Long => "long",
            Self::Text => "string",
            Self::Texts => "strings",
        }
    }

    /// The type that files call `word`.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Bool, Self::Long, Self::Text, Self::Texts];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// The value that `value` is, if it is of this type.
    pub(super) fn read(self, value: &Value) -> Option<ClaimValue> {
        match (self, value) {
            (Self::Bool, Value::Bool(flag)) => Some(ClaimValue::Bool(*flag)),
            (Self::Long, Value::Number(number)) => number.as_i64().map(ClaimValue::Long),
            (Self::Text, Value::String(text)) => Some(ClaimValue::Text(text.as_str().into())),
            (Self::Texts, Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(Into::into));
                texts.collect::<Option<_>>().map(ClaimValue::Texts)
            }
            _ => None,
        }
    }

    /// Its name in a schema of Cedar's.
    pub(super) const fn cedar(self) -> &'static str {
        match self {
            Self::Bool => "Bool",
            Self::Long => "Long",
            Self::Text => "String",
            Self::Texts => "Set<String>",
        }
    }
}

impl fmt::Display for ClaimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "true or false",
            Self::Long => "a whole number",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_word() {
        for word in ["bool", "long", "string", "strings"] {
            assert_eq!(ClaimType::of_word(word).map(ClaimType::word), Some(word));
        }
        assert_eq!(ClaimType::of_word("text"), None);
    }

    #[test]
    fn a_name_stands_in_a_schema_as_it_is() {
        for name in [
            "department",
            "https://corp.example/a#b",
            "a-b.c",
            &"a".repeat(128),
        ] {
            assert_eq!(name.parse::<ClaimName>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "a b",
            "a\"",
            "a\\",
            "é",
            "a\n",
            "__extn",
            &"a".repeat(129),
        ] {
            assert!(name.parse::<ClaimName>().is_err(), "{name}");
        }
    }
}
