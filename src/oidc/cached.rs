//! What a provider said last, while it is good.
//!
//! It is asked for again when it is old, never twice at once, nor more often
//! than makes sense: who shows tokens with names of keys that nobody knows must
//! not make us ask for each.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::oidc::error::ProviderError;

/// An answer that is kept.
#[derive(Debug)]
pub(super) struct Cached<T> {
    known: Mutex<Known<T>>,
    old_after: Duration,
    /// Whoever holds it asks; the others wait for what that one is told.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known<T> {
    /// When it was last asked for in vain, and why, in a word.
    failed: Option<(Instant, &'static str)>,
    /// What was answered last, and when.
    good: Option<(Instant, Arc<T>)>,
    /// When it was last asked for because something was not in it.
    searched: Option<Instant>,
}

impl<T> Cached<T> {
    /// One that is asked for again when it is older than `old_after`.
    pub(super) const fn new(old_after: Duration) -> Self {
        Self {
            known: Mutex::new(Known {
                failed: None,
                good: None,
                searched: None,
            }),
            old_after,
            turn: tokio::sync::Mutex::const_new(()),
        }
    }

    /// What is known, from `asked` if it is old. While that fails, the last
    /// good one, for [`KEPT_FOR`].
    pub(super) async fn get(
        &self,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _turn = self.turn.lock().await;
        // Somebody else had the turn before us, perhaps.
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let failed = self.known().failed;
        let outcome = match failed {
            Some((at, reason)) if at.elapsed() < ASK_AGAIN_AFTER => {
                Err(ProviderError::NotAskedAgain { reason })
            }
            _ => self.ask(asked).await,
        };
        outcome.or_else(|error| match self.last_good() {
            Some(good) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "what a provider says of itself is that of before");
                Ok(good)
            }
            None => Err(error),
        })
    }

    /// Something newer than `seen`, in which something was not found: what
    /// somebody else was told since, or from `asked`. None: it was asked not
    /// long ago for the same reason.
    pub(super) async fn newer(
        &self,
        seen: &Arc<T>,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<Option<Arc<T>>, ProviderError> {
        let _turn = self.turn.lock().await;
        let now = Instant::now();
        {
            let mut known = self.known();
            if let Some((_, good)) = &known.good
                && !Arc::ptr_eq(good, seen)
            {
                return Ok(Some(Arc::clone(good)));
            }
            let lately = |at| now.duration_since(at) < SEARCH_AGAIN_AFTER;
            if known.searched.is_some_and(lately) {
                return Ok(None);
            }
            known.searched = Some(now);
        }
        self.ask(asked).await.map(Some)
    }

    async fn ask(
        &self,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        let outcome = asked.await;
        let now = Instant::now();
        match outcome {
            Ok(answer) => {
                let answer = Arc::new(answer);
                let mut known = self.known();
                known.good = Some((now, Arc::clone(&answer)));
                known.failed = None;
                drop(known);
                Ok(answer)
            }
            Err(error) => {
                self.known().failed = Some((now, error.reason()));
                Err(error)
            }
        }
    }

    fn fresh(&self) -> Option<Arc<T>> {
        self.younger_than(self.old_after)
    }

    fn last_good(&self) -> Option<Arc<T>> {
        self.younger_than(KEPT_FOR)
    }

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        let (at, good) = self.known().good.clone()?;
        (at.elapsed() < age).then_some(good)
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outage of a day is no reason to lock everybody out; a key that was taken
/// back while nobody answered is believed no longer.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// A new key is published well before anything is signed with it.
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// When it did not answer.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);
