//! What policies call a signal.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What policies call a signal: `risk` in `context.signals.risk`.
///
/// Parsing is the only way to make one: a plain identifier of at most 32 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SignalName(Arc<str>);

impl FromStr for SignalName {
    type Err = SignalNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= 32;
        if is_plain {
            Ok(Self(name.into()))
        } else {
            Err(SignalNameError { name: name.into() })
        }
    }
}

impl Borrow<str> for SignalName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the name of a signal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is not 1 to 32 of a-z, A-Z, 0-9, `_`, beginning with a letter")]
pub struct SignalNameError {
    name: String,
}
