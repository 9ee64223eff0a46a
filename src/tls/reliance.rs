//! Relying on one SPIFFE ID over HTTPS.

use std::sync::Arc;

use crate::https::Trust;
use crate::id::SpiffeId;
use crate::identity::Watchlist;
use crate::time::Clock;
use crate::tls::connector::client_config;
use crate::tls::verifier::Verifier;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::BundlesError;
use crate::x509::Limits;

/// Believes whoever proves to be `expected` by the roots in `bundle`, and
/// nobody else, whatever host it is on (SPIFFE Federation 5.2.2.4), unless it is
/// among the `revoked`. We show nothing.
///
/// # Errors
///
/// [`RelianceError`], which does not happen.
pub fn rely_on(
    expected: SpiffeId,
    bundle: Bundle,
    clock: Arc<dyn Clock>,
    revoked: &Arc<Watchlist>,
) -> Result<Trust, RelianceError> {
    let bundles = Bundles::new([bundle]).map_err(|cause| RelianceError::Bundles { cause })?;
    let expected = Some([expected].into());
    let verifier = Verifier::new(Arc::new(bundles), clock, Limits::default(), expected);
    let config = client_config(verifier.heeding(revoked))
        .map_err(|cause| RelianceError::Misconfigured { cause })?
        .with_no_client_auth();
    Ok(Trust::new(config))
}

/// Why nobody can be relied on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelianceError {
    /// One bundle does not stand beside itself.
    #[error("the bundle cannot be used")]
    Bundles {
        /// Why not.
        #[source]
        cause: BundlesError,
    },
    /// The TLS library takes none of it.
    #[error("our own TLS configuration is not usable")]
    Misconfigured {
        /// What it says.
        #[source]
        cause: rustls::Error,
    },
}
