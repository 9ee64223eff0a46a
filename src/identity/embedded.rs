//! An identity from an authority in our own process.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::pending;
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::id::SpiffeId;
use crate::identity::issuer::Issuer;
use crate::identity::source::Renews;
use crate::identity::source::Source;
use crate::identity::source::SourceError;
use crate::identity::svid::Identity;
use crate::identity::svid::Svid;
use crate::time::Clock;
use crate::x509::Limits;
use crate::x509::make_request;

/// A [`Source`] that asks an [`Issuer`] beside it.
///
/// Each certificate is for a new key, made here; the issuer sees the request only.
#[derive(Clone, Debug)]
pub struct Embedded {
    issuer: Arc<dyn Issuer>,
    id: SpiffeId,
    lifetime: Duration,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Embedded {
    /// Will be `id`, for `lifetime` with each certificate.
    #[must_use]
    pub fn new(
        issuer: Arc<dyn Issuer>,
        id: SpiffeId,
        lifetime: Duration,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            issuer,
            id,
            lifetime,
            limits,
            clock,
        }
    }

    fn make(&self) -> Result<Identity, SourceError> {
        let pair = KeyPair::generate().map_err(|cause| SourceError::NoKey { cause })?;
        let pair = Zeroizing::new(pair);
        let request = make_request(&pair).map_err(|cause| SourceError::NoRequest { cause })?;
        let chain = self
            .issuer
            .issue(&request, &self.id, self.lifetime)
            .map_err(|cause| SourceError::NotIssued { cause })?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let svid = Svid::new(chain, key).map_err(|cause| SourceError::BadSvid { cause })?;
        Identity::new(svid, self.issuer.bundles(), self.clock.now(), &self.limits)
            .map_err(|cause| SourceError::BadIdentity { cause })
    }
}

impl Source for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        async { self.make() }.boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        pending().boxed()
    }

    fn renews(&self) -> Renews {
        Renews::AtHalfLife
    }
}
