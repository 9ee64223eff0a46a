//! The socket that the operator looks through.

use crate::admin::answer::View;
use crate::admin::readiness::Readiness;
use crate::admin::status::Report;
use crate::drain;
use crate::metrics::Exposition;
use crate::net::StallGuard;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body::Body as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio::time::timeout;

/// What the window needs to know, already checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Where to listen. Whoever reaches it may look.
    pub listen: SocketAddr,
    /// How long one connection may take, from its first byte to its last; where
    /// somebody watches, for how long they may not read.
    pub timeout: Duration,
    /// How many connections there may be at once. Others wait.
    pub most_connections: NonZeroUsize,
    /// How many of them may watch. Others are refused.
    pub most_watchers: usize,
}

impl Default for Settings {
    /// Loopback only, 10 seconds and 64 connections: a scrape takes
    /// milliseconds, and whoever is slow must not hold the window for long. A
    /// page watches twice: 16 are a few people, and leave room for scrapes.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 15_020)),
            timeout: Duration::from_secs(10),
            most_connections: NonZeroUsize::MIN.saturating_add(63),
            most_watchers: 16,
        }
    }
}

/// The window cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}` for the operator")]
pub struct BindError {
    /// Where it should have been.
    pub address: SocketAddr,
    /// The system's reason.
    #[source]
    pub cause: io::Error,
}

/// The operator's window, open.
#[derive(Debug)]
pub struct Window {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    /// Ends what is told as it happens.
    end: drain::Trigger,
    view: View,
}

impl Window {
    /// Listens, so that a port in use is known at the start.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the address cannot be had.
    pub async fn bind(
        settings: Settings,
        exposition: Exposition,
        readiness: Readiness,
        report: Arc<dyn Report>,
    ) -> Result<Self, BindError> {
        let address = settings.listen;
        let failed = |cause| BindError { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (end, stop) = drain::channel();
        let view = View {
            exposition,
            readiness,
            report,
            places: Arc::new(Semaphore::new(settings.most_watchers)),
            stop,
        };
        Ok(Self {
            listener,
            address,
            settings,
            end,
            view,
        })
    }

    /// Where it is, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is ready. Answers under way are then cut; whoever
    /// watches is told the last and that it ends.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut connections = FuturesUnordered::new();
        loop {
            let room = connections.len() < self.settings.most_connections.get();
            tokio::select! {
                () = &mut stop => break,
                (stream, from) = self.accept(), if room => connections.push(self.converse(stream, from)),
                Some(()) = connections.next() => {}
            }
        }
        self.end.drain();
        let told = async {
            while self.view.places.available_permits() < self.settings.most_watchers
                && connections.next().await.is_some()
            {}
        };
        // Who does not read in this time misses the end.
        drop(timeout(LAST_WORDS, told).await);
    }

    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "the operator's connection cannot be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Answers one request, `from` there.
    async fn converse(&self, stream: TcpStream, from: SocketAddr) {
        let watches = AtomicBool::new(false);
        let service = service_fn(async |request| {
            let answer = self.view.answer(&request, self.address, from);
            let lasts = answer.body().size_hint().exact().is_none();
            watches.store(lasts, Ordering::Relaxed);
            Ok::<_, Infallible>(answer)
        });
        let stream = StallGuard::new(stream, self.settings.timeout);
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.settings.timeout)
                .keep_alive(false)
                .max_buf_size(MOST_BUFFER_BYTES)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut ended = timeout(self.settings.timeout, &mut connection).await;
        if ended.is_err() && watches.load(Ordering::Relaxed) {
            ended = Ok(connection.await);
        }
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the operator's connection broke"),
            Err(_elapsed) => tracing::debug!("the operator's connection took too long"),
        }
    }
}

/// What whoever watches has to read the last records.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What to wait when the system has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Enough for a browser's head with the cookies of all that runs on localhost.
const MOST_BUFFER_BYTES: usize = 32 * 1024;
