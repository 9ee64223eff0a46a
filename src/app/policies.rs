//! Keeps the policy in force up to date with its folder.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::admin;
use crate::policy::Current;
use crate::policy::Metrics;
use crate::policy::Mistake;
use crate::policy::Policy;
use crate::policy::Settings;
use crate::store::Fingerprint;
use crate::time::Clock;

/// The policy's keeper. A set with a mistake never takes effect; the last good one stays.
#[derive(Debug)]
pub(super) struct Policies {
    clock: Arc<dyn Clock>,
    current: Arc<Current>,
    dir: PathBuf,
    metrics: Metrics,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
struct State {
    last_error: Option<admin::Trouble>,
    loaded_at: SystemTime,
    seen: Fingerprint,
}

impl Policies {
    /// Loads the first set, without which nothing starts.
    pub(super) fn open(
        dir: PathBuf,
        settings: Settings,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, PolicyMistakes> {
        let seen = Fingerprint::take([&dir]);
        let (policy, warnings) =
            Policy::load(&dir, &settings).map_err(|mistakes| PolicyMistakes { mistakes })?;
        warn(&warnings);
        metrics.loaded(&policy);
        let state = Mutex::new(State {
            last_error: None,
            loaded_at: clock.now(),
            seen,
        });
        Ok(Self {
            clock,
            current: Arc::new(Current::new(policy)),
            dir,
            metrics,
            settings,
            state,
        })
    }

    pub(super) const fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// How it is, for the operator.
    pub(super) fn status(&self) -> admin::Policy {
        let state = self.state();
        admin::Policy {
            revision: self.current.load().revision().as_str().to_owned(),
            loaded_at: state.loaded_at,
            last_error: state.last_error,
        }
    }

    /// Looks at the folder for ever, and at once when `asked`.
    ///
    /// What changed is read when two looks in a row see the same: a file that
    /// is still being written may read as a whole one with less in it. What was
    /// refused is read again now and then, because the reason may have been a
    /// want of descriptors or memory that is over.
    pub(super) async fn watch(&self, asked: &Notify) {
        let mut before = self.state().seen;
        let mut tried = Instant::now();
        loop {
            let due = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let now = Fingerprint::take([&self.dir]);
                    let state = self.state();
                    let changed = now == before && now != state.seen;
                    before = now;
                    changed || (state.last_error.is_some() && tried.elapsed() >= TRY_AGAIN_AFTER)
                }
                () = asked.notified() => true,
            };
            if due {
                self.reload().await;
                tried = Instant::now();
            }
        }
    }

    /// Loads what is in the folder now. A large set takes seconds, so that is
    /// another thread's work.
    async fn reload(&self) {
        // Looked at before it is read: a change during the reading is seen by the next look.
        let seen = Fingerprint::take([&self.dir]);
        let mut state = State {
            seen,
            ..self.state()
        };
        let (dir, settings) = (self.dir.clone(), self.settings.clone());
        let loading = tokio::task::spawn_blocking(move || Policy::load(&dir, &settings));
        let Ok(loaded) = loading.await else {
            tracing::error!("reading the policy failed; the last good one stays");
            return;
        };
        match loaded {
            Ok((policy, warnings)) => {
                warn(&warnings);
                state.last_error = None;
                if policy.revision() != self.current.load().revision() {
                    tracing::info!(revision = policy.revision().short(), "the policy changed");
                    self.metrics.loaded(&policy);
                    self.current.replace(policy);
                    state.loaded_at = self.clock.now();
                }
            }
            Err(mistakes) => {
                let mistakes = PolicyMistakes { mistakes };
                self.metrics.refused();
                let reason = mistakes.to_string();
                let known = state.last_error.take();
                state.last_error = known.filter(|known| known.reason == reason).or_else(|| {
                    tracing::error!(%mistakes, "the policy is refused; the last good one stays");
                    let since = self.clock.now();
                    Some(admin::Trouble { reason, since })
                });
            }
        }
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn warn(warnings: &[Mistake]) {
    for warning in warnings {
        tracing::warn!(%warning, "the policy may not say what was meant");
    }
}

/// Everything that is wrong with a policy set.
#[derive(Debug, thiserror::Error)]
pub struct PolicyMistakes {
    /// In the order of the text.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for PolicyMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Soon enough that one file dropped into the folder works within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Reading a large set takes seconds of a core.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemClock;

    #[tokio::test(start_paused = true)]
    async fn a_set_that_could_not_be_read_is_read_again_though_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        let write = |id: &str| {
            let text = format!("@id(\"{id}\") permit (principal, action, resource);");
            std::fs::write(dir.path().join("a.cedar"), text).unwrap();
        };
        write("before");
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let path = dir.path().to_owned();
        let clock = Arc::new(SystemClock);
        let policies = Policies::open(path, Settings::default(), clock, metrics).unwrap();
        let before = policies.current().load().revision().as_str().to_owned();
        // As if the system had let nobody open the file.
        write("after");
        {
            let mut state = policies.state.lock().unwrap();
            state.seen = Fingerprint::take([dir.path()]);
            state.last_error = Some(admin::Trouble {
                reason: "cannot be read: Too many open files".to_owned(),
                since: SystemTime::UNIX_EPOCH,
            });
        }
        let changed = async {
            while policies.current().load().revision().as_str() == before {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let asked = Notify::new();
        tokio::select! {
            () = policies.watch(&asked) => {}
            () = changed => {}
            () = tokio::time::sleep(2 * TRY_AGAIN_AFTER) => panic!("it was not read again"),
        }
    }
}
