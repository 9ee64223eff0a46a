//! How many connections each user has, so that none takes them all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Counts by user. Clones share one count.
#[derive(Clone, Default)]
pub(super) struct Guests {
    by_user: Arc<Mutex<HashMap<u32, usize>>>,
}

impl Guests {
    /// A place for the user `uid`, unless it has `most`.
    pub(super) fn enter(&self, uid: u32, most: usize) -> Option<Guest> {
        // No step under the lock leaves the counts half done.
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_user.entry(uid).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(by_user);
        Some(Guest {
            guests: self.clone(),
            uid,
        })
    }

    fn leave(&self, uid: u32) {
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_user.get_mut(&uid) {
            *count = count.saturating_sub(1);
        }
        by_user.retain(|_, count| *count > 0);
        drop(by_user);
    }
}

/// A place of a user; free again when it is dropped.
pub(super) struct Guest {
    guests: Guests,
    uid: u32,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.leave(self.uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_places_and_another_its_own() {
        let guests = Guests::default();
        let first = guests.enter(1, 2).unwrap();
        let _second = guests.enter(1, 2).unwrap();
        assert!(guests.enter(1, 2).is_none());
        assert!(guests.enter(2, 2).is_some());
        drop(first);
        assert!(guests.enter(1, 2).is_some());
    }
}
