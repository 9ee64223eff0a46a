//! When something last moved in an exchange, in either direction.
//!
//! A gRPC stream may be silent one way for hours while it is busy the other
//! way, so both directions share one clock. How long it may stand still is
//! another matter while the request is being sent, while its answer is awaited,
//! and once that streams. And while it is being sent it must come at some pace:
//! a byte now and then keeps no silence, and holds all that a request holds.

use std::cell::Cell;
use std::cell::OnceCell;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::proxy::alarm::Alarm;
use crate::proxy::alarm::Alarms;
use crate::proxy::live::Permission;
use crate::session::Session;
use crate::time::Clock;
use crate::time::turn;

/// How slowly a request's body may come.
///
/// Only the time counts in which we wait for the caller: an application that
/// takes its time with what has come is nobody's offence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// What must come in each second that we wait, taken over all of them.
    pub bytes_per_s: NonZeroU32,
    /// How long we wait beyond that.
    pub grace: Duration,
}

impl Pace {
    /// How long somebody may be waited for who has sent `bytes`.
    fn allows(self, bytes: u64) -> Duration {
        let millis = bytes.saturating_mul(1_000) / u64::from(self.bytes_per_s.get());
        self.grace.saturating_add(Duration::from_millis(millis))
    }
}

/// How long an exchange may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// How slowly the request may come before a response begins, if that matters.
    pub pace: Option<Pace>,
    /// While the request is being sent and no response has begun.
    pub request: Duration,
    /// Once the request is sent, until a response begins.
    pub response: Duration,
    /// Once a response has begun, in both directions together.
    pub stream: Duration,
}

