//! A path that a probe may ask for.

use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;

use crate::proxy::path;
use crate::proxy::path::Latitude;
use crate::proxy::path::PathError;

/// Such as `/healthz`: the one way to write it, without a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProbePath(PathAndQuery);

impl ProbePath {
    /// As it is asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) const fn target(&self) -> &PathAndQuery {
        &self.0
    }
}

impl FromStr for ProbePath {
    type Err = ProbePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(['?', '#']) {
            return Err(ProbePathError::Query);
        }
        let canonical = path::canonical(text, Latitude::default())
            .map_err(|cause| ProbePathError::BadPath { cause })?;
        if canonical != text {
            return Err(ProbePathError::OtherForm {
                canonical: canonical.into_owned(),
            });
        }
        let target = text.parse();
        target
            .map(Self)
            .map_err(|cause| ProbePathError::NotForHttp { cause })
    }
}

impl fmt::Display for ProbePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a probe cannot ask for something.
#[derive(Debug, thiserror::Error)]
pub enum ProbePathError {
    /// It has no single reading.
    #[error("it is no path that is ever forwarded")]
    BadPath {
        /// Why not.
        #[source]
        cause: PathError,
    },
    /// It is too long.
    #[error("it cannot be written in a request")]
    NotForHttp {
        /// Why not.
        #[source]
        cause: http::uri::InvalidUri,
    },
    /// It could be written in another way.
    #[error("it must be written as `{canonical}`")]
    OtherForm {
        /// The one way.
        canonical: String,
    },
    /// There is a query.
    #[error("it must be a path alone, without `?` or `#`")]
    Query,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_written_in_one_way() {
        for text in ["/", "/healthz", "/a/b-c_d.e", "/%20"] {
            assert_eq!(text.parse::<ProbePath>().unwrap().as_str(), text);
        }
        for (text, why) in [
            ("healthz", "it is no path that is ever forwarded"),
            ("", "it is no path that is ever forwarded"),
            ("/a/../b", "it is no path that is ever forwarded"),
            ("/a;b", "it is no path that is ever forwarded"),
            ("/%61", "it must be written as `/a`"),
            ("/a?b", "it must be a path alone, without `?` or `#`"),
            ("/a#b", "it must be a path alone, without `?` or `#`"),
        ] {
            assert_eq!(
                text.parse::<ProbePath>().unwrap_err().to_string(),
                why,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_a_request_is_read_as(text in "/[a-z%/.;?#0-9]{0,8}") {
            if let Ok(path) = text.parse::<ProbePath>() {
                prop_assert_eq!(path.as_str(), &text);
                prop_assert_eq!(path.target().path(), &text);
                prop_assert_eq!(path.target().query(), None);
                let read = path::canonical(&text, Latitude::default()).unwrap();
                prop_assert_eq!(read.as_ref(), &text);
            }
        }
    }
}
