//! Where others ask for our bundle.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::authority::board::Board;
use crate::authority::metrics::Metrics;
use crate::drain;
use crate::id::TrustDomain;
use crate::jwt::BundleDocument;
use crate::jwt::DocumentError;
use crate::net::Guests;
use crate::net::Listener;
use crate::net::place;
use crate::rpc::authority as rpc;
use crate::tls::OpenReception;

/// Where others ask for our bundle.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) desk: Arc<Desk>,
    pub(super) listener: Listener,
}

/// Serves our own bundle, as it stands on the board, to anybody.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) board: Arc<Board>,
    pub(super) metrics: Metrics,
    pub(super) reception: OpenReception,
    pub(super) refresh_hint: Duration,
    pub(super) trust_domain: TrustDomain,
}

impl Endpoint {
    /// Answers until the drain. Answers under way are then cut.
    pub(super) async fn serve(self, mut drain: drain::Watch) {
        // Tasks of their own: strangers' handshakes must not hold up the authority.
        let mut connections = JoinSet::new();
        let guests = Guests::default();
        loop {
            let room = connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                () = drain.draining() => return,
                (stream, source) = self.listener.accept(), if room => {
                    let Some(guest) = guests.enter(place(source.ip()), MOST_OF_ONE) else {
                        tracing::debug!(%source, "too many ask for our bundle from there");
                        self.desk.metrics.bundle_request("too_many_connections");
                        continue;
                    };
                    let desk = Arc::clone(&self.desk);
                    connections.spawn(async move {
                        desk.converse(stream, source).await;
                        drop(guest);
                    });
                }
                Some(_done) = connections.join_next() => {}
            }
        }
    }
}

impl Desk {
    /// Answers one request.
    async fn converse(&self, stream: TcpStream, source: SocketAddr) {
        let stream = match self.reception.receive(stream).await {
            Ok(stream) => stream,
            Err(why) => {
                let error: &dyn std::error::Error = &why;
                tracing::debug!(%source, error, "a handshake for our bundle failed");
                return self.metrics.bundle_request(&why.reason());
            }
        };
        let service = service_fn(async |request| {
            let response = self.answer(&request);
            self.metrics.bundle_request(response.status().as_str());
            Ok::<_, Infallible>(response)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .max_buf_size(MOST_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        match timeout(PATIENCE, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%source, %error, "a request for our bundle broke"),
            Err(_elapsed) => tracing::debug!(%source, "a request for our bundle took too long"),
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let status = match (request.uri().path(), request.method()) {
            ("/", &Method::GET | &Method::HEAD) => match self.document() {
                Some(document) => {
                    let mut response = Response::new(Full::from(document));
                    let json = HeaderValue::from_static("application/json");
                    response.headers_mut().insert(header::CONTENT_TYPE, json);
                    return response;
                }
                None => StatusCode::INTERNAL_SERVER_ERROR,
            },
            ("/", _) => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::NOT_FOUND,
        };
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }

    /// What the board says of our own trust domain at this moment.
    fn document(&self) -> Option<String> {
        let state = self.board.current();
        let own = |bundle: &rpc::Bundle| bundle.trust_domain == self.trust_domain.as_str();
        let bundle = state.bundles.into_iter().find(own)?;
        let complain = |error: &DocumentError| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "our bundle cannot be written");
        };
        let keys = BundleDocument::parse(&bundle.jwt_keys).inspect_err(complain);
        let document = BundleDocument {
            sequence: Some(state.version),
            refresh_hint: Some(self.refresh_hint),
            roots: bundle
                .x509_authorities
                .into_iter()
                .map(Into::into)
                .collect(),
            jwt_keys: keys.ok()?.jwt_keys,
        };
        document.to_json().inspect_err(complain).ok()
    }
}

/// How many may ask at once. Others wait.
const MOST_CONNECTIONS: usize = 64;

/// How many of those may come from one place: who asks and then is silent must not
/// keep the others out. A trust domain asks once in a while.
const MOST_OF_ONE: usize = 8;

/// How long one connection may take after its handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request for the bundle has a few lines.
const MOST_BUFFER_BYTES: usize = 16 * 1024;
