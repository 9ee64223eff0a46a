//! For whom a token is.

use std::collections::BTreeSet;

/// Who may accept a token: at least one, each named once.
///
/// Their order says nothing, so that two requests for the same audience are
/// one and the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Audience(Vec<String>);

impl Audience {
    /// How many a token may name. One is best: each of them can use it at the
    /// others.
    pub const MOST: usize = 16;

    /// How long a name may be, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// The names, in an order of their own.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Audience {
    type Error = AudienceError;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        if names.is_empty() {
            return Err(AudienceError::Nobody);
        }
        let names = BTreeSet::from_iter(names);
        if names.len() > Self::MOST {
            return Err(AudienceError::TooMany);
        }
        for name in &names {
            if name.is_empty() {
                return Err(AudienceError::Nameless);
            }
            if name.len() > Self::MAX_BYTES {
                return Err(AudienceError::TooLong { bytes: name.len() });
            }
            if name.chars().any(char::is_control) {
                return Err(AudienceError::ControlCharacter);
            }
        }
        Ok(Self(names.into_iter().collect()))
    }
}

/// Why names are no audience.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AudienceError {
    /// A name that cannot stand in a line of text.
    #[error("a name in the audience has a control character")]
    ControlCharacter,
    /// An empty name.
    #[error("a name in the audience is empty")]
    Nameless,
    /// No name at all.
    #[error("the audience must name somebody")]
    Nobody,
    /// A name of more than [`Audience::MAX_BYTES`].
    #[error(
        "a name in the audience has {bytes} bytes, more than {}",
        Audience::MAX_BYTES
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More than [`Audience::MOST`] names.
    #[error("the audience has more than {} names", Audience::MOST)]
    TooMany,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn audience(names: &[&str]) -> Result<Audience, AudienceError> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.try_into()
    }

    #[test]
    fn is_somebody_by_name() {
        use AudienceError::{ControlCharacter, Nameless, Nobody, TooLong, TooMany};

        assert_eq!(audience(&["b", "a", "b"]).unwrap().names(), ["a", "b"]);
        assert_eq!(audience(&["a", "b"]), audience(&["b", "a"]));
        let long = "a".repeat(Audience::MAX_BYTES + 1);
        let numbers: Vec<String> = (0..=Audience::MOST).map(|n| n.to_string()).collect();
        let many: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert!(audience(&many[1..]).is_ok());
        for (names, why) in [
            (&[][..], Nobody),
            (&["a", ""], Nameless),
            (&["a\n"], ControlCharacter),
            (&[&long], TooLong { bytes: long.len() }),
            (&many, TooMany),
        ] {
            assert_eq!(audience(names), Err(why), "{names:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_one_is_read_again_as_the_same(
            names in proptest::collection::vec("\\PC{0,8}", 0..20)
        ) {
            if let Ok(audience) = Audience::try_from(names.clone()) {
                prop_assert!(audience.names().iter().all(|name| names.contains(name)));
                prop_assert!(names.iter().all(|name| audience.names().contains(name)));
                prop_assert_eq!(Audience::try_from(audience.names().to_vec()), Ok(audience));
            }
        }
    }
}
