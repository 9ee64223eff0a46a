//! What the follower has heard, for the source to act upon.

use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::enrol::answer::State;

/// The newest state, and whether it calls for a new identity.
#[derive(Debug, Default)]
pub(super) struct News {
    latest: Mutex<Option<State>>,
    /// Told when the source should look.
    changed: Notify,
}

impl News {
    /// Notes what the authority tells to all. Whatever its version: one whose
    /// database was put back from a copy counts on from there.
    pub(super) fn told(&self, state: State) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    /// Notes what came with an answer to us, unless something newer was told
    /// meanwhile. Tells whether it did.
    pub(super) fn answered(&self, state: State) -> bool {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = latest
            .as_ref()
            .is_none_or(|latest| latest.version <= state.version);
        if is_news {
            *latest = Some(state);
        }
        is_news
    }

    /// The newest state, if anything was heard.
    pub(super) fn latest(&self) -> Option<State> {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells the source to fetch.
    pub(super) fn call_for_fetch(&self) {
        self.changed.notify_one();
    }

    /// Ends when the source should fetch. A call is not lost if nobody waits.
    pub(super) async fn called(&self) {
        self.changed.notified().await;
    }
}