impl Silence {
    /// For a call that may be open for long before either side has a word to
    /// say: all limits are that of a stream, and it has no pace.
    pub(super) const fn of_stream(self) -> Self {
        Self {
            pace: None,
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

/// Whoever is known by a session, which is used by what they send.
#[derive(Debug)]
struct Visitor {
    clock: Arc<dyn Clock>,
    session: Arc<Session>,
}

/// The clock and the byte counts of one exchange.
#[derive(Debug)]
pub(super) struct Activity {
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    is_grpc: bool,
    limits: Silence,
    moved: Cell<Instant>,
    permission: Permission,
    phase: Cell<Phase>,
    tries_more: Cell<u32>,
    /// At the door for people.
    visitor: OnceCell<Visitor>,
    /// How long the caller was waited for until it last sent something.
    waited: Cell<Duration>,
    /// Since when it is waited for again.
    waits_since: Cell<Option<Instant>>,
}

impl Activity {
    pub(super) fn new(limits: Silence, begun: Instant) -> Rc<Self> {
        Rc::new(Self::begun(limits, begun))
    }

    /// That of a gRPC call, which may be open for long.
    pub(super) fn of_grpc(limits: Silence, begun: Instant) -> Rc<Self> {
        Rc::new(Self {
            is_grpc: true,
            ..Self::begun(limits.of_stream(), begun)
        })
    }

    fn begun(limits: Silence, begun: Instant) -> Self {
        Self {
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            is_grpc: false,
            limits,
            moved: Cell::new(begun),
            permission: Permission::default(),
            phase: Cell::new(Phase::Sending),
            tries_more: Cell::new(0),
            visitor: OnceCell::new(),
            waited: Cell::default(),
            waits_since: Cell::default(),
        }
    }

    /// `bytes` of the request's body have passed.
    pub(super) fn passed_in(&self, bytes: usize) {
        add(&self.bytes_in, bytes);
        self.touch();
        if let Some(since) = self.waits_since.take() {
            let more = self.moved.get().saturating_duration_since(since);
            self.waited.set(self.waited.get() + more);
        }
    }

    /// What its caller sends is a use of `session`.
    pub(super) fn is_of(&self, session: &Arc<Session>, clock: &Arc<dyn Clock>) {
        self.visitor.get_or_init(|| Visitor {
            clock: Arc::clone(clock),
            session: Arc::clone(session),
        });
    }

    /// Whether it matters what its caller does.
    pub(super) fn has_visitor(&self) -> bool {
        self.visitor.get().is_some()
    }

    /// The caller has sent something. What is sent to it is no use of its session:
    /// an application that never stops would keep anybody signed in for ever.
    pub(super) fn used(&self) {
        if let Some(visitor) = self.visitor.get() {
            visitor.session.touch(visitor.clock.now());
        }
    }

    /// More of the request's body is wanted, and there is none.
    pub(super) fn waits_for_caller(&self) {
        if self.limits.pace.is_some() && self.waits_since.get().is_none() {
            self.waits_since.set(Some(Instant::now()));
        }
    }

    /// `bytes` of the response's body have passed.
    pub(super) fn passed_out(&self, bytes: usize) {
        add(&self.bytes_out, bytes);
        self.touch();
    }

    /// Whether the request is a gRPC call.
    pub(super) const fn is_grpc(&self) -> bool {
        self.is_grpc
    }

    /// Leave to go on.
    pub(super) const fn permission(&self) -> &Permission {
        &self.permission
    }

    /// When something last moved; of a request that was not sent yet, when it came.
    pub(super) const fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// Whether it has been silent for as long as it may.
    pub(super) fn is_overdue(&self) -> bool {
        self.deadline() <= Instant::now()
    }

    /// The request is tried once more, here or elsewhere.
    pub(super) fn tried_again(&self) {
        self.tries_more.set(self.tries_more.get().saturating_add(1));
    }

    /// How often it was tried again.
    pub(super) const fn tries_more(&self) -> u32 {
        self.tries_more.get()
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
        let silent = self.moved.get() + limit;
        self.too_slow().map_or(silent, |slow| slow.min(silent))
    }

    /// When the caller will have been waited for longer than its pace allows.
    fn too_slow(&self) -> Option<Instant> {
        if self.phase.get() != Phase::Sending {
            return None;
        }
        let since = self.waits_since.get()?;
        let allowed = self.limits.pace?.allows(self.bytes_in.get());
        Some(since + allowed.saturating_sub(self.waited.get()))
    }
}

fn add(count: &Cell<u64>, bytes: usize) {
    count.set(count.get().saturating_add(bytes as u64));
}

/// Wakes a waiting task when its exchange has been silent for too long.
#[derive(Debug, Default)]
pub(super) struct SilenceTimer {
    alarm: Alarm,
}

impl SilenceTimer {
    /// Ready when nothing has moved for as long as allowed. Asked only while
    /// something is awaited, so that an exchange that never waits has no timer.
    pub(super) fn poll_silent(&mut self, activity: &Activity, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll_at(activity.deadline(), cx)
    }
}

/// Returns when nothing has moved for as long as allowed.
pub(super) async fn silent(activity: &Activity, alarms: &Alarms) {
    let mut alarm = alarms.lend();
    poll_fn(|cx| alarm.poll_at(activity.deadline(), cx)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;
    use tokio::time::timeout;

    const SECOND: Duration = Duration::from_secs(1);

    fn silence() -> Silence {
        Silence {
            pace: Some(Pace {
                bytes_per_s: NonZeroU32::new(100).unwrap(),
                grace: 10 * SECOND,
            }),
            request: 60 * SECOND,
            response: 60 * SECOND,
            stream: 300 * SECOND,
        }
    }

    /// For how many seconds a caller that sends `bytes` a second is borne with.
    async fn borne(silence: Silence, bytes: usize) -> u32 {
        let activity = Activity::new(silence, Instant::now());
        let mut timer = SilenceTimer::default();
        for second in 0..1_000 {
            activity.waits_for_caller();
            let silent = poll_fn(|cx| timer.poll_silent(&activity, cx));
            if timeout(SECOND, silent).await.is_ok() {
                return second;
            }
            activity.passed_in(bytes);
        }
        1_000
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_trickles_is_given_up_and_one_that_flows_is_not() {
        assert_eq!(borne(silence(), 1).await, 10);
        assert_eq!(borne(silence(), 30).await, 13);
        assert_eq!(borne(silence(), 100).await, 1_000);
        assert_eq!(borne(silence().of_stream(), 1).await, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_early_may_be_rested_on_and_the_application_may_take_its_time() {
        let activity = Activity::new(silence(), Instant::now());
        activity.waits_for_caller();
        activity.passed_in(3_000);
        // Nobody asks for more: it is being worked on.
        advance(50 * SECOND).await;
        activity.passed_in(0);
        activity.waits_for_caller();
        let begun = Instant::now();
        silent(&activity, &Alarms::default()).await;
        assert_eq!(begun.elapsed(), 40 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn once_there_is_a_response_there_is_no_pace() {
        let activity = Activity::new(silence(), Instant::now());
        activity.waits_for_caller();
        activity.responded();
        let begun = Instant::now();
        silent(&activity, &Alarms::default()).await;
        assert_eq!(begun.elapsed(), 300 * SECOND);
    }
}
