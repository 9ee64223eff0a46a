//! HTTP/2 connections, shared by all requests of a worker.
//!
//! One tunnel serves a destination; another is opened only when its streams
//! are all taken. When our SVID is renewed, or the far side's is about to end,
//! the old tunnel goes on serving until its successor is there, so that no
//! request waits for a renewal, and closes when its last stream ends.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::SystemTime;

use bytes::Bytes;
use h2::client;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use http::header;
use http_body::Body as _;
use tokio::sync::Semaphore;

use crate::net::Tasks;
use crate::proxy::body::Source;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::pump::PumpError;
use crate::proxy::pump::pump;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::apart::Apart;
use crate::proxy::upstream::bond::drive;
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
        let Place {
            bond,
            mut sender,
            slot,
        } = self.shared.place().await?;
        let ended = body.is_end_stream();
        let sent = sender.send_request(head, ended);
        let (mut response, stream) = sent.map_err(|cause| UpstreamError::Http2 { cause })?;
        let mut streaming = Streaming {
            _slot: slot,
            apart: None,
            upload: None,
        };
        if !ended {
            streaming.upload = Some(Box::pin(pump(body, stream, activity)));
        }
        let head = poll_fn(|cx| poll_both(&mut response, &mut streaming, cx)).await;
        let response = head.map_err(|cause| failed(cause, bond.as_deref()))?;
        streaming.let_go(&self.shared.reach.tasks);
        Ok(Answer {
            bond,
            response: clean(response).map(Source::http2),
            rest: Rest::Streaming(streaming),
        })
    }
}

/// What HTTP/2 lets pass of what concerns one connection (RFC 9113 8.2.2).
fn clean(mut response: http::Response<h2::RecvStream>) -> http::Response<h2::RecvStream> {
    for name in [header::TE, header::TRAILER] {
        response.headers_mut().remove(name);
    }
    response
}

fn failed(cause: h2::Error, bond: Option<&Bond>) -> UpstreamError {
    match bond.and_then(Bond::broken) {
        Some(reason) => UpstreamError::Lost { reason },
        None => UpstreamError::Http2 { cause },
    }
}

fn poll_both(
    response: &mut ResponseFuture,
    streaming: &mut Streaming,
    cx: &mut Context<'_>,
) -> Poll<Result<http::Response<h2::RecvStream>, h2::Error>> {
    // A failed upload has reset the stream, which the response tells as well;
    // a reset by the destination may still be followed by its answer.
    streaming.poll_upload(cx);
    Pin::new(response).poll(cx)
}

/// A stream whose response, or whose request, has not ended. Dropping it ends both.
pub(in crate::proxy) struct Streaming {
    _slot: Slot,
    /// What is left of the request's body, while the response is read.
    apart: Option<Apart>,
    upload: Option<Upload>,
}

type Upload = Pin<Box<dyn Future<Output = Result<(), PumpError>>>>;

impl Streaming {
    /// Moves the request body on while the response is awaited.
    fn poll_upload(&mut self, cx: &mut Context<'_>) {
        let Some(upload) = &mut self.upload else {
            return;
        };
        if let Poll::Ready(outcome) = upload.as_mut().poll(cx) {
            self.upload = None;
            note(&outcome);
        }
    }

    /// Lets what is left of the request body go on by itself.
    fn let_go(&mut self, tasks: &Tasks) {
        let Some(upload) = self.upload.take() else {
            return;
        };
        self.apart = Some(Apart::go(async move { note(&upload.await) }, tasks));
    }
}

fn note(outcome: &Result<(), PumpError>) {
    if let Err(error) = outcome {
        tracing::debug!(
            error = error as &dyn std::error::Error,
            "a request body broke off"
        );
    }
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming")
            .field("uploading", &self.upload.is_some())
            .finish_non_exhaustive()
    }
}

/// A stream's place in its tunnel, free again when dropped.
#[derive(Debug)]
struct Slot(Rc<Cell<usize>>);

impl Slot {
    fn take(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
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
    bond: Option<Rc<Bond>>,
    closed: Rc<Cell<bool>>,
    generation: u64,
    outdated: Option<SystemTime>,
    sender: SendRequest<Bytes>,
    streams: Rc<Cell<usize>>,
}

impl Tunnel {
    fn enter(&self) -> Place {
        Place {
            bond: self.bond.clone(),
            sender: self.sender.clone(),
            slot: Slot::take(&self.streams),
        }
    }
}

/// A place for one stream in a tunnel.
struct Place {
    bond: Option<Rc<Bond>>,
    sender: SendRequest<Bytes>,
    slot: Slot,
}

impl Shared {
    /// A place whose sender is ready for one more stream.
    async fn place(self: &Rc<Self>) -> Result<Place, UpstreamError> {
        loop {
            let Some(place) = self.pick() else {
                self.connect().await?;
                continue;
            };
            let Place { bond, sender, slot } = place;
            match sender.ready().await {
                Ok(sender) => return Ok(Place { bond, sender, slot }),
                // It went away meanwhile.
                Err(_gone) => self.forget_failed(&slot),
            }
        }
    }

    fn pick(self: &Rc<Self>) -> Option<Place> {
        self.open.borrow_mut().retain(|tunnel| !tunnel.closed.get());
        let open = self.open.borrow();
        let has_room =
            |tunnel: &&Tunnel| tunnel.streams.get() < tunnel.sender.current_max_send_streams();
        let is_current =
            |tunnel: &&Tunnel| self.reach.is_current(tunnel.generation, tunnel.outdated);
        if let Some(tunnel) = open.iter().filter(is_current).find(has_room) {
            return Some(tunnel.enter());
        }
        if open.len() >= MOST_TUNNELS {
            // All are full: wait in the one that is used least.
            let least = open
                .iter()
                .filter(is_current)
                .min_by_key(|tunnel| tunnel.streams.get());
            return least.map(Tunnel::enter);
        }
        let outdated = open.iter().find(has_room)?;
        self.renew();
        Some(outdated.enter())
    }

    fn forget_failed(&self, slot: &Slot) {
        self.open
            .borrow_mut()
            .retain(|tunnel| !Rc::ptr_eq(&tunnel.streams, &slot.0));
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
            .retain(|tunnel| self.reach.is_current(tunnel.generation, tunnel.outdated));
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
            bond,
            generation,
            outdated,
        } = made;
        let handshake = builder(&self.reach.limits)
            .handshake::<_, Bytes>(wire)
            .await;
        let (sender, connection) = handshake.map_err(|cause| UpstreamError::Http2 { cause })?;
        let closed = Rc::new(Cell::new(false));
        let flag = Rc::clone(&closed);
        let driven = drive(connection, bond.clone());
        self.reach.tasks.spawn(async move {
            driven.await;
            flag.set(true);
        });
        Ok(Tunnel {
            bond,
            closed,
            generation,
            outdated,
            sender,
            streams: Rc::default(),
        })
    }
}

fn builder(limits: &Limits) -> client::Builder {
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_max_send_streams(STREAMS_UNTOLD)
        .initial_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_list_bytes())
        .max_send_buffer_size(Limits::SEND_BUFFER_BYTES);
    builder
}

/// How many streams a tunnel gets before the destination has said how many it
/// takes: what RFC 9113 6.5.2 asks everybody to take at least. Those beyond
/// wait, or get another tunnel; sent at once, they would be refused.
const STREAMS_UNTOLD: usize = 100;

/// More would only hide that the destination cannot keep up.
const MOST_TUNNELS: usize = 8;
