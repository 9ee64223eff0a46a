//! The socket, the connections and their end.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::time::sleep;
use tokio::time::timeout;
use tower::Service as _;

use crate::drain::Watch;
use crate::http2::Guarded;
use crate::net::Guests;
use crate::net::StallGuard;
use crate::net::UnixBindError;
use crate::net::UnixSocket;
use crate::rpc::doorstep::Doorstep;
use crate::rpc::workload::spiffe_workload_api_server::SpiffeWorkloadApiServer;
use crate::time::Clock;
use crate::workload_api::caller::Caller;
use crate::workload_api::metrics::Connected;
use crate::workload_api::metrics::Metrics;
use crate::workload_api::nursery::Nursery;
use crate::workload_api::registrar::Registrar;
use crate::workload_api::service::Service;
use crate::workload_api::settings::Settings;

/// The Workload API, with its socket open and nobody served yet.
#[derive(Debug)]
pub struct Server {
    socket: UnixSocket,
    settings: Settings,
    registrar: Arc<dyn Registrar>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Server {
    /// Opens the socket.
    ///
    /// # Errors
    ///
    /// All of [`UnixBindError`].
    pub fn bind(
        settings: Settings,
        registrar: Arc<dyn Registrar>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, UnixBindError> {
        Ok(Self {
            socket: UnixSocket::bind(&settings.socket, settings.mode.bits())?,
            settings,
            registrar,
            clock,
            metrics,
        })
    }

    /// Serves until told to drain; then the socket's file goes, calls end with
    /// UNAVAILABLE, and connections are given [`Settings::drain`] to close.
    ///
    /// # Errors
    ///
    /// What the system says if it does not let us watch the socket.
    pub async fn serve(self, mut drain: Watch) -> io::Result<()> {
        let UnixSocket { listener, place } = self.socket;
        let listener = UnixListener::from_std(listener)?;
        tracing::info!(socket = %self.settings.socket.display(), "the Workload API is open");
        let host = Host {
            api: SpiffeWorkloadApiServer::new(Service {
                registrar: self.registrar,
                clock: self.clock,
                drain: drain.clone(),
                metrics: self.metrics.clone(),
            })
            .max_decoding_message_size(MOST_MESSAGE_BYTES),
            drain: drain.clone(),
            guests: Guests::default(),
            metrics: self.metrics,
            settings: self.settings,
        };
        let mut connections = FuturesUnordered::new();
        loop {
            let room = connections.len() < host.settings.connections.get();
            tokio::select! {
                () = drain.draining() => break,
                stream = accept(&listener), if room => connections.push(host.converse(stream)),
                Some(()) = connections.next() => {}
            }
        }
        drop(listener);
        drop(place);
        let ended = async { while connections.next().await.is_some() {} };
        if timeout(host.settings.drain, ended).await.is_err() {
            tracing::info!(
                left = connections.len(),
                "connections to the Workload API are cut"
            );
        }
        Ok(())
    }
}

struct Host {
    api: SpiffeWorkloadApiServer<Service>,
    drain: Watch,
    guests: Guests<u32>,
    metrics: Metrics,
    settings: Settings,
}

impl Host {
    async fn converse(&self, stream: UnixStream) {
        let caller = match Caller::of(&stream) {
            Ok(caller) => Arc::new(caller),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                return tracing::warn!(error, "a caller of the Workload API is unknown");
            }
        };
        let uid = caller.uid();
        let Some(_guest) = self
            .guests
            .enter(uid, self.settings.connections_per_user.get())
        else {
            return tracing::warn!(uid, "a user has too many connections to the Workload API");
        };
        let _connected = Connected::one_more(&self.metrics);
        let api = self.api.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Arc::clone(&caller));
            let mut api = api.clone();
            async move { Ok::<_, Infallible>(answer(api.call(request).await)) }
        });
        let stream = StallGuard::new(stream, self.settings.write_stall);
        let streams = self.settings.streams.get();
        let stream = Guarded::new(Doorstep::new(stream), streams);
        let nursery = Nursery::default();
        let connection = http2::Builder::new(nursery.clone())
            .max_concurrent_streams(streams)
            .max_frame_size(MOST_FRAME_BYTES)
            .max_header_list_size(MOST_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(nursery.raise(connection));
        let mut drain = self.drain.clone();
        let end = tokio::select! {
            end = &mut connection => end,
            () = drain.draining() => {
                connection.connection().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = end {
            tracing::debug!(%error, uid, "a connection to the Workload API broke");
        }
    }
}

/// What the generated service cannot do is fail.
fn answer<T>(outcome: Result<T, Infallible>) -> T {
    match outcome {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The next connection. What the system runs out of is waited for.
async fn accept(listener: &UnixListener) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((stream, _nameless)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a caller of the Workload API cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What to wait when the system has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A token and its audience fit four times.
const MOST_MESSAGE_BYTES: usize = 64 * 1024;
/// What the [`Doorstep`] takes.
const MOST_FRAME_BYTES: u32 = 16_384;
/// gRPC's own limit, twice.
const MOST_HEADER_BYTES: u32 = 16 * 1024;
