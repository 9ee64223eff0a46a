//! One HTTP/1 connection to our application, and what is said on it.
//!
//! It has no task: whoever has a request on it reads and writes, so that a
//! request costs no hand-over and no wake-up but its own.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::rc::Weak;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;

use crate::http1::Decoder;
use crate::http1::HeadLimits;
use crate::http1::Inlet;
use crate::http1::Outlet;
use crate::http1::ReadError;
use crate::http1::ResponseHead;
use crate::http1::WriteError;
use crate::net::Tasks;
use crate::proxy::body::BodyError;
use crate::proxy::body::Upload;
use crate::proxy::handover;
use crate::proxy::handover::Handed;
use crate::proxy::upstream::Wire;
use crate::proxy::upstream::apart::Apart;
use crate::proxy::upstream::idle::Idle;

/// A connection. It is used again when both the request on it and its
/// response have ended as they should; else it closes.
#[derive(Debug)]
pub(super) struct Line {
    ends: RefCell<Ends>,
    /// How many of the request and its response are still under way.
    halves: Cell<u8>,
    /// Where it waits for its next request.
    home: Weak<Idle>,
    /// Whether another request may follow.
    keep: Cell<bool>,
    /// Who reads while the request's body goes on by itself.
    reader: RefCell<Option<Waker>>,
}

#[derive(Debug)]
struct Ends {
    inlet: Inlet,
    wire: Wire,
}

impl Line {
    pub(super) fn new(wire: Wire, home: &Rc<Idle>) -> Self {
        Self {
            home: Rc::downgrade(home),
            keep: Cell::new(true),
            ..Self::alone(wire)
        }
    }

    /// A connection for one request.
    pub(super) fn alone(wire: Wire) -> Self {
        Self {
            ends: RefCell::new(Ends {
                inlet: Inlet::of_responses(),
                wire,
            }),
            halves: Cell::new(0),
            home: Weak::new(),
            keep: Cell::new(false),
            reader: RefCell::default(),
        }
    }

    /// Lets go of the connection, and of what was read ahead.
    pub(super) fn hand_over(&self) -> Handed {
        let ends = &mut *self.ends.borrow_mut();
        handover::take(&mut ends.inlet, &mut ends.wire)
    }

    /// Whether nothing has happened on it since its last response. No system
    /// call: the runtime has been told.
    pub(super) fn is_quiet(&self) -> bool {
        let ends = &mut *self.ends.borrow_mut();
        ends.inlet.is_quiet(&mut ends.wire)
    }

    /// No other request may follow.
    pub(super) fn is_last(&self) {
        self.keep.set(false);
    }

    /// Begins the next request.
    pub(super) fn begin(&self) {
        self.halves.set(2);
    }

