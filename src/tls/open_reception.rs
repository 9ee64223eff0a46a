//! The end that anybody may call, for what everybody may know.
//!
//! It shows who we are and asks nobody: a bundle endpoint must not (SPIFFE
//! Federation 5.2.1.3), and people prove who they are in another way. Whoever
//! calls may not speak TLS 1.3 yet.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::NoServerSessionStorage;
use rustls::server::ProducesTickets;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS12;
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::identity::Live;
use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;
use crate::tls::error::AcceptError;
use crate::tls::error::HandshakeError;
use crate::tls::greeting;
use crate::tls::host_certificates::HostCertificates;
use crate::tls::protocol::HTTP;
use crate::tls::protocol::HTTP1;
use crate::tls::protocol::Protocol;
use crate::tls::settings::Settings;
use crate::tls::slots::HandshakeSlots;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::private_key_from_pem;

/// Lets anybody in. All threads share one.
#[derive(Debug)]
pub struct OpenReception {
    cached: Mutex<(Seen, Arc<ServerConfig>)>,
    manner: Manner,
    settings: Settings,
    shows: Shows,
}

/// Whom it is for.
#[derive(Clone, Debug)]
enum Manner {
    /// Browsers, which come again and again: sessions are resumed, since nothing
    /// is proved by them. Tickets are good wherever this one's keys are.
    People(Arc<dyn ProducesTickets>),
    /// Servers, over HTTP/1.1.
    Servers,
}

/// What is shown to whoever calls.
#[derive(Debug)]
pub enum Shows {
    /// A certificate for the host, PEM, leaf first, and its key. Both are read
    /// again when they change.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// A certificate for each host, as they are had.
    Hosts(Arc<HostCertificates>),
    /// Our SVID, whichever is in force.
    Svid(Arc<Live>),
}

/// Which of those the configuration was made for.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Seen {
    Files(Fingerprint),
    Generation(u64),
    /// Each handshake looks for itself.
    Hosts,
}

impl OpenReception {
    /// Will show what `shows` says.
    ///
    /// # Errors
    ///
    /// [`ShowError`] if there is nothing to show.
    pub fn new(shows: Shows, settings: Settings) -> Result<Self, ShowError> {
        Self::with(Manner::Servers, shows, settings)
    }

    /// The same for people, over HTTP/2 or HTTP/1.1.
    ///
    /// # Errors
    ///
    /// [`ShowError`] if there is nothing to show, or nothing to make tickets with.
    pub fn for_people(shows: Shows, settings: Settings) -> Result<Self, ShowError> {
        let tickets = Ticketer::new().map_err(|cause| ShowError::Unusable { cause })?;
        Self::with(Manner::People(tickets), shows, settings)
    }

    fn with(manner: Manner, shows: Shows, settings: Settings) -> Result<Self, ShowError> {
        let seen = shows.look();
        let config = shows.build(&manner)?;
        Ok(Self {
            cached: Mutex::new((seen, Arc::new(config))),
            manner,
            settings,
            shows,
        })
    }

    /// Completes the handshake with somebody at `source`, in one of `slots`, and
    /// says what to speak: who offers nothing speaks HTTP/1.1. None if it was a CA
    /// that has seen the answer to its challenge, and wants no more.
    ///
    /// # Errors
    ///
    /// All of [`AcceptError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream and frees the slot.
    pub async fn welcome(
        &self,
        slots: &HandshakeSlots,
        stream: TcpStream,
        source: IpAddr,
    ) -> Result<Option<(TlsStream<TcpStream>, Protocol)>, AcceptError> {
        let limit = self.settings.handshake_timeout;
        let shaken = slots.shake_hands(stream, source, limit, |hello| async {
            let hello = match &self.shows {
                Shows::Hosts(hosts) => match greeting::greet(hosts, hello).await? {
                    Some(hello) => hello,
                    None => return Ok(None),
                },
                Shows::Files { .. } | Shows::Svid(_) => hello,
            };
            let stream = hello.into_stream(self.config()).await;
            let stream = stream.map_err(|error| HandshakeError::from_stream(&error))?;
            let protocol = match stream.get_ref().1.alpn_protocol() {
                None => Protocol::Http1,
                some => Protocol::negotiated(some).ok_or(HandshakeError::OtherAlpn)?,
            };
            Ok(Some((stream, protocol)))
        });
        shaken.await
    }

