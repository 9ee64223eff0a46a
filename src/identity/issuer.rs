//! Whoever turns requests into certificates.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::x509::Bundles;
use crate::x509::ChainError;
use crate::x509::CsrError;
use crate::x509::TemplateError;

/// An authority in our own process.
///
/// It decides nothing about who may be whom: `id` has been proved by other
/// means before it is asked.
pub trait Issuer: Debug + Send + Sync {
    /// A chain, leaf first, that names `id` and holds for `lifetime` from now,
    /// or for as long as the issuer itself if that is shorter.
    ///
    /// # Errors
    ///
    /// All of [`IssueError`].
    fn issue(
        &self,
        request: &CertificateSigningRequestDer<'_>,
        id: &SpiffeId,
        lifetime: Duration,
    ) -> Result<Vec<CertificateDer<'static>>, IssueError>;

    /// Whom workloads with its certificates should believe.
    fn bundles(&self) -> Arc<Bundles>;
}

/// Why no certificate was issued.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueError {
    /// The request is not granted as it stands.
    #[error("the request is not acceptable")]
    BadRequest {
        /// What is wrong with it.
        #[source]
        cause: CsrError,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
    /// What was signed does not pass the check that peers make; it was not given out.
    #[error("the new certificate for `{id}` would not be believed")]
    NotBelieved {
        /// Whom it names.
        id: SpiffeId,
        /// Which rule it breaks.
        #[source]
        cause: ChainError,
    },
    /// The name is not in the authority's trust domain.
    #[error("`{id}` is not in trust domain `{trust_domain}`")]
    OtherTrustDomain {
        /// Who was to be named.
        id: SpiffeId,
        /// Whom the authority may name.
        trust_domain: TrustDomain,
    },
    /// The issuer's own time is over or has not come.
    #[error(
        "the root that signs is not in force: it has expired or begins later, if the clock is right"
    )]
    SignerNotInForce,
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Unsigned {
        /// What went wrong.
        #[source]
        cause: TemplateError,
    },
}
