//! The application behind the demo's inbound door: JSON, a stream, a WebSocket.
//!
//! It believes what its sidecar tells it of the caller, and counts what
//! reaches it: the tour's proof that a refusal went no further.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::net::Bound;
use crate::net::Listener;
use crate::net::Tasks;
use crate::net::bind;

/// The application, on a thread of its own.
#[derive(Debug)]
pub(super) struct Orders {
    address: SocketAddr,
    seen: Arc<AtomicU64>,
}

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Orders {
    pub(super) fn start() -> io::Result<Self> {
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let address = serve("orders", move |request, tasks| {
            counter.fetch_add(1, Ordering::Relaxed);
            answer(request, tasks)
        })?;
        Ok(Self { address, seen })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

/// Serves HTTP/1 on a loopback port that the system chooses, for as long as the process lives.
pub(super) fn serve<A>(name: &str, answer: A) -> io::Result<SocketAddr>
where
    A: Fn(Request<Incoming>, &Tasks) -> Response<Body> + Clone + Send + 'static,
{
    let sockets = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 1).map_err(|error| error.cause)?;
    let bound = sockets
        .into_iter()
        .next()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let address = bound.address();
    let runtime = move || {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || match runtime() {
            Ok(runtime) => runtime.block_on(accept(bound, answer)),
            Err(error) => Err(error),
        })?;
    Ok(address)
}

async fn accept<A>(bound: Bound, answer: A) -> io::Result<()>
where
    A: Fn(Request<Incoming>, &Tasks) -> Response<Body> + Clone + 'static,
{
    let listener = Listener::new(bound)?;
    let tasks = Tasks::new();
    loop {
        let (stream, _source) = listener.accept().await;
        let (answer, inner) = (answer.clone(), tasks.clone());
        let service = service_fn(move |request| {
            let response = answer(request, &inner);
            async move { Ok::<_, Infallible>(response) }
        });
        let served = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tasks.spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection to the demo ended badly");
            }
        });
    }
}

fn answer(request: Request<Incoming>, tasks: &Tasks) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let caller = text(request.headers(), "x-portreeve-caller");
    match path.as_str() {
        "/stream" => stream(),
        "/ws" => echo(request, tasks),
        "/orders/live" => live(request, tasks),
        _ => {
            let mut body =
                json!({ "method": request.method().as_str(), "path": path, "caller": caller });
            // Whom our caller asks for, if it is one that people come through.
            let user = text(request.headers(), "x-forwarded-user");
            if let (Some(user), Some(members)) = (user, body.as_object_mut()) {
                members.insert("user".to_owned(), user.into());
            }
            json_response(&body)
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn json_response(body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(whole(format!("{body}\n")));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

pub(super) fn whole(text: String) -> Body {
    http_body_util::Full::new(Bytes::from(text)).boxed_unsync()
}

/// Ten lines, five a second.
fn stream() -> Response<Body> {
    let lines = futures_util::stream::iter(1..=10).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(Frame::data(Bytes::from(format!("line {number}\n"))))
    });
    Response::new(StreamBody::new(lines).boxed_unsync())
}

/// A line a second, as a stream or as a WebSocket, until somebody ends it.
fn live(mut request: Request<Incoming>, tasks: &Tasks) -> Response<Body> {
    let lines = futures_util::stream::unfold(0_u64, |number| async move {
        if number > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let line = format!("order {} came in\n", 100 + number);
        Some((line, number + 1))
    });
    let Some(accept) = accepted(&request) else {
        let lines = lines.map(|line| Ok(Frame::data(Bytes::from(line))));
        return Response::new(StreamBody::new(lines).boxed_unsync());
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tasks.spawn(async move {
        let Some(socket) = socket(upgrade).await else {
            return;
        };
        let (out, heard) = socket.split();
        let lines = lines.map(|line| Ok(Message::text(line)));
        let told = lines.forward(out);
        // Pings are answered, and a farewell is heard, only by who listens.
        let heard = heard.for_each(|_message| std::future::ready(()));
        tokio::select! {
            told = told => tracing::debug!(?told, "a WebSocket of the demo has ended"),
            () = heard => {}
        }
    });
    switching(accept)
}

/// A WebSocket that says back what it hears.
fn echo(mut request: Request<Incoming>, tasks: &Tasks) -> Response<Body> {
    let Some(accept) = accepted(&request) else {
        let mut response = Response::new(whole("this is a WebSocket\n".to_owned()));
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        return response;
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tasks.spawn(async move {
        let Some(socket) = socket(upgrade).await else {
            return;
        };
        let (out, heard) = socket.split();
        let messages = heard.filter(|message| {
            let is_data = message
                .as_ref()
                .is_ok_and(|message| message.is_text() || message.is_binary());
            std::future::ready(is_data)
        });
        if let Err(error) = messages.forward(out).await {
            tracing::debug!(%error, "a WebSocket of the demo ended badly");
        }
    });
    switching(accept)
}

/// What a WebSocket's key is answered with, if the request has one.
fn accepted(request: &Request<Incoming>) -> Option<HeaderValue> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
}

async fn socket(upgrade: OnUpgrade) -> Option<WebSocketStream<TokioIo<Upgraded>>> {
    let upgraded = TokioIo::new(upgrade.await.ok()?);
    Some(WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await)
}

fn switching(accept: HeaderValue) -> Response<Body> {
    let mut response = Response::new(whole(String::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}
