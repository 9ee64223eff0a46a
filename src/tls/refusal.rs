//! Why we do not believe the other end.
//!
//! The TLS library carries this through the handshake as an opaque cause;
//! it is taken out again at the end, so that the record names the exact rule.

use std::sync::Arc;

use rustls::CertificateError;
use rustls::OtherError;

use crate::id::SpiffeId;
use crate::x509::ChainError;

/// Why we do not believe the other end's certificate.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It breaks a rule, or nobody we believe vouches for it.
    #[error("the peer's certificate is not believed")]
    NotBelieved {
        /// Which rule it breaks.
        #[source]
        cause: ChainError,
    },
    /// It is revoked, or whoever it names.
    #[error("`{found}` or its certificate is revoked")]
    Revoked {
        /// Who it is.
        found: SpiffeId,
    },
    /// It is believed, but it is not whom we meant to reach.
    #[error("the peer is `{found}`, which is not expected here")]
    Unexpected {
        /// Who it is.
        found: SpiffeId,
    },
}

impl Refusal {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotBelieved { cause } => cause.reason(),
            Self::Revoked { .. } => "revoked",
            Self::Unexpected { .. } => "unexpected_peer",
        }
    }

    /// The refusal in what the TLS library reports, if it is one of ours.
    pub(super) fn found_in(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
                cause.downcast_ref::<Self>().cloned()
            }
            _ => None,
        }
    }
}

impl From<Refusal> for rustls::Error {
    fn from(refusal: Refusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}
