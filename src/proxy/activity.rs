//! When something last moved in an exchange, in either direction.
//!
//! A gRPC stream may be silent one way for hours while it is busy the other
//! way, so both directions share one clock. How long it may stand still is
//! another matter while the request is being sent, while its answer is awaited,
//! and once that streams.

use std::cell::Cell;
use std::future::Future as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;

use crate::time::turn;

/// How long an exchange may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// While the request is being sent and no response has begun.
    pub request: Duration,
    /// Once the request is sent, until a response begins.
    pub response: Duration,
    /// Once a response has begun, in both directions together.
    pub stream: Duration,
}

impl Silence {
    /// For a call that may be open for long before either side has a word to
    /// say: all limits are that of a stream.
    pub(super) const fn of_stream(self) -> Self {
        Self {
            request: self.stream,
            response: self.stream,
            stream: self.stream,
        }
    }
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// The request's body has broken off.
    BrokenOff,
    /// The response has begun.
    Responding,
    /// The request's body is on its way.
    Sending,
    /// The request's body stood still for too long.
    Stalled,
    /// The request is sent, and its answer awaited.
    Waiting,
}

/// The clock and the byte counts of one exchange.
#[derive(Debug)]
pub(super) struct Activity {
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    limits: Silence,
    moved: Cell<Instant>,
    phase: Cell<Phase>,
}

impl Activity {
    pub(super) fn new(limits: Silence, begun: Instant) -> Rc<Self> {
        Rc::new(Self {
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            limits,
            moved: Cell::new(begun),
            phase: Cell::new(Phase::Sending),
        })
    }

    /// `bytes` of the request's body have passed.
    pub(super) fn passed_in(&self, bytes: usize) {
        add(&self.bytes_in, bytes);
        self.touch();
    }

    /// `bytes` of the response's body have passed.
    pub(super) fn passed_out(&self, bytes: usize) {
        add(&self.bytes_out, bytes);
        self.touch();
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// The response has begun.
    pub(super) fn responded(&self) {
        self.phase.set(Phase::Responding);
        self.touch();
    }

    /// The request's body has ended, in one way or another.
    pub(super) fn sent(&self, how: Phase) {
        if self.phase.get() == Phase::Sending {
            self.phase.set(how);
            self.touch();
        }
    }

    pub(super) fn touch(&self) {
        self.moved.set(turn());
    }

    pub(super) const fn bytes_in(&self) -> u64 {
        self.bytes_in.get()
    }

    pub(super) const fn bytes_out(&self) -> u64 {
        self.bytes_out.get()
    }

    fn deadline(&self) -> Instant {
        let limit = match self.phase.get() {
            Phase::Sending => self.limits.request,
            Phase::BrokenOff | Phase::Stalled | Phase::Waiting => self.limits.response,
            Phase::Responding => self.limits.stream,
        };
        self.moved.get() + limit
    }
}

fn add(count: &Cell<u64>, bytes: usize) {
    count.set(count.get().saturating_add(bytes as u64));
}

/// Wakes a waiting task when its exchange has been silent for too long.
#[derive(Debug, Default)]
pub(super) struct SilenceTimer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl SilenceTimer {
    /// Ready when nothing has moved for as long as allowed. Asked only while
    /// something is awaited, so that an exchange that never waits has no timer.
    pub(super) fn poll_silent(&mut self, activity: &Activity, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = activity.deadline();
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            ready!(sleep.as_mut().poll(cx));
            if activity.deadline() <= sleep.deadline() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(activity.deadline());
        }
    }
}

/// Returns when nothing has moved for as long as allowed.
pub(super) async fn silent(activity: &Activity) {
    let mut timer = SilenceTimer::default();
    poll_fn(|cx| timer.poll_silent(activity, cx)).await;
}
