//! HTTP/2 connections, shared by all requests of a worker.
//!
//! One tunnel serves an endpoint; another is opened only when its streams are
//! all taken. When our SVID is renewed, or the far side's is about to end,
//! the old tunnel goes on serving until its successor is there, so that no
//! request waits for a renewal, and closes when its last stream ends.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::time::SystemTime;

use bytes::Bytes;
use h2::PingPong;
use h2::client;
use h2::client::SendRequest;
use http::Request;
use http::header;
use http_body::Body as _;
use tokio::sync::Semaphore;

use crate::http2::Guarded;
use crate::net::Aside;
use crate::net::Pulse;
use crate::net::Tasks;
use crate::proxy::activity::Activity;
use crate::proxy::body::Source;
use crate::proxy::body::Upload;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::pump::pump;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::bond::drive;
use crate::proxy::upstream::streaming::Slot;
use crate::proxy::upstream::streaming::Streaming;
use crate::proxy::upstream::streaming::Uploading;
use crate::proxy::upstream::streaming::poll_both;
use crate::proxy::upstream::vigil::UNRESPONSIVE;
use crate::proxy::upstream::vigil::Vigil;
use crate::proxy::upstream::wire::Made;
use crate::tls::Protocol;

/// The tunnels to one endpoint.
#[derive(Debug)]
pub(super) struct Tunnels {
    shared: Rc<Shared>,
}

impl Tunnels {
    /// Without a `vigil` tunnels are kept, and believed in, until they break.
    pub(super) fn new(reach: Rc<Reach>, vigil: Option<Vigil>) -> Self {
        Self {
            shared: Rc::new(Shared {
                attempts: Cell::new(0),
                gate: Semaphore::new(1),
                open: RefCell::default(),
                reach,
                renewing: Cell::new(false),
                streams: Rc::default(),
                vigil,
            }),
        }
    }

    /// How many streams there are in all tunnels.
    pub(super) fn streams(&self) -> Rc<Cell<usize>> {
        Rc::clone(&self.shared.streams)
    }

    pub(super) async fn send(&self, outgoing: Box<Outgoing>) -> Result<Answer, UpstreamError> {
        let activity = Rc::clone(&outgoing.activity);
        let (head, body) = outgoing.into_http2()?;
        let body = (!body.is_end_stream()).then_some(body);
        self.place().await?.send(head, body, activity).await
    }

    /// A place for one stream. Where there is none, nothing was sent.
    pub(super) async fn place(&self) -> Result<Place, UpstreamError> {
        self.shared.place().await
    }
}

