//! HTTP/2 connections, shared by all requests of a worker.
//!
//! One tunnel serves a destination; another is opened only when its streams
//! are all taken. When our SVID is renewed the tunnel that shows the old one
//! goes on serving until its successor is there, so that no request waits for
//! a renewal, and closes when its last stream ends.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use h2::client;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use http_body::Body as _;
use tokio::sync::Semaphore;

use crate::proxy::body::Source;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::pump::PumpError;
use crate::proxy::pump::pump;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::wire::Made;
use crate::tls::Protocol;

/// The tunnels to one destination.
#[derive(Debug)]
pub(super) struct Tunnels {
    shared: Rc<Shared>,
}

impl Tunnels {
    pub(super) fn new(reach: Rc<Reach>) -> Self {
        Self {
            shared: Rc::new(Shared {
                attempts: Cell::new(0),
                gate: Semaphore::new(1),
                open: RefCell::default(),
                reach,
                renewing: Cell::new(false),
            }),
        }
    }

    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Answer, UpstreamError> {
        let activity = Rc::clone(&outgoing.activity);
        let (head, body) = outgoing.into_http2()?;
        let mut sender = self.shared.sender().await?;
        let ended = body.is_end_stream();
        let sent = sender.send_request(head, ended);
        let (mut response, stream) = sent.map_err(|cause| UpstreamError::Http2 { cause })?;
        if ended {
            return answer(response.await, None);
        }
        let mut uploading = Uploading {
            future: Box::pin(pump(body, stream, activity)),
        };
        let mut done = false;
        let head = poll_fn(|cx| poll_both(&mut response, &mut uploading, &mut done, cx)).await;
        answer(head, (!done).then_some(uploading))
    }
}

fn poll_both(
    response: &mut ResponseFuture,
    uploading: &mut Uploading,
    done: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Result<http::Response<h2::RecvStream>, h2::Error>> {
    // A failed upload has reset the stream, which the response tells as well;
    // a reset by the destination may still be followed by its answer.
    if !*done && uploading.poll(cx).is_ready() {
        *done = true;
    }
    Pin::new(response).poll(cx)
}

fn answer(
    head: Result<http::Response<h2::RecvStream>, h2::Error>,
    uploading: Option<Uploading>,
) -> Result<Answer, UpstreamError> {
    let response = head.map_err(|cause| UpstreamError::Http2 { cause })?;
    Ok(Answer {
        response: response.map(Source::http2),
        rest: uploading.map_or(Rest::Nothing, Rest::Uploading),
    })
}

/// A request body on its way while the response already streams.
pub(in crate::proxy) struct Uploading {
    future: Pin<Box<dyn Future<Output = Result<(), PumpError>>>>,
}

impl Uploading {
    /// Moves it on. Not to be called again once ready.
    pub(in crate::proxy) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PumpError>> {
        self.future.as_mut().poll(cx)
    }
}

impl std::fmt::Debug for Uploading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Uploading")
    }
}

#[derive(Debug)]
struct Shared {
    /// Counts the attempts to connect that ended, so that whoever waited for
    /// one knows that it was made.
    attempts: Cell<u64>,
    /// One attempt at a time.
    gate: Semaphore,
    open: RefCell<Vec<Tunnel>>,
    reach: Rc<Reach>,
    /// Whether a successor to an outdated tunnel is being opened.
    renewing: Cell<bool>,
}

#[derive(Debug)]
struct Tunnel {
    closed: Rc<Cell<bool>>,
    generation: u64,
    sender: SendRequest<Bytes>,
}

impl Shared {
    /// A sender with room for one more stream.
    async fn sender(self: &Rc<Self>) -> Result<SendRequest<Bytes>, UpstreamError> {
        loop {
            if let Some(sender) = self.pick() {
                match sender.ready().await {
                    Ok(sender) => return Ok(sender),
                    // It went away meanwhile; `pick` forgets it.
                    Err(cause) if cause.is_library() => return Err(UpstreamError::Http2 { cause }),
                    Err(_gone) => self.forget_closed(),
                }
                continue;
            }
            self.connect().await?;
        }
    }

    fn pick(self: &Rc<Self>) -> Option<SendRequest<Bytes>> {
        self.forget_closed();
        let open = self.open.borrow();
        let has_room = |tunnel: &&Tunnel| {
            tunnel.sender.num_active_streams() < tunnel.sender.current_max_send_streams()
        };
        let is_current = |tunnel: &&Tunnel| self.reach.is_current(tunnel.generation);
        if let Some(tunnel) = open.iter().filter(is_current).find(has_room) {
            return Some(tunnel.sender.clone());
        }
        if open.len() >= MOST_TUNNELS {
            return open
                .iter()
                .rev()
                .find(is_current)
                .map(|tunnel| tunnel.sender.clone());
        }
        let outdated = open.iter().find(has_room)?;
        if !self.reach.is_current(outdated.generation) {
            self.renew();
        }
        Some(outdated.sender.clone())
    }

    fn forget_closed(&self) {
        self.open.borrow_mut().retain(|tunnel| !tunnel.closed.get());
    }

    /// Opens a successor in the background, and lets the outdated go when it is there.
    fn renew(self: &Rc<Self>) {
        if self.renewing.replace(true) {
            return;
        }
        let shared = Rc::clone(self);
        self.reach.tasks.spawn(async move {
            match shared.connect().await {
                Err(UpstreamError::Dial { cause }) => {
                    tracing::warn!(
                        error = &cause as &dyn std::error::Error,
                        "no fresh tunnel yet"
                    );
                }
                // Under the new trust the old tunnel's other end may be nobody.
                Ok(()) | Err(_) => shared.let_outdated_go(),
            }
            shared.renewing.set(false);
        });
    }

    fn let_outdated_go(&self) {
        self.open
            .borrow_mut()
            .retain(|tunnel| self.reach.is_current(tunnel.generation));
    }

    /// Opens a tunnel, unless somebody else does it meanwhile.
    async fn connect(self: &Rc<Self>) -> Result<(), UpstreamError> {
        let seen = self.attempts.get();
        let Ok(_turn) = self.gate.acquire().await else {
            return Err(UpstreamError::Unreachable);
        };
        if self.attempts.get() != seen {
            let opened = self.open.borrow().iter().any(|tunnel| !tunnel.closed.get());
            return if opened {
                Ok(())
            } else {
                Err(UpstreamError::Unreachable)
            };
        }
        let outcome = self.open_tunnel().await;
        self.attempts.set(seen + 1);
        self.open.borrow_mut().push(outcome?);
        Ok(())
    }

    async fn open_tunnel(&self) -> Result<Tunnel, UpstreamError> {
        let made = self.reach.connect(Protocol::Http2).await?;
        let Made {
            wire,
            generation,
            expires,
        } = made;
        let handshake = builder(&self.reach.limits)
            .handshake::<_, Bytes>(wire)
            .await;
        let (sender, connection) = handshake.map_err(|cause| UpstreamError::Http2 { cause })?;
        let closed = Rc::new(Cell::new(false));
        let flag = Rc::clone(&closed);
        let driven = self.reach.drive(connection, expires);
        self.reach.tasks.spawn(async move {
            driven.await;
            flag.set(true);
        });
        Ok(Tunnel {
            closed,
            generation,
            sender,
        })
    }
}

fn builder(limits: &Limits) -> client::Builder {
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_list_bytes());
    builder
}

/// More would only hide that the destination cannot keep up.
const MOST_TUNNELS: usize = 8;
