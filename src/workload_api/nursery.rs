//! The tasks of one connection, inside of the connection.
//!
//! The HTTP/2 library wants to spawn a task for each call. Here they are kept
//! with their connection and driven by whoever drives it, so that nothing
//! outlives it and nothing is spawned.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

/// Where a connection's new tasks are put. Clones share one place.
#[derive(Clone, Default)]
pub(super) struct Nursery {
    born: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Nursery {
    /// Runs `connection` with the tasks that it puts here, until it ends. Tasks
    /// that are left then are dropped.
    pub(super) fn raise<F: Future + Unpin>(&self, connection: F) -> Raise<F> {
        Raise {
            connection,
            nursery: self.clone(),
            running: FuturesUnordered::new(),
        }
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        // Nobody panics while the lock is held; if so, the list is whole.
        std::mem::take(&mut *self.born.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Nursery {
    fn execute(&self, task: F) {
        let mut born = self.born.lock().unwrap_or_else(PoisonError::into_inner);
        born.push(Box::pin(task));
    }
}

/// A connection with its tasks.
pub(super) struct Raise<F> {
    connection: F,
    nursery: Nursery,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl<F: Unpin> Raise<F> {
    /// The connection, for instance to tell it to end.
    pub(super) const fn connection(&mut self) -> Pin<&mut F> {
        Pin::new(&mut self.connection)
    }
}

impl<F: Future + Unpin> Future for Raise<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(end) = Pin::new(&mut this.connection).poll(cx) {
                return Poll::Ready(end);
            }
            let born = this.nursery.take();
            let none_born = born.is_empty();
            this.running.extend(born);
            while let Poll::Ready(Some(())) = this.running.poll_next_unpin(cx) {}
            if none_born {
                return Poll::Pending;
            }
        }
    }
}
