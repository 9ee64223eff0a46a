//! A sidecar of `orders` that behaves as it is told to, at an address of its own.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::server::Connection;
use h2::server::SendResponse;
use http::Request;
use http::Response;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::stage::Stage;
use crate::stage::eventually;
use crate::strangers;

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    /// With this status.
    Answer(u16),
    /// The connection is dropped.
    HangUp,
    /// There is no answer, and nothing more is read or written.
    Hang,
    /// REFUSED_STREAM.
    Refuse,
    /// There is no answer.
    Wait,
}

pub(crate) struct Endpoint {
    address: SocketAddr,
    does: Arc<Mutex<Vec<Does>>>,
    /// What happened, in its order.
    seen: Arc<Mutex<Vec<String>>>,
    stop: Sender<()>,
}

impl Endpoint {
    /// At 127.0.0.`host` and `port`, or any port if that is 0.
    pub(crate) fn start(stage: &Stage, host: u8, port: u16) -> Self {
        let shown = stage.svid("orders", Duration::from_secs(3600));
        let config = strangers::server(shown, &[b"h2"]);
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), port));
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let does = Arc::new(Mutex::new(vec![Does::Answer(200)]));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = mpsc::channel(1);
        let part = Part {
            does: Arc::clone(&does),
            seen: Arc::clone(&seen),
        };
        let tls = TlsAcceptor::from(Arc::new(config));
        thread::spawn(move || run(listener, tls, part, stopped));
        Self {
            address,
            does,
            seen,
            stop,
        }
    }

    /// Several at the same port of different hosts.
    pub(crate) fn several<const N: usize>(stage: &Stage) -> [Self; N] {
        let first = Self::start(stage, 1, 0);
        let port = first.address.port();
        let mut first = Some(first);
        std::array::from_fn(|at| {
            let host = u8::try_from(at + 1).unwrap();
            first
                .take()
                .unwrap_or_else(|| Self::start(stage, host, port))
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn host(&self) -> Ipv4Addr {
        match self.address {
            SocketAddr::V4(address) => *address.ip(),
            SocketAddr::V6(_) => panic!("it is elsewhere"),
        }
    }

    /// From now on, with every request.
    pub(crate) fn does(&self, what: Does) {
        *self.does.lock().unwrap() = vec![what];
    }

    /// With the next requests in turn; with all after them the last.
    pub(crate) fn does_in_turn(&self, what: &[Does]) {
        *self.does.lock().unwrap() = what.iter().rev().copied().collect();
    }

    /// How many requests it got.
    pub(crate) fn requests(&self) -> usize {
        self.all_seen()
            .iter()
            .filter(|line| *line != CONNECTED && *line != ENDED)
            .count()
    }

    /// `connected` and `ended` for each connection, and the method and path of each request.
    pub(crate) fn all_seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Nobody listens there from now on, and all connections are over.
    pub(crate) fn stop(&self) {
        self.stop.try_send(()).unwrap();
        eventually(|| std::net::TcpStream::connect(self.address).is_err());
    }
}

#[derive(Clone)]
struct Part {
    does: Arc<Mutex<Vec<Does>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Part {
    fn note(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    fn next(&self) -> Does {
        let mut does = self.does.lock().unwrap();
        if does.len() > 1 {
            return does.pop().unwrap();
        }
        does[0]
    }
}

fn run(
    listener: std::net::TcpListener,
    tls: TlsAcceptor,
    part: Part,
    mut stopped: mpsc::Receiver<()>,
) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        tokio::select! {
            _stop = stopped.recv() => {}
            () = serve(listener, tls, part) => {}
        }
    });
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, part: Part) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, part) = (tls.clone(), part.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let Ok(connection) = h2::server::handshake(stream).await else {
                return;
            };
            part.note(CONNECTED);
            converse(connection, &part).await;
            part.note(ENDED);
        });
    }
}

async fn converse(mut connection: Connection<TlsStream<TcpStream>, Bytes>, part: &Part) {
    // Requests that are never answered.
    let mut waiting = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        part.note(format!("{} {}", request.method(), request.uri().path()));
        match part.next() {
            Does::Answer(status) => answer(&request, &mut respond, status),
            Does::HangUp => return,
            Does::Hang => std::future::pending().await,
            Does::Refuse => respond.send_reset(h2::Reason::REFUSED_STREAM),
            Does::Wait => waiting.push((request, respond)),
        }
    }
}

fn answer<B>(request: &Request<B>, respond: &mut SendResponse<Bytes>, status: u16) {
    let head = Response::builder()
        .status(status)
        .header("content-length", 2);
    let is_head = request.method() == "HEAD";
    let mut body = respond
        .send_response(head.body(()).unwrap(), is_head)
        .unwrap();
    if !is_head {
        body.send_data(Bytes::from_static(b"ok"), true).unwrap();
    }
}

pub(crate) const CONNECTED: &str = "connected";
pub(crate) const ENDED: &str = "ended";
