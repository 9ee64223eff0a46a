//! The end that is called by those who may have no name yet.
//!
//! An authority gives out names, so it must listen to callers without one; and
//! to callers whose certificate has just ended, who could otherwise never come
//! back after it was away for a while. Both get no further than asking.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use rustls::ConnectionCommon;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use crate::identity::Identity;
use crate::identity::Live;
use crate::time::Clock;
use crate::tls::acceptor::server_config;
use crate::tls::error::AcceptError;
use crate::tls::error::HandshakeError;
use crate::tls::peer::Peer;
use crate::tls::protocol::HTTP2;
use crate::tls::protocol::Protocol;
use crate::tls::settings::Settings;
use crate::tls::slots::HandshakeSlots;
use crate::tls::verifier::Verifier;

/// Turns callers into visitors. All threads share one.
#[derive(Debug)]
pub struct Reception {
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    slots: HandshakeSlots,
    /// How long after its end a certificate may still be shown.
    grace: Duration,
    /// The configuration for one generation of our identity.
    cached: Mutex<Option<(u64, Arc<ServerConfig>)>>,
}

/// Somebody who has called, perhaps without a name.
#[derive(Debug)]
pub struct Visitor {
    /// What to speak with it on: HTTP/2.
    pub stream: TlsStream<TcpStream>,
    /// Who it is, if it showed a certificate. That may have ended: see
    /// [`Peer::not_after`].
    pub peer: Option<Peer>,
    /// What both ends of this connection know, and nobody else: for proofs that
    /// are good on this connection only.
    pub exporter: Exporter,
}

/// A connection's secret of its own (RFC 8446, 7.5).
pub type Exporter = [u8; 32];

impl Reception {
    /// Will show the identity in force in `live`, and take a slot for each handshake.
    #[must_use]
    pub const fn new(
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        slots: HandshakeSlots,
        grace: Duration,
    ) -> Self {
        Self {
            live,
            clock,
            settings,
            slots,
            grace,
            cached: Mutex::new(None),
        }
    }

    /// Completes the handshake with a caller from `source`.
    ///
    /// # Errors
    ///
    /// All of [`AcceptError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream and frees the slot.
    pub async fn receive(&self, stream: TcpStream, source: IpAddr) -> Result<Visitor, AcceptError> {
        let limit = self.settings.handshake_timeout;
        let shaken = self
            .slots
            .shake_hands(stream, source, limit, |hello| self.answer(hello));
        shaken.await
    }

    async fn answer(&self, hello: StartHandshake<TcpStream>) -> Result<Visitor, HandshakeError> {
        let config = self.config()?;
        let stream = hello
            .into_stream(config)
            .await
            .map_err(|error| HandshakeError::from_stream(&error))?;
        let (_, session) = stream.get_ref();
        if Protocol::negotiated(session.alpn_protocol()) != Some(Protocol::Http2) {
            return Err(HandshakeError::NoAlpn);
        }
        let peer = Peer::from_handshake(session);
        if session.peer_certificates().is_some() && peer.is_none() {
            return Err(HandshakeError::NoCertificate);
        }
        let exporter = export(session)?;
        Ok(Visitor {
            stream,
            peer,
            exporter,
        })
    }

    fn config(&self) -> Result<Arc<ServerConfig>, HandshakeError> {
        let generation = self.live.generation();
        let before = self.lock().clone();
        if let Some((made_for, config)) = before
            && made_for == generation
        {
            return Ok(config);
        }
        let identity = self.live.current();
        let config = self
            .build(&identity)
            .map_err(|cause| HandshakeError::Misconfigured { cause })?;
        let config = Arc::new(config);
        *self.lock() = Some((identity.generation(), Arc::clone(&config)));
        Ok(config)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, Arc<ServerConfig>)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn build(&self, identity: &Identity) -> Result<ServerConfig, rustls::Error> {
        let verifier = Verifier::new(
            Arc::clone(identity.bundles()),
            Arc::clone(&self.clock),
            self.settings.chain,
            None,
        );
        server_config(identity, verifier.for_newcomers(self.grace), HTTP2)
    }
}

pub(super) fn export<D>(session: &ConnectionCommon<D>) -> Result<Exporter, HandshakeError> {
    session
        .export_keying_material(Exporter::default(), LABEL, None)
        .map_err(|cause| HandshakeError::Protocol { cause })
}

const LABEL: &[u8] = b"EXPORTER-portreeve-possession";
