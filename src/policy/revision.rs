//! Which policy set decided.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest;

/// The SHA-256 of a policy set: of the names and contents of its files, in
/// the order of the names. It is in every record, so that a decision can be
/// repeated with the policies that made it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Revision(Arc<str>);

impl Revision {
    /// `files` are names and contents, sorted by name. Lengths are hashed too,
    /// so that no text can move from one file to the next unseen.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in files.into_iter().flat_map(|(name, text)| [name, text]) {
            let bytes = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&bytes.to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut text = String::with_capacity(64);
        for byte in context.finish().as_ref() {
            // Writing to a `String` cannot fail.
            let _infallible = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// All 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole hash, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The first 12 digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or_default()
    }

    /// An equal one that shares no allocation with this one, so that worker
    /// threads do not count references in the same place.
    pub(super) fn apart(&self) -> Self {
        Self(Arc::from(&*self.0))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contents_and_their_borders_all_count() {
        let of = |files: &[(&str, &str)]| Revision::of(files.iter().copied());
        let sets: [&[(&str, &str)]; 5] = [
            &[],
            &[("a", "bc")],
            &[("ab", "c")],
            &[("a", "b"), ("c", "")],
            &[("a", ""), ("b", "c")],
        ];
        for (at, one) in sets.iter().enumerate() {
            assert_eq!(of(one), of(one).apart());
            for other in &sets[at + 1..] {
                assert_ne!(of(one), of(other), "{one:?} {other:?}");
            }
        }
        assert_eq!(
            of(&[]).as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(of(&[]).to_string(), of(&[]).as_str());
        assert_eq!(of(&[]).short(), "e3b0c44298fc");
    }
}
