//! Names that an operator gives: of a service, of a group.
//!
//! Both stand inside Cedar ids (`Route::"orders:/users/{id}"`) and inside log
//! lines, so they are kept to characters that need no escaping in either.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a service, such as `orders`.
///
/// Parsing is the only way to make one: 1 to 63 bytes of `a-z`, `0-9`, `.`,
/// `-` and `_`. Cloning is cheap.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ServiceName(Arc<str>);

/// The name of a group of routes or workloads, such as `public-api`.
///
/// The same letters as a [`ServiceName`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupName(Arc<str>);

impl ServiceName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GroupName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        check(name).map(|()| Self(name.into()))
    }
}

impl FromStr for GroupName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        check(name).map(|()| Self(name.into()))
    }
}

impl Borrow<str> for ServiceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for GroupName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not the name of a service or a group.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// A character outside `a-z`, `0-9`, `.`, `-` and `_`.
    #[error("character `{}` at byte {at} is not one of a-z, 0-9, `.`, `-`, `_`", found.escape_default())]
    BadCharacter {
        /// Its offset in bytes.
        at: usize,
        /// The character.
        found: char,
    },
    /// No name at all.
    #[error("the name is empty")]
    Empty,
    /// More than 63 bytes.
    #[error("the name has {bytes} bytes, more than {MAX_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_BYTES {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    match name.char_indices().find(|&(_, c)| !is_allowed(c)) {
        Some((at, found)) => Err(NameError::BadCharacter { at, found }),
        None => Ok(()),
    }
}

const fn is_allowed(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_')
}

/// What fits in a DNS label, so that a service may have its host's name.
const MAX_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_its_doc_says() {
        let longest = "a".repeat(63);
        for name in ["a", "orders", "orders.shop_v2-x", longest.as_str()] {
            assert_eq!(name.parse::<ServiceName>().unwrap().as_str(), name);
            assert_eq!(name.parse::<GroupName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn rejects_what_would_need_escaping() {
        use NameError::{BadCharacter, Empty, TooLong};

        let too_long = "a".repeat(64);
        let cases = [
            ("", Empty),
            ("Orders", BadCharacter { at: 0, found: 'O' }),
            ("a:b", BadCharacter { at: 1, found: ':' }),
            ("a/b", BadCharacter { at: 1, found: '/' }),
            ("a\"", BadCharacter { at: 1, found: '"' }),
            ("a b", BadCharacter { at: 1, found: ' ' }),
            (too_long.as_str(), TooLong { bytes: 64 }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<ServiceName>(), Err(why.clone()), "{text:?}");
            assert_eq!(text.parse::<GroupName>(), Err(why), "{text:?}");
        }
    }
}
