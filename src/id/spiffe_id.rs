//! The name of a workload.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::id::{TrustDomain, TrustDomainError};

/// A SPIFFE ID, such as `spiffe://prod.example/ns/shop/sa/web`.
///
/// Parsing is the only way to make one. Whoever holds a `SpiffeId` may rely on
/// its text being canonical (equal names are equal bytes), at most 2048 bytes,
/// and safe to print: letters, digits and `.-_/:` only. The path may be empty,
/// which names the trust domain itself. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SpiffeId {
    text: Arc<str>,
    trust_domain: TrustDomain,
}

impl SpiffeId {
    /// The longest SPIFFE ID in bytes (SPIFFE-ID 2.3).
    pub const MAX_BYTES: usize = 2048;

    /// The whole ID, with its scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The ID's text as a shared allocation.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Who vouches for this name.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The path with its leading slash, or nothing if the ID has none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text
            .get(SCHEME.len() + self.trust_domain.as_str().len()..)
            .unwrap_or_default()
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(SpiffeIdError::TooLong { bytes: text.len() });
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::BadScheme)?;
        let (domain, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let trust_domain = domain
            .parse()
            .map_err(|cause| SpiffeIdError::BadTrustDomain { cause })?;
        check_path(path, text.len() - path.len())?;
        Ok(Self {
            text: text.into(),
            trust_domain,
        })
    }
}

impl PartialEq for SpiffeId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SpiffeId {}

impl PartialOrd for SpiffeId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SpiffeId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for SpiffeId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Borrow<str> for SpiffeId {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a SPIFFE ID.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpiffeIdError {
    /// A character that a path segment may not have.
    #[error("character `{}` at byte {at} is not one of a-z, A-Z, 0-9, `.`, `-`, `_`", found.escape_default())]
    BadCharacter {
        /// Its offset in bytes from the start of the ID.
        at: usize,
        /// The character.
        found: char,
    },
    /// The text does not begin with `spiffe://`, in lower case.
    #[error("it does not begin with `spiffe://`")]
    BadScheme,
    /// What stands between `spiffe://` and the next slash is no trust domain.
    #[error("its trust domain is not valid")]
    BadTrustDomain {
        /// What is wrong with it.
        #[source]
        cause: TrustDomainError,
    },
    /// A segment that is `.` or `..`.
    #[error("the path segment at byte {at} is `.` or `..`")]
    DotSegment {
        /// Where the segment begins, in bytes from the start of the ID.
        at: usize,
    },
    /// Two slashes in a row, or one at the end.
    #[error("the path segment at byte {at} is empty")]
    EmptySegment {
        /// Where the segment should begin, in bytes from the start of the ID.
        at: usize,
    },
    /// More than [`SpiffeId::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", SpiffeId::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// SPIFFE-ID 2.2. `path` is empty or begins with a slash; `start` is its
/// offset in the whole ID.
fn check_path(path: &str, start: usize) -> Result<(), SpiffeIdError> {
    let Some(segments) = path.strip_prefix('/') else {
        return Ok(());
    };
    let mut at = start + 1;
    for segment in segments.split('/') {
        match segment {
            "" => return Err(SpiffeIdError::EmptySegment { at }),
            "." | ".." => return Err(SpiffeIdError::DotSegment { at }),
            _ => {}
        }
        if let Some((offset, found)) = segment.char_indices().find(|&(_, c)| !is_allowed(c)) {
            return Err(SpiffeIdError::BadCharacter {
                at: at + offset,
                found,
            });
        }
        at += segment.len() + 1;
    }
    Ok(())
}

const fn is_allowed(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_')
}

const SCHEME: &str = "spiffe://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart_what_it_accepts() {
        let id: SpiffeId = "spiffe://prod.example/ns/shop/sa/Web_1".parse().unwrap();
        assert_eq!(id.trust_domain().as_str(), "prod.example");
        assert_eq!(id.path(), "/ns/shop/sa/Web_1");
        assert_eq!("spiffe://td".parse::<SpiffeId>().unwrap().path(), "");
        for path in ["/...", "/.x", "/..x", "/a.b"] {
            assert!(
                format!("spiffe://td{path}").parse::<SpiffeId>().is_ok(),
                "{path}"
            );
        }
        assert!(
            format!("spiffe://td/{}", "a".repeat(2048 - 12))
                .parse::<SpiffeId>()
                .is_ok()
        );
    }

    #[test]
    fn rejects_what_the_standard_forbids() {
        use SpiffeIdError::{BadCharacter, BadScheme, BadTrustDomain, DotSegment, EmptySegment};

        let cases = [
            ("", BadScheme),
            ("https://td/x", BadScheme),
            ("SPIFFE://td/x", BadScheme),
            ("spiffe:/td/x", BadScheme),
            (
                "spiffe:///x",
                BadTrustDomain {
                    cause: TrustDomainError::Empty,
                },
            ),
            (
                "spiffe://td:1/x",
                BadTrustDomain {
                    cause: TrustDomainError::BadCharacter { at: 2, found: ':' },
                },
            ),
            ("spiffe://td/", EmptySegment { at: 12 }),
            ("spiffe://td/a/", EmptySegment { at: 14 }),
            ("spiffe://td//a", EmptySegment { at: 12 }),
            ("spiffe://td/./a", DotSegment { at: 12 }),
            ("spiffe://td/a/..", DotSegment { at: 14 }),
            ("spiffe://td/a%61", BadCharacter { at: 13, found: '%' }),
            ("spiffe://td/a?q", BadCharacter { at: 13, found: '?' }),
            ("spiffe://td/a#f", BadCharacter { at: 13, found: '#' }),
            (
                "spiffe://td/\u{e9}",
                BadCharacter {
                    at: 12,
                    found: '\u{e9}',
                },
            ),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<SpiffeId>(), Err(why), "{text:?}");
        }
        let long = format!("spiffe://td/{}", "a".repeat(2048));
        assert_eq!(
            long.parse::<SpiffeId>(),
            Err(SpiffeIdError::TooLong { bytes: 2060 })
        );
    }
}
