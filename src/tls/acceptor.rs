//! The end that is called.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use crate::identity::Identity;
use crate::identity::Live;
use crate::time::Clock;
use crate::tls::belief::Belief;
use crate::tls::error::AcceptError;
use crate::tls::error::HandshakeError;
use crate::tls::peer::Peer;
use crate::tls::protocol::HTTP;
use crate::tls::protocol::Protocol;
use crate::tls::provider::provider;
use crate::tls::settings::Settings;
use crate::tls::slots::HandshakeSlots;
use crate::tls::verifier::Verifier;

/// Turns callers into proved peers. Each worker has its own.
#[derive(Debug)]
pub struct Acceptor {
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    slots: HandshakeSlots,
    /// What callers may want to speak, best first.
    speaks: &'static [&'static [u8]],
    /// The configuration for one generation of our identity.
    cached: RefCell<Option<Cached>>,
}

#[derive(Clone, Debug)]
struct Cached {
    config: Arc<ServerConfig>,
    identity: Arc<Identity>,
}

/// A caller that has proved its name.
#[derive(Debug)]
pub(super) struct Shaken {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) belief: Belief,
    pub(super) shown_until: SystemTime,
}

/// A caller that has proved its name.
#[derive(Debug)]
pub struct Accepted {
    /// What to speak with it on.
    pub stream: TlsStream<TcpStream>,
    /// Who it is.
    pub peer: Peer,
    /// Why it is believed.
    pub belief: Belief,
    /// What to speak with it.
    pub protocol: Protocol,
}

impl Acceptor {
    /// Will show the identity in force in `live`, and take a slot for each handshake.
    #[must_use]
    pub const fn new(
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        slots: HandshakeSlots,
    ) -> Self {
        Self {
            live,
            clock,
            settings,
            slots,
            speaks: HTTP,
            cached: RefCell::new(None),
        }
    }

    /// The same for callers that want to speak one of `speaks`.
    pub(super) fn speaking(self, speaks: &'static [&'static [u8]]) -> Self {
        Self { speaks, ..self }
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
    pub async fn accept(&self, stream: TcpStream, source: IpAddr) -> Result<Accepted, AcceptError> {
        let shaken = self.shake_hands(stream, source).await?;
        let (_, session) = shaken.stream.get_ref();
        let protocol = Protocol::negotiated(session.alpn_protocol());
        let protocol = protocol.ok_or(AcceptError::Handshake {
            cause: HandshakeError::NoAlpn,
        })?;
        Ok(Accepted {
            stream: shaken.stream,
            peer: shaken.belief.peer().clone(),
            belief: shaken.belief,
            protocol,
        })
    }

    /// A proved caller, whatever was agreed on.
    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        source: IpAddr,
    ) -> Result<Shaken, AcceptError> {
        let limit = self.settings.handshake_timeout;
        let shaken = self
            .slots
            .shake_hands(stream, source, limit, |hello| self.answer(hello));
        shaken.await
    }

    async fn answer(&self, hello: StartHandshake<TcpStream>) -> Result<Shaken, HandshakeError> {
        let Cached { config, identity } = self.config()?;
        let stream = hello
            .into_stream(config)
            .await
            .map_err(|error| HandshakeError::from_stream(&error))?;
        let (_, session) = stream.get_ref();
        if session.alpn_protocol().is_none() {
            return Err(HandshakeError::NoAlpn);
        }
        let peer = Peer::from_handshake(session).ok_or(HandshakeError::NoCertificate)?;
        let live = Arc::clone(&self.live);
        Ok(Shaken {
            stream,
            shown_until: identity.svid().not_after(),
            belief: Belief::new(peer, identity, live, self.settings.chain),
        })
    }

    fn config(&self) -> Result<Cached, HandshakeError> {
        let generation = self.live.generation();
        if let Some(cached) = &*self.cached.borrow()
            && cached.identity.generation() == generation
        {
            return Ok(cached.clone());
        }
        let identity = self.live.current();
        let config = self
            .build(&identity)
            .map_err(|cause| HandshakeError::Misconfigured { cause })?;
        let made = Cached {
            config: Arc::new(config),
            identity,
        };
        *self.cached.borrow_mut() = Some(made.clone());
        Ok(made)
    }

    fn build(&self, identity: &Identity) -> Result<ServerConfig, rustls::Error> {
        let verifier = Verifier::new(
            Arc::clone(identity.bundles()),
            Arc::clone(&self.clock),
            self.settings.chain,
            None,
        );
        let verifier = verifier.heeding(self.live.revoked());
        server_config(identity, verifier, self.speaks)
    }
}

/// How we are called: TLS 1.3, no resumption, no early data.
pub(super) fn server_config(
    identity: &Identity,
    verifier: Verifier,
    speaks: &[&[u8]],
) -> Result<ServerConfig, rustls::Error> {
    let key = SingleCertAndKey::from(identity.svid().certified_key());
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(key));
    config.alpn_protocols = speaks.iter().map(|name| name.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}
