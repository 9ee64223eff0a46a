//! Where API servers call.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::interval;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::audit;
use crate::drain;
use crate::inject::bundle::RootsError;
use crate::inject::certificate;
use crate::inject::desk::Desk;
use crate::inject::injector::CheckConfig;
use crate::inject::injector::Injector;
use crate::inject::metrics::Metrics;
use crate::inject::refusal::Mistake;
use crate::inject::settings::Settings;
use crate::net;
use crate::net::BindError;
use crate::net::Guests;
use crate::net::Listener;
use crate::net::place;
use crate::tls;
use crate::tls::OpenReception;
use crate::tls::ShowError;
use crate::tls::Shows;

/// Answers reviews over TLS.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    certificate: PathBuf,
    desk: Arc<Desk>,
    listener: Listener,
    metrics: Metrics,
}

/// What an endpoint is lent.
#[derive(Debug)]
pub struct Opening {
    /// What is wrong with a sidecar's configuration.
    pub check: CheckConfig,
    /// Where reviews are recorded.
    pub log: audit::Shard,
    /// What is counted.
    pub metrics: Metrics,
}

impl Endpoint {
    /// Takes the port and reads the files.
    ///
    /// # Errors
    ///
    /// All of [`OpenError`].
    pub async fn open(settings: Settings, lent: Opening) -> Result<Self, OpenError> {
        let Opening {
            check,
            log,
            metrics,
        } = lent;
        let injector = Injector::new(settings.sidecar, check, log);
        let injector = injector.map_err(|cause| OpenError::Roots { cause })?;
        let mistakes = injector.try_out();
        if !mistakes.is_empty() {
            return Err(OpenError::Sidecar { mistakes });
        }
        let certificate = settings.certificate;
        let shows = Shows::Files {
            certificate: certificate.clone(),
            key: settings.key,
        };
        let reception = OpenReception::new(shows, tls::Settings::default());
        let reception = reception.map_err(|cause| OpenError::Certificate { cause })?;
        let address = settings.listen;
        let refused = |cause| OpenError::Bind {
            cause: BindError { address, cause },
        };
        let mut bound = net::bind(address, 1).map_err(|cause| OpenError::Bind { cause })?;
        let bound = bound
            .pop()
            .ok_or_else(|| refused(std::io::ErrorKind::AddrNotAvailable.into()))?;
        let endpoint = Self {
            address: bound.address(),
            certificate,
            desk: Arc::new(Desk {
                injector,
                metrics: metrics.clone(),
                reception,
            }),
            listener: Listener::new(bound).map_err(refused)?,
            metrics,
        };
        endpoint.look_at_certificate();
        Ok(endpoint)
    }

    /// Where it is, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the certificate that is in its file ends; asked anew each time.
    pub fn certificate_ends(&self) -> impl Fn() -> Option<SystemTime> + Send + Sync + use<> {
        let path = self.certificate.clone();
        move || certificate::ends_at(&path)
    }

    /// Answers until the drain and a little longer: it takes a cluster a moment to
    /// hear that nobody should be sent here any more. What is under way may end.
    pub async fn serve(self, mut drain: drain::Watch) {
        let mut connections = JoinSet::new();
        let guests = Guests::default();
        let mut look = interval(LOOK_EVERY);
        let mut end = None;
        loop {
            let room = connections.len() < MOST_CONNECTIONS;
            let closing = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = closing => break,
                () = drain.draining(), if end.is_none() => end = Some(Instant::now() + LINGER),
                (stream, source) = self.listener.accept(), if room => {
                    let Some(guest) = guests.enter(place(source.ip()), MOST_OF_ONE) else {
                        tracing::debug!(%source, "too many ask for sidecars from there");
                        self.metrics.handshake("too_many_connections");
                        continue;
                    };
                    let desk = Arc::clone(&self.desk);
                    connections.spawn(async move {
                        desk.converse(stream, source).await;
                        drop(guest);
                    });
                }
                Some(_done) = connections.join_next() => {}
                _now = look.tick() => self.look_at_certificate(),
            }
        }
        let ending = async { while connections.join_next().await.is_some() {} };
        if timeout(END, ending).await.is_err() {
            tracing::warn!("reviews did not end in time and are cut");
        }
    }

    fn look_at_certificate(&self) {
        if let Some(ends_at) = certificate::ends_at(&self.certificate) {
            self.metrics.certificate(ends_at);
        }
    }
}

/// Why nobody can ask for sidecars.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The port cannot be had.
    #[error("API servers cannot be listened for")]
    Bind {
        /// Which, and why not.
        #[source]
        cause: BindError,
    },
    /// There is no certificate to show to API servers.
    #[error("`certificate` cannot be shown to API servers")]
    Certificate {
        /// Why not.
        #[source]
        cause: ShowError,
    },
    /// There are no roots to give to sidecars.
    #[error("`authority.roots` cannot be given to sidecars")]
    Roots {
        /// Why not.
        #[source]
        cause: RootsError,
    },
    /// What sidecars would be told is wrong.
    #[error("a sidecar with these settings would not start: {}", mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; "))]
    Sidecar {
        /// All that is.
        mistakes: Vec<Mistake>,
    },
}

/// How many may ask at once. Others wait.
const MOST_CONNECTIONS: usize = 256;

/// How many of those may come from one place. All API servers may look like one,
/// behind a tunnel; whoever is silent must not keep them out.
const MOST_OF_ONE: usize = 128;

/// How soon a new certificate's end is shown.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long it takes a cluster to hear that a pod is about to end.
const LINGER: Duration = Duration::from_secs(3);

/// How long what is under way then may take: what API servers wait.
const END: Duration = Duration::from_secs(10);
