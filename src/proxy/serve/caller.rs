//! An HTTP/1 caller's connection, and the bodies that come on it.
//!
//! A request's body may be read by a task of its own while the response is
//! written, so both ends are shared, each for no longer than a poll.

use std::cell::Cell;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use tokio::io::AsyncWrite as _;

use crate::http1::Decoder;
use crate::http1::Head;
use crate::http1::HeadLimits;
use crate::http1::Inlet;
use crate::http1::Outlet;
use crate::http1::ReadError;
use crate::http1::WriteError;
use crate::proxy::handover;
use crate::proxy::handover::Handed;
use crate::proxy::upstream::Wire;

/// A caller's connection.
#[derive(Debug)]
pub(in crate::proxy) struct CallerLine {
    body: Cell<BodyState>,
    ends: RefCell<Ends>,
    /// Who waits for the body's end.
    waiting: RefCell<Option<Waker>>,
}

#[derive(Debug)]
struct Ends {
    inlet: Inlet,
    /// What is left of the word that the caller waits for before it sends a body.
    interim: &'static [u8],
    wire: Wire,
}

/// What became of a request's body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BodyState {
    /// Somebody reads it.
    Coming,
    /// It was read to its end.
    Read,
    /// Nobody will read the rest.
    Left,
}

impl CallerLine {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            body: Cell::new(BodyState::Read),
            ends: RefCell::new(Ends {
                inlet: Inlet::of_requests(),
                interim: b"",
                wire,
            }),
            waiting: RefCell::default(),
        }
    }

    /// The caller waits to be told to send a body; it will be when that is first asked for.
    pub(super) fn hold_back(&self) {
        self.ends.borrow_mut().interim = CONTINUE;
    }

    /// The body of the request whose head was read.
    pub(super) fn body(self: &Rc<Self>, decoder: Decoder) -> CallerBody {
        self.body.set(BodyState::Coming);
        CallerBody {
            decoder,
            line: Rc::clone(self),
        }
    }

    pub(super) const fn body_state(&self) -> BodyState {
        self.body.get()
    }

    /// Whether the caller still waits to be told to send its body.
    pub(super) fn is_held_back(&self) -> bool {
        self.ends.borrow().interim == CONTINUE
    }

    pub(super) fn poll_head(
        &self,
        limits: HeadLimits,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Head, ReadError>> {
        let ends = &mut *self.ends.borrow_mut();
        ends.inlet.poll_head(&mut ends.wire, limits, cx)
    }

    /// Whether nothing has come that was not taken.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.borrow().inlet.is_empty()
    }

    /// Lets go of memory that only large messages need.
    pub(super) fn rest(&self) {
        self.ends.borrow_mut().inlet.rest();
    }

    /// Ready when the caller has hung up, which shows only while nothing else is read.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.body.get() != BodyState::Read {
            return Poll::Pending;
        }
        let ends = &mut *self.ends.borrow_mut();
        ends.inlet.poll_closed(&mut ends.wire, cx)
    }

    /// Sends a message.
    pub(super) fn poll_send<B: Body<Data = Bytes> + Unpin>(
        &self,
        outlet: &mut Outlet<B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), WriteError<B::Error>>> {
        let ends = &mut *self.ends.borrow_mut();
        if ends.interim == CONTINUE {
            ends.interim = b"";
        }
        let begun = ready!(ends.poll_interim(cx));
        begun.map_err(|cause| WriteError::Io { cause })?;
        outlet.poll_send(&mut ends.wire, cx)
    }

    /// Ready when the body was read, or nobody reads it any more.
    pub(super) fn poll_body_over(&self, cx: &Context<'_>) -> Poll<()> {
        if self.body.get() != BodyState::Coming {
            return Poll::Ready(());
        }
        *self.waiting.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Sees to it that what was sent does not look whole when the connection is dropped.
    pub(super) fn break_off(&self) {
        self.ends.borrow().wire.break_off();
    }

    /// Says farewell.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.ends.borrow_mut().wire).poll_shutdown(cx)
    }

    /// Reads what nobody wants, until the caller hangs up.
    pub(super) fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let ends = &mut *self.ends.borrow_mut();
        ends.inlet.poll_drained(&mut ends.wire, cx)
    }

    /// Lets go of the connection, and of what was read ahead.
    pub(super) fn hand_over(&self) -> Handed {
        let ends = &mut *self.ends.borrow_mut();
        handover::take(&mut ends.inlet, &mut ends.wire)
    }

    fn body_over(&self, how: BodyState) {
        self.body.set(how);
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

impl Ends {
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.interim.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.interim.is_empty() {
            let written = ready!(Pin::new(&mut self.wire).poll_write(cx, self.interim))?;
            self.interim = self.interim.get(written..).unwrap_or_default();
        }
        Pin::new(&mut self.wire).poll_flush(cx)
    }
}

/// A request's body as it comes.
#[derive(Debug)]
pub(in crate::proxy) struct CallerBody {
    decoder: Decoder,
    line: Rc<CallerLine>,
}

impl CallerBody {
    pub(in crate::proxy) const fn is_ended(&self) -> bool {
        self.decoder.is_ended()
    }

    /// How much is left, in bytes, where the framing tells.
    pub(in crate::proxy) const fn left(&self) -> Option<u64> {
        self.decoder.left()
    }

    pub(in crate::proxy) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        let polled = {
            let ends = &mut *self.line.ends.borrow_mut();
            if let Err(cause) = ready!(ends.poll_interim(cx)) {
                return Poll::Ready(Some(Err(ReadError::Io { cause })));
            }
            ends.inlet.poll_frame(&mut ends.wire, &mut self.decoder, cx)
        };
        if polled.is_ready() && self.decoder.is_ended() {
            self.line.body_over(BodyState::Read);
        }
        polled
    }
}

impl Drop for CallerBody {
    fn drop(&mut self) {
        if self.decoder.is_ended() {
            self.line.body_over(BodyState::Read);
        } else {
            self.line.body_over(BodyState::Left);
        }
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
