//! Policies from a folder of our own, and who is in their groups from a file.

use std::path::Path;
use std::path::PathBuf;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::policies::Good;
use crate::app::policies::Policies;
use crate::app::policies::PolicyMistakes;
use crate::app::policies::warn;
use crate::app::policy_files::Changed;
use crate::app::policy_files::LOOK_EVERY;
use crate::app::policy_files::PolicyFiles;
use crate::app::policy_files::TRY_AGAIN_AFTER;
use crate::policy::Groups;
use crate::policy::Policy;
use crate::policy::Settings;

/// A folder of policies, and what was read of it last.
#[derive(Debug)]
pub(super) struct PolicyFolder {
    dir: PathBuf,
    files: PolicyFiles,
    settings: Settings,
}

impl PolicyFolder {
    pub(super) fn new(dir: PathBuf, settings: Settings) -> Self {
        Self {
            files: PolicyFiles::new(Some(dir.clone()), &settings),
            dir,
            settings,
        }
    }

    /// Looks whether the set could be good, before anybody is asked for anything:
    /// groups that we do not know may yet be told.
    pub(super) fn look(&self) -> Result<(), PolicyMistakes> {
        let mut settings = self.settings.clone();
        settings.add_groups(&Settings::as_named_in(&self.dir).workload_groups);
        load(&self.dir, &settings).map(drop)
    }

    /// The set that is there, if it is good with the groups that are `told`.
    pub(super) fn load(&self, told: &Groups) -> Result<Good, PolicyMistakes> {
        self.files.see(self.files.look());
        let mut settings = self.settings.clone();
        settings.add_groups(told);
        let policy = load(&self.dir, &settings)?;
        Ok(self.good(policy))
    }

    /// Looks at the folder for ever, and at once when `asked`.
    pub(super) async fn watch(&self, policies: &Policies, asked: &Notify) {
        let mut before = self.files.seen();
        let mut tried = Instant::now();
        loop {
            let due = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => match self.files.changed(&mut before) {
                    Some(Changed::Signals) if !policies.is_refused() => {
                        self.files.reload_signals(policies).await;
                        continue;
                    }
                    Some(_) => true,
                    None => policies.is_refused() && tried.elapsed() >= TRY_AGAIN_AFTER,
                },
                () = asked.notified() => true,
                () = policies.may_be_good_now() => true,
            };
            if due {
                self.reload(policies).await;
                tried = Instant::now();
            }
        }
    }

    /// Loads what is in the folder now. A large set takes seconds, so that is
    /// another thread's work.
    async fn reload(&self, policies: &Policies) {
        let seen = self.files.look();
        let (dir, mut settings) = (self.dir.clone(), self.settings.clone());
        settings.add_groups(&policies.told_groups());
        let loading = tokio::task::spawn_blocking(move || load(&dir, &settings));
        let Ok(loaded) = loading.await else {
            tracing::error!("reading the policy failed; the last good one stays");
            return;
        };
        self.files.see(seen);
        match loaded {
            Ok(policy) => policies.accept(self.good(policy)),
            Err(mistakes) => policies.refuse(&mistakes),
        }
    }

    fn good(&self, policy: Policy) -> Good {
        Good {
            declared: self.settings.workload_groups.clone(),
            policy,
            version: None,
        }
    }
}

fn load(dir: &Path, settings: &Settings) -> Result<Policy, PolicyMistakes> {
    let loaded = Policy::load(dir, settings);
    let (policy, warnings) = loaded.map_err(|mistakes| PolicyMistakes { mistakes })?;
    warn(&warnings);
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policy::Metrics;
    use crate::policy::Signals;
    use crate::time::SystemClock;

    /// Waits until other values of signals are in force.
    async fn changed(policies: &Policies, before: &Signals) {
        while policies.current().load().signals() == before {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn other_values_of_signals_are_in_force_without_a_new_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("signals.yaml");
        let write = |risk: &str| {
            let line = format!("spiffe://td/a: {{ risk: {risk} }}");
            std::fs::write(&file, line).unwrap();
        };
        write("1");
        let settings = Settings {
            signals: [("risk".parse().unwrap(), crate::policy::SignalType::Long)].into(),
            signals_file: Some(file.clone()),
            ..Settings::default()
        };
        let set = tempfile::tempdir().unwrap();
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let folder = PolicyFolder::new(set.path().to_owned(), settings);
        let first = folder.load(&Groups::new()).unwrap();
        let policies = Policies::new(first, None, Arc::new(SystemClock), metrics);
        let asked = Notify::new();
        let steps = async {
            let first = policies.current().load().signals().clone();
            write("22");
            changed(&policies, &first).await;
            let generation = policies.current().generation();
            write("much");
            while !policies.is_refused() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            assert_eq!(policies.current().generation(), generation);
            let second = policies.current().load().signals().clone();
            write("333");
            changed(&policies, &second).await;
            assert!(!policies.is_refused());
        };
        tokio::select! {
            () = folder.watch(&policies, &asked) => {}
            () = steps => {}
            () = tokio::time::sleep(2 * TRY_AGAIN_AFTER) => panic!("nothing was read"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_could_not_be_read_is_read_again_though_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        let write = |id: &str| {
            let text = format!("@id(\"{id}\") permit (principal, action, resource);");
            std::fs::write(dir.path().join("a.cedar"), text).unwrap();
        };
        write("before");
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let folder = PolicyFolder::new(dir.path().to_owned(), Settings::default());
        let first = folder.load(&Groups::new()).unwrap();
        let policies = Policies::new(first, None, Arc::new(SystemClock), metrics);
        let before = policies.current().load().revision().as_str().to_owned();
        // As if the system had let nobody open the file.
        write("after");
        folder.files.see(folder.files.look());
        policies.refuse(&std::io::Error::other("Too many open files"));
        let changed = async {
            while policies.current().load().revision().as_str() == before {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let asked = Notify::new();
        tokio::select! {
            () = folder.watch(&policies, &asked) => {}
            () = changed => {}
            () = tokio::time::sleep(2 * TRY_AGAIN_AFTER) => panic!("it was not read again"),
        }
    }
}
