//! What workers, the writer and the operator share.

use crate::audit::feed::Feed;
use crate::audit::meters::Meters;
use crate::audit::shard::NoRoom;
use crate::audit::status::Failure;
use crate::time::Clock;
use std::error::Error;
use std::mem;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;
use tokio::time::Instant;

/// What all shards and the writer share.
#[derive(Debug)]
pub(super) struct Common {
    clock: Arc<dyn Clock>,
    pub(super) meters: Meters,
    pub(super) feed: Feed,
    closed: AtomicBool,
    failing: AtomicBool,
    /// The writer sleeps, or is about to, and wants to be woken.
    idle: AtomicBool,
    orders: Mutex<Orders>,
    bell: Condvar,
    failures: Mutex<Failures>,
    /// Since when the writer has had lines that it has not written.
    writing: Mutex<Option<Instant>>,
    /// The last checkpoint that was written.
    checkpoint: Mutex<Option<Arc<str>>>,
}

/// What the writer is asked to do.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "requests that may coincide")]
pub(super) struct Orders {
    pub(super) lines_wait: bool,
    pub(super) reopen: bool,
    pub(super) stop: bool,
}

/// What the writer has to complain of.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    pub(super) write: Option<Failure>,
    pub(super) reopen: Option<Failure>,
}

impl Common {
    pub(super) fn new(clock: Arc<dyn Clock>, meters: Meters) -> Self {
        Self {
            clock,
            meters,
            feed: Feed::default(),
            closed: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            orders: Mutex::new(Orders::default()),
            bell: Condvar::new(),
            failures: Mutex::new(Failures::default()),
            writing: Mutex::new(None),
            checkpoint: Mutex::new(None),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Whether records may be begun.
    pub(super) fn open(&self) -> Result<(), NoRoom> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(NoRoom::Closed);
        }
        if self.failing.load(Ordering::Relaxed) {
            return Err(NoRoom::SinkFailing);
        }
        Ok(())
    }

    pub(super) fn sink_fails(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    pub(super) fn sink_works(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Tells the writer, if it sleeps, that lines wait.
    pub(super) fn lines_wait(&self) {
        // INVARIANT: the caller has held its shard's lock to add the line. The
        // writer sets `idle` before it locks the shards for a last look. So
        // either it sees the line, or we see `idle`. One of us rings the bell.
        if self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::Relaxed) {
            self.ask(|orders| orders.lines_wait = true);
        }
    }

    /// The writer wants to be woken by the next line.
    pub(super) fn doze(&self) {
        self.idle.store(true, Ordering::Relaxed);
    }

    /// The writer looks for lines by itself.
    pub(super) fn rouse(&self) {
        self.idle.store(false, Ordering::Relaxed);
    }

    pub(super) fn ask(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
    }

    /// Waits until something is asked of the writer, at most for `limit` if
    /// there is one, and takes the orders.
    pub(super) fn orders(&self, limit: Option<Duration>) -> Orders {
        let none = |orders: &mut Orders| !(orders.lines_wait || orders.reopen || orders.stop);
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut orders = match limit {
            None => self
                .bell
                .wait_while(orders, none)
                .unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                self.bell
                    .wait_timeout_while(orders, limit, none)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        mem::take(&mut *orders)
    }

    pub(super) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the sink does not take records, for `reason`. Answers whether that is new.
    pub(super) fn fails(&self, reason: String) -> bool {
        self.sink_fails();
        let now = self.now();
        let write = &mut self.failures().write;
        let before = write.take().map(|failure| failure.since);
        let since = before.unwrap_or(now);
        *write = Some(Failure { reason, since });
        before.is_none()
    }

    /// Notes that the file could not be changed for another.
    pub(super) fn turn_failed(&self, error: &dyn Error) {
        self.meters.write_failures.inc();
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let reason = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        let since = self.now();
        self.failures().reopen = Some(Failure { reason, since });
    }

    /// The writer has lines to write, at least since `now`.
    pub(super) fn writes(&self, now: Instant) {
        self.writing().get_or_insert(now);
    }

    /// The writer has none any more.
    pub(super) fn has_written(&self) {
        *self.writing() = None;
    }

    /// Why the sink takes no records, if it has not for a while.
    pub(super) fn blocked(&self) -> Option<Failure> {
        let waited = (*self.writing())?.elapsed();
        (waited >= BLOCKED_AFTER).then(|| Failure {
            reason: format!(
                "the sink has taken nothing for {} seconds: nobody reads it, or it hangs",
                waited.as_secs()
            ),
            since: self.now().checked_sub(waited).unwrap_or_else(|| self.now()),
        })
    }

    fn writing(&self) -> MutexGuard<'_, Option<Instant>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, checkpoint: String) {
        *self.shown() = Some(checkpoint.into());
    }

    /// The last checkpoint that was written.
    pub(super) fn checkpoint(&self) -> Option<Arc<str>> {
        self.shown().clone()
    }

    fn shown(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.checkpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a write may take before readiness says that it does not end.
const BLOCKED_AFTER: Duration = Duration::from_secs(2);
