//! What the follower has heard, for the source to act upon.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::watch;

use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::enrol::answer::State;
use crate::enrol::kept_revocations;
use crate::identity::Revocations;
use crate::identity::Watchlist;
use crate::jwt::JwtBundles;

/// The newest state, and whether it calls for a new identity.
#[derive(Debug)]
pub(super) struct News {
    latest: watch::Sender<Option<State>>,
    /// Told when the source should look.
    changed: Notify,
    /// Those of the newest state, or while nothing was heard those that were kept.
    revoked: Arc<Watchlist>,
    settings: Arc<Settings>,
}

impl News {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            latest: watch::Sender::default(),
            changed: Notify::default(),
            revoked: Arc::default(),
            settings,
        }
    }

    /// Reads what was kept.
    pub(super) fn recall(&self) -> Result<(), EnrolError> {
        if let Some(folder) = &self.settings.state
            && let Some(kept) = kept_revocations::recall(folder)?
        {
            self.revoked.replace(kept);
        }
        Ok(())
    }

    /// Notes what the authority tells to all. Whatever its version: one whose
    /// database was put back from a copy counts on from there.
    pub(super) fn told(&self, state: State) {
        self.heed(&state.revocations);
        self.latest.send_replace(Some(state));
    }

    /// Notes what came with an answer to us, unless something newer was told
    /// meanwhile. Tells whether it did.
    pub(super) fn answered(&self, state: State) -> bool {
        let revocations = state.revocations.clone();
        let is_newer = self.latest.send_if_modified(|latest| {
            let is_newer = latest
                .as_ref()
                .is_none_or(|latest| latest.version <= state.version);
            if is_newer {
                *latest = Some(state);
            }
            is_newer
        });
        if is_newer {
            self.heed(&revocations);
        }
        is_newer
    }

    /// Whom the authority itself must not be, among others.
    pub(super) const fn revoked(&self) -> &Arc<Watchlist> {
        &self.revoked
    }

    fn heed(&self, next: &Revocations) {
        if self.revoked.replace(next.clone())
            && let Some(folder) = &self.settings.state
            && let Err(error) = kept_revocations::keep(folder, next)
        {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the revocations are not kept for the next start");
        }
    }

    /// The newest state, if anything was heard.
    pub(super) fn latest(&self) -> Option<State> {
        self.latest.borrow().clone()
    }

    /// The newest state, and every change.
    pub(super) fn follow(&self) -> watch::Receiver<Option<State>> {
        self.latest.subscribe()
    }

    /// What tokens are checked with, if anything was heard.
    pub(super) fn keys(&self) -> Option<Arc<JwtBundles>> {
        let latest = self.latest.borrow();
        latest.as_ref().map(|state| Arc::clone(&state.jwt_bundles))
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
