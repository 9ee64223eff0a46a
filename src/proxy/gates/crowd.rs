//! How many requests the application may have at a time.
//!
//! A request counts from the moment it is let through until its response has
//! ended, and an upgraded connection until that has: for so long it takes a
//! place in the application. What comes when all places are taken is refused at
//! once. It does not wait: a queue in front of what is overloaded only makes
//! callers wait for answers that they have given up on, and they know better
//! than we do when to try again.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// The places that there are, for all workers together.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Crowd {
    most: usize,
    now: Arc<AtomicUsize>,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            now: Arc::default(),
        }
    }

    /// A place, if one is free.
    pub(super) fn enter(self: &Rc<Self>) -> Option<Place> {
        // Made first, so that it leaves again where there is no room.
        let place = Place {
            crowd: Rc::clone(self),
        };
        let before = self.now.fetch_add(1, Ordering::Relaxed);
        (before < self.most).then_some(place)
    }
}

/// One request's place; free again when it is dropped.
#[derive(Debug)]
pub(in crate::proxy) struct Place {
    crowd: Rc<Crowd>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_have_the_same_places() {
        let crowd = Crowd::new(2);
        let (one, other) = (Rc::new(crowd.clone()), Rc::new(crowd));
        let first = one.enter().unwrap();
        let _second = other.enter().unwrap();
        for worker in [&one, &other] {
            // Whoever was refused has left.
            assert!(worker.enter().is_none());
            assert!(worker.enter().is_none());
        }
        drop(first);
        assert!(other.enter().is_some());
    }
}
