//! All sessions, for all threads.
//!
//! It is complete: what the store has is here, at the latest when other sidecars'
//! changes have been followed. So whoever shows an id that is not here is told
//! from a stranger by one look at what changed, for any number of them at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use tokio::sync::watch;

use crate::session::id::Digest;
use crate::session::live::Seeing;
use crate::session::live::Session;
use crate::session::live::Sight;
use crate::session::why::Why;

/// All sessions that are in force, and those that were a moment ago.
#[derive(Debug)]
pub struct Board {
    table: RwLock<HashMap<Digest, Arc<Session>, foldhash::quality::RandomState>>,
    sight: Arc<Sight>,
}

impl Board {
    pub(super) fn new(sight: Arc<Sight>) -> Self {
        Self {
            table: RwLock::default(),
            sight,
        }
    }

    /// The session, as the provider last spoke of it; also if it is over. Takes
    /// a lock: a worker asks its [`Desk`](crate::session::Desk) instead.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<Arc<Session>> {
        // A panic elsewhere cannot leave half an entry.
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.get(digest).map(Arc::clone)
    }

    /// How often something changed that may end what is in flight: a session
    /// ended, was renewed, or can no longer be believed.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.sight.generation()
    }

    /// Tells of each such change after this call.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.sight.changed()
    }

    /// Every one, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().map(Arc::clone).collect()
    }

    /// Takes `session` in, unless what is there is newer.
    pub(super) fn put(&self, session: Session) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let digest = session.digest();
        let old = table.get(&digest).map(Arc::clone);
        if old
            .as_ref()
            .is_some_and(|old| old.version() >= session.version())
        {
            return;
        }
        table.insert(digest, Arc::new(session));
        drop(table);
        // Told after the table: who looks again finds the new one.
        if let Some(old) = old {
            old.is_replaced();
            self.tell();
        }
    }

    /// Ends it now, in this process; the store is to be told.
    pub(super) fn end(&self, digest: &Digest, why: Why) {
        if let Some(session) = self.find(digest)
            && session.life().over().is_none()
        {
            session.life().end(why);
            self.tell();
        }
    }

    /// It is over, and the store knows.
    pub(super) fn has_ended(&self, digest: &Digest, why: Why) {
        if let Some(session) = self.find(digest) {
            let was_live = session.life().over().is_none();
            session.life().has_ended(why);
            if was_live {
                self.tell();
            }
        }
    }

    /// Keeps those of which `keep` says so.
    pub(super) fn retain(&self, keep: impl Fn(&Session) -> bool) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, session| keep(session));
    }

    /// Whether we still learn of ends.
    pub(super) fn see(&self, sight: Seeing) {
        if self.sight.see(sight) {
            self.tell();
        }
    }

    pub(super) fn is_blind(&self) -> bool {
        self.sight.is_blind()
    }

    /// Something changed that may end what is in flight.
    pub(super) fn tell(&self) {
        self.sight.tell();
    }
}
