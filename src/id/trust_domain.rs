//! The part of a SPIFFE ID that says who vouches for it.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a trust domain, such as `prod.example`.
///
/// Parsing is the only way to make one, so whoever holds a `TrustDomain` may
/// rely on its name being 1 to 255 bytes of `a-z`, `0-9`, `.`, `-` and `_`
/// (SPIFFE-ID 2.1 and 2.3). Cloning is cheap: clones share one allocation.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// The longest name in bytes: that of a host in RFC 3986 (SPIFFE-ID 2.3).
    pub const MAX_BYTES: usize = 255;

    /// The name, without `spiffe://`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrustDomain {
    type Err = TrustDomainError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.is_empty() {
            return Err(TrustDomainError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(TrustDomainError::TooLong { bytes: name.len() });
        }
        if let Some((at, found)) = name.char_indices().find(|&(_, c)| !is_allowed(c)) {
            return Err(TrustDomainError::BadCharacter { at, found });
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for TrustDomain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is not the name of a trust domain.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustDomainError {
    /// A character outside `a-z`, `0-9`, `.`, `-` and `_`.
    #[error("character `{}` at byte {at} is not one of a-z, 0-9, `.`, `-`, `_`", found.escape_default())]
    BadCharacter {
        /// Its offset in bytes.
        at: usize,
        /// The character.
        found: char,
    },
    /// No name at all.
    #[error("the trust domain is empty")]
    Empty,
    /// More than [`TrustDomain::MAX_BYTES`].
    #[error(
        "the trust domain has {bytes} bytes, more than {}",
        TrustDomain::MAX_BYTES
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

const fn is_allowed(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_standard_allows() {
        let longest = "a".repeat(255);
        for name in [
            "a",
            "prod.example",
            "10.0.0.1",
            "a_b-c.d",
            "..",
            longest.as_str(),
        ] {
            assert_eq!(name.parse::<TrustDomain>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn rejects_what_the_standard_forbids() {
        use TrustDomainError::{BadCharacter, Empty, TooLong};

        let too_long = "a".repeat(256);
        let cases = [
            ("", Empty),
            ("Prod.example", BadCharacter { at: 0, found: 'P' }),
            ("prod/example", BadCharacter { at: 4, found: '/' }),
            ("prod:443", BadCharacter { at: 4, found: ':' }),
            ("me@prod", BadCharacter { at: 2, found: '@' }),
            ("td%2eevil", BadCharacter { at: 2, found: '%' }),
            ("prod\0", BadCharacter { at: 4, found: '\0' }),
            (
                "pr\u{43e}d",
                BadCharacter {
                    at: 2,
                    found: '\u{43e}',
                },
            ),
            (too_long.as_str(), TooLong { bytes: 256 }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<TrustDomain>(), Err(why), "{text:?}");
        }
    }
}
