//! The end that calls.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls::ConfigBuilder;
use rustls::client::Resumption;
use rustls::client::WantsClientCert;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::id::SpiffeId;
use crate::identity::Identity;
use crate::identity::Live;
use crate::time::Clock;
use crate::tls::belief::Belief;
use crate::tls::error::ConnectError;
use crate::tls::error::HandshakeError;
use crate::tls::peer::Peer;
use crate::tls::protocol::Protocol;
use crate::tls::provider::provider;
use crate::tls::settings::Settings;
use crate::tls::shown::Shown;
use crate::tls::verifier::Verifier;

/// Turns streams to one far side into proved peers. Each worker has its own.
#[derive(Debug)]
pub struct Connector {
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    expected: Arc<[SpiffeId]>,
    settings: Settings,
    /// The configuration for one generation of our identity.
    cached: RefCell<Option<(Arc<Identity>, ClientConfig)>>,
}

/// A far side that has proved its name.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) belief: Belief,
    pub(super) generation: u64,
    pub(super) shown_until: SystemTime,
}

/// A far side that has proved its name.
#[derive(Debug)]
pub struct Connected {
    /// What to speak with it on.
    pub stream: TlsStream<TcpStream>,
    /// Who it is: one of those expected.
    pub peer: Peer,
    /// Why it is believed.
    pub belief: Belief,
    /// What to speak with it: what was asked for.
    pub protocol: Protocol,
    /// Which generation of our own identity we showed.
    pub generation: u64,
    /// When the certificate that we showed ends, and with it the far side's
    /// reason to believe us.
    pub shown_until: SystemTime,
}

impl Connector {
    /// Will accept only far sides that are one of `expected`; nobody, if that is empty.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        expected: Vec<SpiffeId>,
        settings: Settings,
    ) -> Self {
        Self {
            live,
            clock,
            expected: expected.into(),
            settings,
            cached: RefCell::new(None),
        }
    }

    /// The generation of our own identity that a handshake would show now.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.live.generation()
    }

    /// Completes the handshake with the far side, which must speak `protocol`.
    ///
    /// A far side that is not expected never sees our certificate: in TLS 1.3
    /// it must show its own first. That it believes ours is not known when this
    /// ends; if it does not, the first read from the stream fails.
    ///
    /// # Errors
    ///
    /// All of [`ConnectError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream.
    pub async fn connect(
        &self,
        stream: TcpStream,
        protocol: Protocol,
    ) -> Result<Connected, ConnectError> {
        let reached = self.shake_hands(stream, protocol.alpn()).await?;
        Ok(Connected {
            stream: reached.stream,
            peer: reached.belief.peer().clone(),
            belief: reached.belief,
            protocol,
            generation: reached.generation,
            shown_until: reached.shown_until,
        })
    }

    /// A proved far side that speaks what is called `alpn`.
    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        alpn: &[u8],
    ) -> Result<Reached, ConnectError> {
        self.shake(stream, alpn)
            .await
            .map_err(|cause| ConnectError::Handshake { cause })
    }

    async fn shake(&self, stream: TcpStream, alpn: &[u8]) -> Result<Reached, HandshakeError> {
        let (identity, mut config) = self.config()?;
        if identity.svid().not_after() < self.clock.now() {
            return Err(HandshakeError::OwnCertificateExpired);
        }
        let shown = Arc::new(Shown::new(config.client_auth_cert_resolver));
        config.client_auth_cert_resolver = Arc::<Shown>::clone(&shown);
        let connector = TlsConnector::from(Arc::new(config));
        let handshake = connector
            .with_alpn(vec![alpn.to_vec()])
            .connect(no_name(), stream);
        // Boxed for the reason given in the acceptor.
        let stream = timeout(self.settings.handshake_timeout, Box::pin(handshake))
            .await
            .or(Err(HandshakeError::Timeout))?
            .map_err(|error| HandshakeError::from_stream(&error))?;
        let (_, session) = stream.get_ref();
        if session.alpn_protocol() != Some(alpn) {
            return Err(HandshakeError::NoAlpn);
        }
        let peer = Peer::from_handshake(session).ok_or(HandshakeError::NoCertificate)?;
        if !shown.was_asked() {
            return Err(HandshakeError::NotMutual);
        }
        let live = Arc::clone(&self.live);
        Ok(Reached {
            stream,
            generation: identity.generation(),
            shown_until: identity.svid().not_after(),
            belief: Belief::new(peer, identity, live, self.settings.chain),
        })
    }

    /// A copy: each connection has its own note of whether it was asked.
    fn config(&self) -> Result<(Arc<Identity>, ClientConfig), HandshakeError> {
        let generation = self.live.generation();
        if let Some((made_for, config)) = &*self.cached.borrow()
            && made_for.generation() == generation
        {
            return Ok((Arc::clone(made_for), config.clone()));
        }
        let identity = self.live.current();
        let config = self
            .build(&identity)
            .map_err(|cause| HandshakeError::Misconfigured { cause })?;
        *self.cached.borrow_mut() = Some((Arc::clone(&identity), config.clone()));
        Ok((identity, config))
    }

    fn build(&self, identity: &Identity) -> Result<ClientConfig, rustls::Error> {
        let verifier = Verifier::new(
            Arc::clone(identity.bundles()),
            Arc::clone(&self.clock),
            self.settings.chain,
            Some(Arc::clone(&self.expected)),
        );
        let key = SingleCertAndKey::from(identity.svid().certified_key());
        let verifier = verifier.heeding(self.live.revoked());
        let mut config = client_config(verifier)?.with_client_cert_resolver(Arc::new(key));
        harden(&mut config);
        Ok(config)
    }
}

/// How we call: TLS 1.3, and `verifier` says who may be there.
pub(super) fn client_config(
    verifier: Verifier,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

/// No resumption, no early data, and no name in the clear.
pub(super) fn harden(config: &mut ClientConfig) {
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.enable_early_data = false;
}

/// The TLS library wants a name; it is neither sent nor looked at.
pub(super) fn no_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into())
}