impl Place {
    /// Sends a request, and `body` if it has one.
    ///
    /// The head is gone before anything is awaited, so that no future has to
    /// hold it.
    pub(super) fn send(
        self,
        head: Request<()>,
        body: Option<Upload>,
        activity: Rc<Activity>,
    ) -> impl Future<Output = Result<Answer, UpstreamError>> {
        let Self {
            bond,
            mut sender,
            slot,
            tasks,
        } = self;
        let begun = sender
            .send_request(head, body.is_none())
            .map(|(response, stream)| {
                let upload =
                    body.map(|body| -> Uploading { Box::pin(pump(body, stream, activity)) });
                (response, Streaming::new(slot, upload))
            });
        async move {
            let begun = begun.map_err(|cause| UpstreamError::Http2 { cause });
            let (mut response, mut streaming) = begun?;
            let head = poll_fn(|cx| poll_both(&mut response, &mut streaming, cx)).await;
            let response = head.map_err(|cause| failed(cause, bond.as_deref()))?;
            streaming.let_go(&tasks);
            Ok(Answer {
                bond,
                response: clean(response).map(Source::http2),
                rest: Rest::Streaming(streaming),
            })
        }
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
    /// Of all tunnels, also of those that take no more.
    streams: Rc<Cell<usize>>,
    vigil: Option<Vigil>,
}

#[derive(Debug)]
struct Tunnel {
    bond: Option<Rc<Bond>>,
    closed: Rc<Cell<bool>>,
    generation: u64,
    outdated: Option<SystemTime>,
    sender: SendRequest<Bytes>,
    streams: Rc<Cell<usize>>,
    /// Whether a stream was begun since somebody looked.
    used: Rc<Cell<bool>>,
}

/// A place for one stream in a tunnel.
#[derive(Debug)]
pub(super) struct Place {
    bond: Option<Rc<Bond>>,
    sender: SendRequest<Bytes>,
    slot: Slot,
    tasks: Tasks,
}

impl Shared {
    /// A place whose sender is ready for one more stream.
    async fn place(self: &Rc<Self>) -> Result<Place, UpstreamError> {
        loop {
            let Some(place) = self.pick() else {
                // Rare, and large.
                Box::pin(self.connect()).await?;
                continue;
            };
            let Place {
                bond,
                sender,
                slot,
                tasks,
            } = place;
            match sender.ready().await {
                Ok(sender) => {
                    return Ok(Place {
                        bond,
                        sender,
                        slot,
                        tasks,
                    });
                }
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
            return Some(self.enter(tunnel));
        }
        if open.len() >= MOST_TUNNELS {
            // All are full: wait in the one that is used least.
            let least = open
                .iter()
                .filter(is_current)
                .min_by_key(|tunnel| tunnel.streams.get());
            return least.map(|tunnel| self.enter(tunnel));
        }
        let outdated = open.iter().find(has_room)?;
        self.renew();
        Some(self.enter(outdated))
    }

    fn enter(&self, tunnel: &Tunnel) -> Place {
        tunnel.used.set(true);
        Place {
            bond: tunnel.bond.clone(),
            sender: tunnel.sender.clone(),
            slot: Slot::take(&tunnel.streams, &self.streams),
            tasks: self.reach.tasks.clone(),
        }
    }

    fn forget_failed(&self, slot: &Slot) {
        self.open
            .borrow_mut()
            .retain(|tunnel| !slot.is_in(&tunnel.streams));
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

    async fn open_tunnel(self: &Rc<Self>) -> Result<Tunnel, UpstreamError> {
        let made = self.reach.connect(Protocol::Http2).await?;
        let Made {
            wire,
            bond,
            generation,
            outdated,
            pulse,
        } = made;
        // Of our own application's frames we know no measure.
        let streams = bond.as_ref().map_or(u32::MAX, |_| STREAMS_GUARDED);
        let handshake = builder(&self.reach.limits)
            .handshake::<_, Bytes>(Guarded::of_client(wire, streams))
            .await;
        let (sender, mut connection) = handshake.map_err(|cause| UpstreamError::Http2 { cause })?;
        let tunnel = Tunnel {
            bond: bond.clone(),
            closed: Rc::default(),
            generation,
            outdated,
            sender,
            streams: Rc::default(),
            used: Rc::default(),
        };
        let pings = connection.ping_pong();
        let watched = self.watch_over(&tunnel, pings, &pulse);
        let driven = drive(connection, bond);
        let closed = Rc::clone(&tunnel.closed);
        self.reach.tasks.spawn(async move {
            let watched = pin!(watched);
            tokio::select! {
                biased;
                () = driven => {}
                () = Aside::new(watched) => {}
            }
            closed.set(true);
        });
        Ok(tunnel)
    }

    /// Returns when the tunnel must end although nothing has told so.
    fn watch_over(
        self: &Rc<Self>,
        tunnel: &Tunnel,
        pings: Option<PingPong>,
        pulse: &Pulse,
    ) -> impl Future<Output = ()> + use<> {
        let (vigil, shared) = (self.vigil, Rc::downgrade(self));
        let (streams, used) = (Rc::clone(&tunnel.streams), Rc::clone(&tunnel.used));
        let (bond, pulse) = (tunnel.bond.clone(), pulse.clone());
        async move {
            let (Some(vigil), Some(pings)) = (vigil, pings) else {
                return std::future::pending().await;
            };
            let forget = || {
                // Without it no stream can begin, and the last one ends the connection.
                if let Some(shared) = shared.upgrade() {
                    let mut open = shared.open.borrow_mut();
                    open.retain(|tunnel| !Rc::ptr_eq(&tunnel.streams, &streams));
                }
            };
            let is_used = || used.replace(false) || streams.get() > 0;
            vigil.keep(pings, &pulse, is_used, forget).await;
            pulse.stop();
            if let Some(bond) = &bond {
                bond.end(UNRESPONSIVE);
            }
            tracing::info!("a connection to another sidecar does not answer");
        }
    }
}

fn builder(limits: &Limits) -> client::Builder {
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_max_send_streams(STREAMS_UNTOLD)
        .max_concurrent_reset_streams(STREAMS_KNOWN)
        .initial_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_list_bytes())
        .max_send_buffer_size(Limits::SEND_BUFFER_BYTES);
    builder
}

/// How many streams that we have cut h2 knows for a second. What comes for others
/// counts as an offence, and too many end the tunnel.
const STREAMS_KNOWN: usize = 1_000;

/// How many streams a tunnel gets before the destination has said how many it
/// takes: what RFC 9113 6.5.2 asks everybody to take at least. Those beyond
/// wait, or get another tunnel; sent at once, they would be refused.
const STREAMS_UNTOLD: usize = 100;

/// For how many streams another sidecar may send frames that are no response,
/// beyond those that our requests give reason for.
const STREAMS_GUARDED: u32 = 1_000;

/// More would only hide that the destination cannot keep up.
const MOST_TUNNELS: usize = 8;