    /// Completes the handshake with whoever calls.
    ///
    /// # Errors
    ///
    /// All of [`AcceptError`] but that of slots. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream.
    pub async fn receive(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, AcceptError> {
        // Boxed: a handshake's state is large.
        let handshake = Box::pin(TlsAcceptor::from(self.config()).accept(stream));
        let shaken = match timeout(self.settings.handshake_timeout, handshake).await {
            Ok(shaken) => shaken.map_err(|error| HandshakeError::from_stream(&error)),
            Err(_elapsed) => Err(HandshakeError::Timeout),
        };
        shaken.map_err(|cause| AcceptError::Handshake { cause })
    }

    /// What cannot be used does not take the place of what can.
    fn config(&self) -> Arc<ServerConfig> {
        let now = self.shows.look();
        let (seen, before) = self.lock().clone();
        if seen == now {
            return before;
        }
        let config = match self.shows.build(&self.manner) {
            Ok(next) => Arc::new(next),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "the next certificate cannot be shown; the old one stays"
                );
                before
            }
        };
        *self.lock() = (now, Arc::clone(&config));
        config
    }

    fn lock(&self) -> MutexGuard<'_, (Seen, Arc<ServerConfig>)> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shows {
    fn look(&self) -> Seen {
        match self {
            Self::Files { certificate, key } => Seen::Files(Fingerprint::take([certificate, key])),
            Self::Hosts(_) => Seen::Hosts,
            Self::Svid(live) => Seen::Generation(live.generation()),
        }
    }

    fn build(&self, manner: &Manner) -> Result<ServerConfig, ShowError> {
        let unusable = |cause| ShowError::Unusable { cause };
        let shown: Arc<dyn ResolvesServerCert> = match self {
            Self::Files { certificate, key } => {
                let read =
                    |path| store::read(path).map_err(|cause| ShowError::Unreadable { cause });
                let not_pem = |cause| ShowError::NotPem { cause };
                let chain =
                    certificates_from_pem(&read(certificate)?, &certificate.to_string_lossy())
                        .map_err(not_pem)?;
                let text = Zeroizing::new(read(key)?);
                let key = private_key_from_pem(&text, &key.to_string_lossy()).map_err(not_pem)?;
                let shown = CertifiedKey::from_der(chain, key, &default_provider());
                Arc::new(SingleCertAndKey::from(shown.map_err(unusable)?))
            }
            Self::Hosts(hosts) => Arc::<HostCertificates>::clone(hosts),
            Self::Svid(live) => {
                let shown = live.current().svid().certified_key();
                Arc::new(SingleCertAndKey::from(shown))
            }
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown);
        let speaks = match manner {
            Manner::People(tickets) => {
                config.ticketer = Arc::clone(tickets);
                HTTP
            }
            Manner::Servers => {
                config.send_tls13_tickets = 0;
                HTTP1
            }
        };
        config.alpn_protocols = speaks.iter().map(|name| name.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        Ok(config)
    }
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// A file does not hold what it should.
    #[error("the certificate to be shown cannot be read")]
    NotPem {
        /// Which, and what is missing.
        #[source]
        cause: PemError,
    },
    /// A file cannot be read.
    #[error("the certificate to be shown cannot be read")]
    Unreadable {
        /// Which, and why not.
        #[source]
        cause: StoreError,
    },
    /// Certificate and key do not go together.
    #[error("the certificate and its key cannot be used")]
    Unusable {
        /// Why not.
        #[source]
        cause: rustls::Error,
    },
}
