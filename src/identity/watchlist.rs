//! The revocations in force.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::identity::Revocations;

/// The revocations in force, shared by all that must look.
#[derive(Debug)]
pub struct Watchlist {
    current: watch::Sender<Arc<Revocations>>,
    generation: AtomicU64,
}

impl Default for Watchlist {
    fn default() -> Self {
        Self {
            current: watch::Sender::new(Arc::default()),
            generation: AtomicU64::new(0),
        }
    }
}

impl Watchlist {
    /// Those in force. Takes a lock for a moment: keep the answer, and ask again
    /// when [`generation`](Self::generation) has changed.
    #[must_use]
    pub fn current(&self) -> Arc<Revocations> {
        Arc::clone(&self.current.borrow())
    }

    /// The number of changes so far: one load.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts `next` in force, if it is another. Tells whether it is.
    pub fn replace(&self, next: Revocations) -> bool {
        self.current.send_if_modified(|current| {
            if **current == next {
                return false;
            }
            *current = Arc::new(next);
            // INVARIANT: moved while the lock is held, after the set.
            self.generation.fetch_add(1, Ordering::Release);
            true
        })
    }

    /// Tells of each change after this call.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Arc<Revocations>> {
        self.current.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_told_once_and_the_same_again_is_none() {
        let list = Watchlist::default();
        let mut told = list.changed();
        let mut revoked = Revocations::default();
        revoked.revoke_id("spiffe://example.org/web".parse().unwrap());
        assert!(list.replace(revoked.clone()));
        assert!(!list.replace(revoked));
        assert_eq!(list.generation(), 1);
        told.changed().await.unwrap();
        assert_eq!(told.borrow_and_update().len(), 1);
        assert!(!told.has_changed().unwrap());
    }

    #[test]
    fn includes_a_workload_or_a_certificate() {
        let web = "spiffe://example.org/web".parse().unwrap();
        let orders = "spiffe://example.org/orders".parse().unwrap();
        let mut revoked = Revocations::default();
        assert!(!revoked.include(&web, "4f0a"));
        revoked.revoke_serial("4f0a".to_owned());
        assert!(revoked.include(&web, "4f0a"));
        assert!(!revoked.include(&web, "4f0b"));
        revoked.revoke_id(orders);
        assert!(!revoked.include_id(&web));
    }
}
