//! Where the authority is reached: over TLS by sidecars, at a socket by operators.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;

use crate::authority::admin_service::AdminService;
use crate::authority::caller::Caller;
use crate::authority::istio::Istio;
use crate::authority::line::Line;
use crate::authority::line::MOST_STREAMS;
use crate::authority::metrics::Metrics;
use crate::authority::service::Service;
use crate::drain;
use crate::http2::Guarded;
use crate::identity::Watchlist;
use crate::net::Curfew;
use crate::net::Listener;
use crate::rpc::authority::admin_server::AdminServer;
use crate::rpc::authority::authority_server::AuthorityServer;
use crate::rpc::istio::istio_certificate_service_server::IstioCertificateServiceServer;
use crate::time::Clock;
use crate::tls::Reception;

/// All that answers.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) admin: AdminService,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) istio: Istio,
    pub(super) metrics: Metrics,
    pub(super) reception: Arc<Reception>,
    pub(super) revoked: Arc<Watchlist>,
    pub(super) service: Service,
}

impl Host {
    /// Answers sidecars until the drain; what is under way then ends.
    pub(super) async fn serve_sidecars(
        &self,
        listener: Listener,
        mut drain: drain::Watch,
    ) -> Result<(), tonic::transport::Error> {
        let (lines, incoming) = mpsc::channel::<io::Result<_>>(WAITING_CONNECTIONS);
        let mut handshakes = JoinSet::new();
        let served = server()
            .add_service(
                AuthorityServer::new(self.service.clone())
                    .max_decoding_message_size(MOST_MESSAGE_BYTES),
            )
            .add_service(
                IstioCertificateServiceServer::new(self.istio.clone())
                    .max_decoding_message_size(MOST_MESSAGE_BYTES),
            )
            .add_service(
                AdminServer::new(self.admin.clone()).max_decoding_message_size(MOST_MESSAGE_BYTES),
            )
            .serve_with_incoming_shutdown(ReceiverStream::new(incoming), ended(drain.clone()));
        let accepts = async {
            loop {
                tokio::select! {
                    () = drain.draining() => return,
                    (stream, source) = listener.accept() => {
                        let shaken = self.shake_hands(stream, source, lines.clone());
                        handshakes.spawn(shaken);
                    }
                    Some(_done) = handshakes.join_next() => {}
                }
            }
        };
        let (served, ()) = tokio::join!(served, accepts);
        served
    }

    fn shake_hands(
        &self,
        stream: TcpStream,
        source: SocketAddr,
        lines: mpsc::Sender<io::Result<SidecarLine>>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let reception = Arc::clone(&self.reception);
        let clock = Arc::clone(&self.clock);
        let revoked = Arc::clone(&self.revoked);
        let metrics = self.metrics.clone();
        async move {
            let visitor = match reception.receive(stream, source.ip()).await {
                Ok(visitor) => visitor,
                Err(why) => {
                    let error: &dyn std::error::Error = &why;
                    tracing::debug!(%source, error, "a caller's handshake failed");
                    metrics.handshake(&why.reason());
                    return;
                }
            };
            metrics.handshake("ok");
            let caller = Caller {
                source,
                peer: visitor.peer,
                exporter: visitor.exporter,
            };
            let line = Line::of_caller(visitor.stream, caller, clock, revoked);
            // Nobody takes it any more: then it is closed.
            drop(lines.send(Ok(line)).await);
        }
    }

    /// Answers operators at the socket until the drain.
    pub(super) async fn serve_operators(
        &self,
        listener: UnixListener,
        mut drain: drain::Watch,
    ) -> Result<(), tonic::transport::Error> {
        let (lines, incoming) = mpsc::channel::<io::Result<_>>(WAITING_CONNECTIONS);
        let served = server()
            .add_service(
                AdminServer::new(self.admin.clone()).max_decoding_message_size(MOST_MESSAGE_BYTES),
            )
            .serve_with_incoming_shutdown(ReceiverStream::new(incoming), ended(drain.clone()));
        let accepts = async {
            loop {
                let accepted = tokio::select! {
                    () = drain.draining() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted.and_then(|(stream, _)| Line::of_operator(stream)) {
                    Ok(line) => drop(lines.send(Ok(line)).await),
                    Err(error) => {
                        tracing::warn!(%error, "an operator's connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        let (served, ()) = tokio::join!(served, accepts);
        served
    }
}

type SidecarLine = Line<Guarded<Curfew<TlsStream<TcpStream>>>, Caller>;

fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(MOST_STREAMS)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
}

/// Owns its watch: the server may outlive whoever started it by a moment.
async fn ended(mut drain: drain::Watch) {
    drain.draining().await;
}

/// A signing request, a chain of certificates and a token fit easily.
const MOST_MESSAGE_BYTES: usize = 64 * 1024;

/// Connections that have shaken hands and wait to be served.
const WAITING_CONNECTIONS: usize = 64;

/// A sidecar whose machine has died is noticed within half a minute.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests are small: no caller needs to have more on the way.
const WINDOW_BYTES: u32 = 128 * 1024;

/// What to wait when the system has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
