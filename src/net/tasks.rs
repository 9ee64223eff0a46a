//! The tasks of one worker, counted.

use std::cell::Cell;
use std::future::Future;
use std::future::poll_fn;
use std::rc::Rc;

use tokio::sync::Notify;

use crate::time::in_turn;

/// Spawns on the current worker's runtime and knows when all is done.
///
/// Clones share one count. A worker that drains waits for [`Tasks::idle`];
/// what is still running when it gives up ends with the runtime.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    shared: Rc<Shared>,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `future` on the current runtime, which must be the worker's own.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the set that worker tasks are spawned into"
    )]
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.shared.running.set(self.shared.running.get() + 1);
        let guard = Guard(Rc::clone(&self.shared));
        // A block that pins what it has captured would have room for it twice.
        let mut future = Box::pin(future);
        // The handle is not needed: the guard tells of the task's end, also
        // when it panics or is dropped with the runtime.
        drop(tokio::task::spawn_local(async move {
            poll_fn(|cx| in_turn(|| future.as_mut().poll(cx))).await;
            drop(guard);
        }));
    }

    /// How many have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running.get()
    }

    /// Returns when no task is left.
    pub async fn idle(&self) {
        while self.shared.running.get() > 0 {
            self.shared.ended.notified().await;
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    running: Cell<usize>,
    ended: Notify,
}

struct Guard(Rc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get().saturating_sub(1));
        self.0.ended.notify_one();
    }
}
