//! How many connections each caller has, so that none takes them all.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Counts by whatever tells callers apart, such as a user or an address. Clones
/// share one count.
pub struct Guests<K> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Copy + Eq + Hash> Guests<K> {
    /// A place for `who`, unless it has `most`.
    #[must_use]
    pub fn enter(&self, who: K, most: usize) -> Option<Guest<K>> {
        // No step under the lock leaves the counts half done.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(who).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Guest {
            guests: self.clone(),
            who,
        })
    }

    fn leave(&self, who: K) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&who) {
            *count = count.saturating_sub(1);
        }
        counts.retain(|_, count| *count > 0);
        drop(counts);
    }
}

impl<K> Clone for Guests<K> {
    fn clone(&self) -> Self {
        Self {
            counts: Arc::clone(&self.counts),
        }
    }
}

impl<K> Default for Guests<K> {
    fn default() -> Self {
        Self {
            counts: Arc::default(),
        }
    }
}

impl<K> fmt::Debug for Guests<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guests(…)")
    }
}

/// A place of a caller; free again when it is dropped.
#[derive(Debug)]
pub struct Guest<K: Copy + Eq + Hash> {
    guests: Guests<K>,
    who: K,
}

impl<K: Copy + Eq + Hash> Drop for Guest<K> {
    fn drop(&mut self) {
        self.guests.leave(self.who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_places_and_another_its_own() {
        let guests = Guests::default();
        let first = guests.enter(1, 2).unwrap();
        let _second = guests.enter(1, 2).unwrap();
        assert!(guests.enter(1, 2).is_none());
        assert!(guests.enter(2, 2).is_some());
        drop(first);
        assert!(guests.enter(1, 2).is_some());
    }
}
