//! The identity in force.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::identity::svid::Identity;
use crate::identity::watchlist::Watchlist;

/// The identity in force, shared by all that use it.
///
/// A swap is whole: whoever reads sees the old SVID with the old bundles or the
/// new with the new. Handshakes under way finish with what they began with.
#[derive(Debug)]
pub struct Live {
    current: watch::Sender<Arc<Identity>>,
    generation: AtomicU64,
    revoked: Arc<Watchlist>,
}

impl Live {
    /// Begins with `first`.
    #[must_use]
    pub fn new(first: Identity) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(first.with_generation(0))),
            generation: AtomicU64::new(0),
            revoked: Arc::default(),
        }
    }

    /// Who is believed no longer, whatever certificate is shown.
    #[must_use]
    pub const fn revoked(&self) -> &Arc<Watchlist> {
        &self.revoked
    }

    /// The identity in force. Takes a lock for a moment: keep the answer, and
    /// ask again when [`generation`](Self::generation) has changed.
    #[must_use]
    pub fn current(&self) -> Arc<Identity> {
        Arc::clone(&self.current.borrow())
    }

    /// The number of swaps so far: one relaxed load.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Puts `next` in force.
    pub fn replace(&self, next: Identity) {
        // INVARIANT: the counter moves while the write lock is held, so the
        // numbers and the identities keep one order however many replace.
        self.current.send_modify(|current| {
            let generation = current.generation() + 1;
            *current = Arc::new(next.with_generation(generation));
            self.generation.store(generation, Ordering::Relaxed);
        });
    }

    /// Counts as a swap, though the identity stays: connections that were made
    /// before will be succeeded by fresh ones.
    pub fn refresh(&self) {
        self.current.send_modify(|current| {
            let generation = current.generation() + 1;
            *current = Arc::new(Identity::clone(current).with_generation(generation));
            self.generation.store(generation, Ordering::Relaxed);
        });
    }

    /// Tells of each swap after this call.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Arc<Identity>> {
        self.current.subscribe()
    }
}