    /// Sends `call` and reads the head of its answer.
    pub(super) fn poll_call(
        &self,
        call: &mut Call,
        limits: HeadLimits,
        cx: &mut Context<'_>,
    ) -> Poll<Result<ResponseHead, LineError>> {
        let ends = &mut *self.ends.borrow_mut();
        if !call.is_over
            && let Poll::Ready(sent) = call.outlet.poll_send(&mut ends.wire, cx)
        {
            match sent {
                Ok(()) => self.halves.set(self.halves.get() - 1),
                Err(WriteError::Io { cause }) if call.outlet.is_unseen() => {
                    return Poll::Ready(Err(LineError::Unseen { cause }));
                }
                // It may have said why before it stopped to listen.
                Err(WriteError::Io { cause }) => {
                    tracing::debug!(
                        error = &cause as &dyn std::error::Error,
                        "a request was not read to its end"
                    );
                    self.keep.set(false);
                }
                Err(cause) => return Poll::Ready(Err(LineError::Write { cause })),
            }
            call.is_over = true;
        }
        loop {
            let read = ends.inlet.poll_head(&mut ends.wire, limits, cx);
            let read = read.map_err(|cause| LineError::Read { cause })?;
            let Poll::Ready(head) = read else {
                return Poll::Pending;
            };
            let head = ResponseHead::read(&head, limits.fields)
                .map_err(|cause| ReadError::Head { cause })
                .map_err(|cause| LineError::Read { cause })?;
            // What comes before the answer concerns one hop: ours.
            if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// Ends one half, and with the other the use of the connection.
    fn half_ended(self: Rc<Self>) {
        self.halves.set(self.halves.get().saturating_sub(1));
        if self.halves.get() == 0
            && self.keep.get()
            && let Some(home) = self.home.upgrade()
        {
            self.ends.borrow_mut().inlet.rest();
            home.put(self);
        }
    }

    /// Closes the connection, whoever else holds it.
    pub(super) fn close(&self) {
        self.keep.set(false);
        self.ends.borrow_mut().wire = Box::new(tokio::io::empty());
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Sends what is left of a request.
    async fn send_rest(self: Rc<Self>, mut outlet: Outlet<Upload>) {
        let sent =
            std::future::poll_fn(|cx| outlet.poll_send(&mut self.ends.borrow_mut().wire, cx));
        match sent.await {
            Ok(()) => self.half_ended(),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a request body broke off"
                );
                match error {
                    // What it answers may still be whole.
                    WriteError::Io { .. } => self.keep.set(false),
                    // It must not take for whole what it got.
                    WriteError::Body { .. } | WriteError::OtherLength => self.close(),
                }
            }
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Call {
    /// Whether it was sent, or nobody takes the rest.
    is_over: bool,
    outlet: Outlet<Upload>,
}

impl Call {
    pub(super) const fn new(outlet: Outlet<Upload>) -> Self {
        Self {
            is_over: false,
            outlet,
        }
    }

    /// Lets what is left of the request go on by itself, and returns the
    /// memory of its head otherwise.
    fn let_go(self, line: &Rc<Line>, tasks: &Tasks) -> (Option<Apart>, Option<Vec<u8>>) {
        if self.is_over {
            return (None, Some(self.outlet.into_text()));
        }
        let rest = Rc::clone(line).send_rest(self.outlet);
        (Some(Apart::go(rest, tasks)), None)
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum LineError {
    /// No answer could be read.
    #[error("no response could be read")]
    Read {
        /// Why.
        #[source]
        cause: ReadError,
    },
    /// Not a byte of the request was taken.
    #[error("the connection was closed before the request")]
    Unseen {
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The request could not be sent whole.
    #[error("the request could not be sent")]
    Write {
        /// Why.
        #[source]
        cause: WriteError<BodyError>,
    },
}

/// A response's body as it comes. Dropping it before its end closes the connection.
#[derive(Debug)]
pub(in crate::proxy) struct Reading {
    apart: Option<Apart>,
    decoder: Decoder,
    /// None at the end.
    line: Option<Rc<Line>>,
    /// Watches over the connection until then.
    watch: Option<Apart>,
}

impl Reading {
    /// Reads what follows the head of the answer to `call`; with it comes memory for the next head.
    pub(super) fn after(
        line: Rc<Line>,
        call: Call,
        decoder: Decoder,
        tasks: &Tasks,
    ) -> (Self, Option<Vec<u8>>) {
        let (apart, memory) = call.let_go(&line, tasks);
        let mut reading = Self {
            apart,
            decoder,
            line: Some(line),
            watch: None,
        };
        if reading.is_ended() {
            reading.end();
        }
        (reading, memory)
    }

    /// Keeps `watch` until the end.
    pub(super) fn guard(&mut self, watch: Apart) {
        self.watch = Some(watch);
    }

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
        let Some(line) = &self.line else {
            return Poll::Ready(None);
        };
        if self.apart.is_some() || self.watch.is_some() {
            *line.reader.borrow_mut() = Some(cx.waker().clone());
        }
        let polled = {
            let ends = &mut *line.ends.borrow_mut();
            ends.inlet.poll_frame(&mut ends.wire, &mut self.decoder, cx)
        };
        match &polled {
            Poll::Ready(Some(Err(_))) => self.line = None,
            Poll::Ready(_) if self.decoder.is_ended() => self.end(),
            Poll::Ready(_) | Poll::Pending => {}
        }
        polled
    }

    /// The response is read. What is left of the request goes on.
    fn end(&mut self) {
        if let Some(apart) = self.apart.take() {
            apart.leave();
        }
        self.watch = None;
        if let Some(line) = self.line.take() {
            line.reader.take();
            line.half_ended();
        }
    }
}
