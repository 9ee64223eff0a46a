//! What has no translation, and where it stands.

use std::fmt;

use serde_saphyr::Spanned;

/// Something that is not translated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Untranslatable {
    /// Counted from 1; 0 if it has no place.
    pub line: u64,
    /// What it is, and why not.
    pub text: String,
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.text),
            line => write!(f, "{line}: {}", self.text),
        }
    }
}

/// Collects all of it, so that an operator sees it at once.
#[derive(Debug, Default)]
pub(super) struct Refusals(pub(super) Vec<Untranslatable>);

impl Refusals {
    pub(super) fn add<T>(&mut self, at: &Spanned<T>, text: impl Into<String>) {
        self.whole(at.referenced.line(), text);
    }

    pub(super) fn whole(&mut self, line: u64, text: impl Into<String>) {
        let text = text.into();
        self.0.push(Untranslatable { line, text });
    }

    /// Refuses each of `values`, which `key` has.
    pub(super) fn all(&mut self, key: &str, values: &[Spanned<String>], why: &str) {
        for value in values.iter().take(1) {
            self.add(value, format!("`{key}`: {why}"));
        }
    }
}
