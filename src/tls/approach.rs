//! The end that calls before it has a name.

use std::sync::Arc;

use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::id::SpiffeId;
use crate::identity::Svid;
use crate::identity::Watchlist;
use crate::time::Clock;
use crate::tls::connector::client_config;
use crate::tls::connector::harden;
use crate::tls::connector::no_name;
use crate::tls::error::ConnectError;
use crate::tls::error::HandshakeError;
use crate::tls::protocol::Protocol;
use crate::tls::reception::Exporter;
use crate::tls::reception::export;
use crate::tls::settings::Settings;
use crate::tls::verifier::Verifier;
use crate::x509::Bundles;

/// One call to an authority, which must prove who it is.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Whom we believe.
    pub bundles: Arc<Bundles>,
    /// For the dates of certificates.
    pub clock: Arc<dyn Clock>,
    /// Who must be there.
    pub expected: SpiffeId,
    /// Who is believed no longer.
    pub revoked: Arc<Watchlist>,
    /// What handshakes may cost.
    pub settings: Settings,
    /// What we show, if we have something to show.
    pub shows: Option<Arc<Svid>>,
}

/// An authority that has proved its name.
#[derive(Debug)]
pub struct Approached {
    /// What to speak with it on: HTTP/2.
    pub stream: TlsStream<TcpStream>,
    /// What both ends of this connection know, and nobody else.
    pub exporter: Exporter,
}

impl Approach {
    /// Completes the handshake.
    ///
    /// # Errors
    ///
    /// All of [`ConnectError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream.
    pub async fn connect(&self, stream: TcpStream) -> Result<Approached, ConnectError> {
        self.shake_hands(stream)
            .await
            .map_err(|cause| ConnectError::Handshake { cause })
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<Approached, HandshakeError> {
        let verifier = Verifier::new(
            Arc::clone(&self.bundles),
            Arc::clone(&self.clock),
            self.settings.chain,
            Some([self.expected.clone()].into()),
        );
        let verifier = verifier.heeding(&self.revoked);
        let config =
            client_config(verifier).map_err(|cause| HandshakeError::Misconfigured { cause })?;
        let mut config = match &self.shows {
            Some(svid) => config
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(svid.certified_key()))),
            None => config.with_no_client_auth(),
        };
        harden(&mut config);
        config.alpn_protocols = vec![Protocol::Http2.alpn().to_vec()];
        let handshake = TlsConnector::from(Arc::new(config)).connect(no_name(), stream);
        let stream = timeout(self.settings.handshake_timeout, Box::pin(handshake))
            .await
            .or(Err(HandshakeError::Timeout))?
            .map_err(|error| HandshakeError::from_stream(&error))?;
        let (_, session) = stream.get_ref();
        if Protocol::negotiated(session.alpn_protocol()) != Some(Protocol::Http2) {
            return Err(HandshakeError::NoAlpn);
        }
        let exporter = export(session)?;
        Ok(Approached { stream, exporter })
    }
}
