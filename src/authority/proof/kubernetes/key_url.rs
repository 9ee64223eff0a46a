//! Public keys that an API server publishes.
//!
//! They are asked for again when they are old, and when a token names one that
//! is not there; but never twice at once, nor more often than makes sense: who
//! shows tokens with names that nobody knows must not make us ask for each.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use tokio::time::Instant;

use crate::authority::proof::kubernetes::error::ClusterError;
use crate::authority::proof::kubernetes::keys::choose;
use crate::authority::proof::kubernetes::server::Server;

#[derive(Debug)]
pub(super) struct KeyUrl {
    known: Mutex<Known>,
    server: Server,
    /// Whoever holds it asks; the others wait for what that one is told.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// When it was last asked, and whether it answered.
    asked: Option<(Instant, bool)>,
    /// What it answered last.
    keys: Option<Arc<JwkSet>>,
    /// When it was last asked for the sake of a key that was not there.
    searched: Option<Instant>,
}

impl KeyUrl {
    pub(super) fn new(server: Server) -> Self {
        Self {
            known: Mutex::default(),
            server,
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn find(
        &self,
        kid: Option<&str>,
    ) -> Result<Option<DecodingKey>, ClusterError> {
        if let Some(key) = self.known().fresh(kid) {
            return Ok(Some(key));
        }
        let _turn = self.turn.lock().await;
        let mut known = self.known().clone();
        // Somebody else had the turn before us, perhaps.
        if let Some(key) = known.fresh(kid) {
            return Ok(Some(key));
        }
        let mut failed = None;
        if known.may_be_asked(Instant::now()) {
            match self.ask().await {
                Ok(keys) => {
                    known.keys = Some(Arc::new(keys));
                    known.asked = Some((Instant::now(), true));
                }
                Err(error) => {
                    known.asked = Some((Instant::now(), false));
                    failed = Some(error);
                }
            }
            *self.known() = known.clone();
        }
        let key = known.keys.as_ref().and_then(|keys| choose(keys, kid));
        match (key, failed, known.asked) {
            (Some(key), failed, _) => {
                if let Some(error) = failed {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "a cluster's keys are those of before");
                }
                Ok(Some(key))
            }
            (None, Some(error), _) => Err(error),
            (None, None, Some((_, true))) => Ok(None),
            (None, None, _) => Err(ClusterError::NotAskedAgain),
        }
    }

    async fn ask(&self) -> Result<JwkSet, ClusterError> {
        let answer = self
            .server
            .ask(None)
            .await
            .map_err(|cause| ClusterError::NotServed { cause })?;
        serde_json::from_slice(&answer).map_err(|cause| ClusterError::BadKeysServed { cause })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The key, if what is known is not too old to be used without asking.
    fn fresh(&self, kid: Option<&str>) -> Option<DecodingKey> {
        let (at, answered) = self.asked?;
        let is_fresh = answered && at.elapsed() < OLD_AFTER;
        self.keys
            .as_ref()
            .filter(|_| is_fresh)
            .and_then(|keys| choose(keys, kid))
    }

    /// Whether to ask, which is then noted.
    fn may_be_asked(&mut self, now: Instant) -> bool {
        match self.asked {
            None => true,
            Some((at, false)) => now.duration_since(at) >= ASK_AGAIN_AFTER,
            Some((at, true)) if now.duration_since(at) >= OLD_AFTER => true,
            // The keys are fresh, and the one that is wanted is not there.
            Some((_, true)) => {
                let may = self
                    .searched
                    .is_none_or(|at| now.duration_since(at) >= SEARCH_AGAIN_AFTER);
                if may {
                    self.searched = Some(now);
                }
                may
            }
        }
    }
}

/// A key that was taken back is believed no longer than this, while the API
/// server answers.
const OLD_AFTER: Duration = Duration::from_secs(300);

/// A new key is published well before anything is signed with it.
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// When it did not answer.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
