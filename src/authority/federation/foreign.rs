//! What another trust domain says of itself.

use std::time::Duration;

use crate::id::TrustDomain;
use crate::jwt::BundleDocument;
use crate::jwt::DocumentError;
use crate::jwt::JwtKeys;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;

/// The roots and keys of another trust domain, every one fit to be one.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Foreign {
    pub(in crate::authority) bundle: Bundle,
    pub(in crate::authority) jwt_keys: JwtKeys,
    /// Grows with every change, where it is told.
    pub(in crate::authority) sequence: Option<u64>,
    refresh_hint: Option<Duration>,
}

impl Foreign {
    /// Reads the document that was served for `trust_domain`.
    pub(in crate::authority) fn read(
        trust_domain: TrustDomain,
        document: &[u8],
    ) -> Result<Self, ForeignError> {
        let document =
            BundleDocument::parse(document).map_err(|cause| ForeignError::BadDocument { cause })?;
        let bundle = Bundle::new(trust_domain, document.roots)
            .map_err(|cause| ForeignError::BadBundle { cause })?;
        Ok(Self {
            bundle,
            jwt_keys: document.jwt_keys,
            sequence: document.sequence,
            refresh_hint: document.refresh_hint,
        })
    }

    /// How long to believe it before asking again.
    pub(super) fn interval(&self) -> Duration {
        self.refresh_hint
            .unwrap_or(DEFAULT_INTERVAL)
            .clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
    }

    /// Whether the same are to be believed.
    pub(in crate::authority) fn says_the_same_as(&self, other: &Self) -> bool {
        self.bundle.certificates().eq(other.bundle.certificates())
            && self.jwt_keys == other.jwt_keys
    }
}

/// Reads the bundle of `trust_domain` as an operator has it: a SPIFFE bundle or,
/// where it does not begin with `{`, PEM. `place` names the text in errors.
///
/// # Errors
///
/// All of [`ForeignError`].
pub fn read_foreign_bundle(
    trust_domain: TrustDomain,
    text: &[u8],
    place: &str,
) -> Result<Bundle, ForeignError> {
    if text.trim_ascii_start().starts_with(b"{") {
        return Foreign::read(trust_domain, text).map(|foreign| foreign.bundle);
    }
    let roots =
        certificates_from_pem(text, place).map_err(|cause| ForeignError::NotPem { cause })?;
    Bundle::new(trust_domain, roots).map_err(|cause| ForeignError::BadBundle { cause })
}

/// Why a text is not a trust domain's bundle.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForeignError {
    /// A root that is not fit to be one, or another trust domain's.
    #[error("the bundle cannot be used")]
    BadBundle {
        /// Which root, and why not.
        #[source]
        cause: BundleError,
    },
    /// It is no SPIFFE bundle.
    #[error("it is not a SPIFFE bundle")]
    BadDocument {
        /// Why not.
        #[source]
        cause: DocumentError,
    },
    /// It is no PEM.
    #[error("it is neither a SPIFFE bundle nor PEM")]
    NotPem {
        /// Why not.
        #[source]
        cause: PemError,
    },
}

/// What the standard recommends (SPIFFE Federation 4.1).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
/// Nobody can make us ask more often.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
/// Nobody is believed for longer without being asked.
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_heeded_within_bounds() {
        for (hint, seconds) in [
            ("", 300),
            (r#","spiffe_refresh_hint":0"#, 10),
            (r#","spiffe_refresh_hint":60"#, 60),
            (r#","spiffe_refresh_hint":18446744073709551615"#, 86_400),
        ] {
            let document = format!(r#"{{"keys":[]{hint}}}"#);
            let foreign = Foreign::read("other.example".parse().unwrap(), document.as_bytes());
            assert_eq!(foreign.unwrap().interval(), Duration::from_secs(seconds));
        }
    }
}
