//! Some workloads, by what their names have in common.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::id::SpiffeId;
use crate::id::SpiffeIdError;

/// A SPIFFE ID, or one with wildcards, such as `spiffe://prod.example/ns/*/sa/web`.
///
/// `*` stands for one whole segment of the path, and a final `/**` for one or
/// more. The trust domain has no wildcard: who vouches for a name is never left
/// open. Cloning is cheap.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpiffeIdPattern {
    text: Arc<str>,
}

impl SpiffeIdPattern {
    /// Whether `id` is one of those that are meant.
    #[must_use]
    pub fn fits(&self, id: &SpiffeId) -> bool {
        let mut segments = id.as_str().split('/');
        for wanted in self.text.split('/') {
            let found = segments.next();
            match wanted {
                "**" => return found.is_some(),
                "*" if found.is_some() => {}
                _ if found == Some(wanted) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

impl FromStr for SpiffeIdPattern {
    type Err = SpiffeIdPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut segments: Vec<&str> = text.split('/').collect();
        if segments.last() == Some(&"**") {
            segments.pop();
        }
        if let Some((domain, path)) = segments.split_at_mut_checked(DOMAIN) {
            for segment in path.iter_mut().filter(|segment| **segment == "*") {
                // As it may be, whatever it stands for.
                *segment = "x";
            }
            if domain.iter().any(|part| part.contains('*')) {
                return Err(SpiffeIdPatternError::AnyTrustDomain);
            }
            if path.iter().any(|segment| segment.contains('*')) {
                return Err(SpiffeIdPatternError::PartOfASegment);
            }
        }
        let id: SpiffeId = segments
            .join("/")
            .parse()
            .map_err(|cause| SpiffeIdPatternError::BadId { cause })?;
        if id.path().is_empty() && !text.ends_with("/**") {
            return Err(SpiffeIdPatternError::NoPath);
        }
        Ok(Self { text: text.into() })
    }
}

impl fmt::Display for SpiffeIdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text does not say which workloads are meant.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpiffeIdPatternError {
    /// There is a wildcard where the trust domain is.
    #[error("the trust domain must be written out: only the path may have `*` and `**`")]
    AnyTrustDomain,
    /// With the wildcards filled in it is no SPIFFE ID.
    #[error("it is no SPIFFE ID, nor one with `*` for a segment or a final `/**`")]
    BadId {
        /// Why not.
        #[source]
        cause: SpiffeIdError,
    },
    /// No workload has such a name.
    #[error(
        "it has no path, so no workload can be it: all of a trust domain are `spiffe://DOMAIN/**`"
    )]
    NoPath,
    /// A wildcard is not alone between its slashes.
    #[error("`*` stands for a whole segment, and `**` only at the end")]
    PartOfASegment,
}

/// `spiffe:`, nothing, and the trust domain come before the path.
const DOMAIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fits(pattern: &str, id: &str) -> bool {
        let pattern: SpiffeIdPattern = pattern.parse().unwrap();
        pattern.fits(&id.parse().unwrap())
    }

    #[test]
    fn a_star_is_a_segment_and_two_are_the_rest() {
        for (pattern, ids, others) in [
            (
                "spiffe://a/ns/x",
                &["spiffe://a/ns/x"][..],
                &["spiffe://a/ns", "spiffe://a/ns/x/y", "spiffe://b/ns/x"][..],
            ),
            (
                "spiffe://a/ns/*/sa/web",
                &["spiffe://a/ns/x/sa/web"],
                &[
                    "spiffe://a/ns/sa/web",
                    "spiffe://a/ns/x/y/sa/web",
                    "spiffe://a/ns/x/sa/webs",
                ],
            ),
            (
                "spiffe://a/ns/**",
                &["spiffe://a/ns/x", "spiffe://a/ns/x/y"],
                &[
                    "spiffe://a/ns",
                    "spiffe://a/nsx",
                    "spiffe://a/x/ns/y",
                    "spiffe://ab/ns/x",
                ],
            ),
            (
                "spiffe://a/**",
                &["spiffe://a/x", "spiffe://a/x/y"],
                &["spiffe://a", "spiffe://b/x"],
            ),
        ] {
            for id in ids {
                assert!(fits(pattern, id), "{pattern} {id}");
            }
            for id in others {
                assert!(!fits(pattern, id), "{pattern} {id}");
            }
        }
    }

    #[test]
    fn what_leaves_too_much_open_is_refused() {
        use SpiffeIdPatternError::AnyTrustDomain;
        use SpiffeIdPatternError::NoPath;
        use SpiffeIdPatternError::PartOfASegment;

        for (text, error) in [
            ("spiffe://*/ns/x", AnyTrustDomain),
            ("spiffe://*.example/**", AnyTrustDomain),
            ("*://a/x", AnyTrustDomain),
            ("spiffe://a", NoPath),
            ("spiffe://a/ns/x*", PartOfASegment),
            ("spiffe://a/**/x", PartOfASegment),
            ("spiffe://a/***", PartOfASegment),
        ] {
            assert_eq!(text.parse::<SpiffeIdPattern>(), Err(error), "{text}");
        }
        for text in [
            "",
            "*",
            "**",
            "web",
            "spiffe://a/",
            "spiffe://a//x",
            "spiffe://A/x",
            "https://a/x",
        ] {
            let error = text.parse::<SpiffeIdPattern>().unwrap_err();
            assert!(
                matches!(error, SpiffeIdPatternError::BadId { .. } | AnyTrustDomain),
                "{text}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_id_is_a_pattern_that_only_it_fits(
            path in "(/[a-z]{1,2}){1,3}", other in "(/[a-z]{1,2}){1,3}"
        ) {
            let [id, other] = [path, other].map(|path| format!("spiffe://a{path}"));
            prop_assert!(fits(&id, &id));
            prop_assert_eq!(fits(&id, &other), id == other);
        }

        #[test]
        fn whoever_fits_is_of_the_trust_domain_that_is_written(
            pattern in "spiffe://(a|b)(/[a-b]|/\\*){0,3}(/\\*\\*)?", id in "spiffe://(a|b)(/[a-b]){0,4}"
        ) {
            if let (Ok(pattern), Ok(id)) = (pattern.parse::<SpiffeIdPattern>(), id.parse::<SpiffeId>()) {
                let start = format!("spiffe://{}/", id.trust_domain());
                if pattern.fits(&id) {
                    prop_assert!(pattern.to_string().starts_with(&start), "{} {}", pattern, id);
                }
            }
        }
    }
}
