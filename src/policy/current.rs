//! The policy set in force.
//!
//! A set is replaced whole, by one that loaded without an error; where a new
//! one does not load, nothing is replaced. Workers look at a counter for each
//! request and fetch the set only when it moved: no lock on the way of a
//! request.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::policy::set::Policy;

/// The set that decides now, for all threads.
#[derive(Debug)]
pub struct Current {
    policy: RwLock<Arc<Policy>>,
    generation: AtomicU64,
    changed: watch::Sender<()>,
}

impl Current {
    /// Begins with `policy`, as generation 0.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy: RwLock::new(Arc::new(policy)),
            generation: AtomicU64::new(0),
            changed: watch::Sender::new(()),
        }
    }

    /// The set in force. Takes a lock: not for the way of a request.
    #[must_use]
    pub fn load(&self) -> Arc<Policy> {
        // A panic elsewhere cannot leave half an `Arc`.
        let policy = self.policy.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&policy)
    }

    /// How often the set was replaced.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts `policy` in force for every decision that begins from now on.
    pub fn replace(&self, policy: Policy) {
        let next = Arc::new(policy);
        let mut policy = self.policy.write().unwrap_or_else(PoisonError::into_inner);
        *policy = next;
        // INVARIANT: the counter moves after the set and under its lock, so
        // that who sees the new count also finds the new set, or a newer one.
        self.generation.fetch_add(1, Ordering::Release);
        drop(policy);
        self.changed.send_replace(());
    }

    /// Tells of each replacement after this call.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// One worker's view of the set in force.
#[derive(Debug)]
pub struct View {
    current: Arc<Current>,
    policy: Arc<Policy>,
    generation: u64,
}

impl View {
    /// A view of `current`.
    #[must_use]
    pub fn new(current: Arc<Current>) -> Self {
        // The count is read first: a set that comes in between is fetched again.
        let generation = current.generation();
        Self {
            policy: current.load(),
            generation,
            current,
        }
    }

    /// The set in force.
    pub fn current(&mut self) -> &Arc<Policy> {
        let generation = self.current.generation();
        if generation != self.generation {
            self.policy = self.current.load();
            self.generation = generation;
        }
        &self.policy
    }

    /// The set that was in force when it was last asked for, and how often sets
    /// had been replaced by then.
    #[must_use]
    pub const fn last(&self) -> (&Arc<Policy>, u64) {
        (&self.policy, self.generation)
    }

    /// Tells of each replacement after this call.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.current.changed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::settings::Settings;

    fn policy(id: &str) -> Policy {
        let text = format!("@id(\"{id}\") permit(principal, action, resource);");
        let files = [("a.cedar", text.as_str())];
        Policy::parse(&files, &Settings::default()).unwrap().0
    }

    #[test]
    fn threads_may_share_a_set() {
        const fn shared<T: Send + Sync>() {}
        const { shared::<Current>() };
        const { shared::<crate::policy::Caller>() };
    }

    #[test]
    fn a_view_sees_the_next_set_and_keeps_it() {
        let current = Arc::new(Current::new(policy("one")));
        let mut view = View::new(Arc::clone(&current));
        let first = Arc::clone(view.current());
        assert!(Arc::ptr_eq(&first, view.current()));
        assert_eq!(current.generation(), 0);

        current.replace(policy("two"));
        assert_eq!(current.generation(), 1);
        assert!(Arc::ptr_eq(&current.load(), view.current()));
        assert_ne!(first.revision(), view.current().revision());
    }
}
