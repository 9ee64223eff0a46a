//! Publishes the policies of a folder.
//!
//! The folder is read whole, checked against the words that the configuration
//! declares, and published or refused: a set with a mistake reaches nobody. Of
//! several authorities the one publishes whose folder changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::audit;
use crate::audit::Decision;
use crate::audit::Event;
use crate::authority::entry_files::read_entries;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::NewPolicy;
use crate::authority::metrics::Metrics;
use crate::authority::policy_status::PolicyStatus;
use crate::authority::settings::PolicySettings;
use crate::authority::settings::Settings;
use crate::policy;
use crate::policy::Document;
use crate::policy::GroupName;
use crate::policy::Groups;
use crate::policy::Mistake;
use crate::policy::Revision;
use crate::policy::Severity;
use crate::store;
use crate::store::Fingerprint;
use crate::time::Clock;

/// Whoever publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) clock: Arc<dyn Clock>,
    /// The groups that entries have: policies may name them.
    pub(super) groups: watch::Receiver<Arc<Groups>>,
    /// Whether what is in the folder could be neither published nor refused.
    pub(super) is_behind: bool,
    pub(super) ledger: Ledger,
    pub(super) log: audit::Shard,
    pub(super) metrics: Metrics,
    /// What was read last.
    pub(super) seen: Option<Fingerprint>,
    pub(super) settings: PolicySettings,
    pub(super) status: watch::Sender<PolicyStatus>,
}

/// A set without mistakes, to be published.
#[derive(Debug)]
struct Checked {
    revision: Revision,
    text: String,
    warnings: Vec<Mistake>,
}

impl Publisher {
    /// Reads the folder once, at the start.
    pub(super) async fn begin(&mut self) {
        self.groups.mark_unchanged();
        self.read().await;
    }

    /// Reads it whenever it has changed, for ever.
    ///
    /// What changed is read when two looks in a row see the same, and what was
    /// refused now and then, and when there are other groups: the reason may be
    /// over. A set that was good is not published again for that: meanwhile
    /// another authority may have published its own.
    pub(super) async fn run(mut self) {
        let mut before = self.seen.clone();
        let mut tried = Instant::now();
        let mut names = self.names();
        loop {
            let due = tokio::select! {
                () = sleep(LOOK_EVERY) => {
                    let now = Some(Fingerprint::take([&self.settings.dir]));
                    let has_changed = now == before && now != self.seen;
                    before = now;
                    let is_refused = self.status.borrow().trouble.is_some();
                    has_changed
                        || (self.is_behind && tried.elapsed() >= CATCH_UP_AFTER)
                        || (is_refused && tried.elapsed() >= TRY_AGAIN_AFTER)
                }
                Ok(()) = self.groups.changed() => {
                    let now = self.names();
                    let has_others = now != names;
                    names = now;
                    has_others && self.status.borrow().trouble.is_some()
                }
            };
            if due {
                self.read().await;
                tried = Instant::now();
            }
        }
    }

    fn names(&self) -> BTreeSet<GroupName> {
        self.groups.borrow().keys().cloned().collect()
    }

    async fn read(&mut self) {
        // Looked at before it is read: a change during the reading is seen by the next look.
        self.seen = Some(Fingerprint::take([&self.settings.dir]));
        self.is_behind = true;
        let settings = self.settings.clone();
        let groups = Arc::clone(&self.groups.borrow());
        // A large set takes seconds.
        let checking = tokio::task::spawn_blocking(move || check(&settings, &groups));
        let Ok(checked) = checking.await else {
            tracing::error!("checking the policies failed; those that are published stay");
            return;
        };
        self.is_behind = match checked {
            Ok(checked) => self.publish(checked).await.is_none(),
            Err(mistakes) => self.refuse(&mistakes).is_none(),
        };
    }

    /// Nothing if it could not be done, and is to be tried again.
    async fn publish(&self, checked: Checked) -> Option<()> {
        let room = self.room()?;
        let digest = Document::digest(&checked.text);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let policy = NewPolicy {
            revision: checked.revision.as_str(),
            digest: &digest,
            document: &checked.text,
            by: &host_name(),
            now: self.clock.now(),
        };
        match self.ledger.publish_policy(policy).await {
            Ok(Some(version)) => {
                let mut event = room.event(EVENT);
                event.fact("operator", "folder");
                event.fact("version", version.to_string());
                event.fact("revision", checked.revision.as_str().to_owned());
                event.end(Decision::Permit, None);
                let revision = checked.revision.short();
                tracing::info!(version, revision, "the policies are published");
                for warning in &checked.warnings {
                    tracing::warn!(%warning, "the policies may not say what was meant");
                }
            }
            // The newest are these, whoever has published them.
            Ok(None) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the policies are not published yet");
                return None;
            }
        }
        self.status.send_modify(|status| status.trouble = None);
        Some(())
    }

    /// The same, for a set that is not to be published.
    fn refuse(&self, mistakes: &[Mistake]) -> Option<()> {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let reason = lines.join("\n");
        let known = self.status.borrow().trouble.clone();
        if known.is_some_and(|(known, _)| known == reason) {
            return Some(());
        }
        let mut event: Event = self.room()?.event(EVENT);
        event.fact("operator", "folder");
        event.end(Decision::Refuse, lines.first().map(String::as_str));
        self.metrics.policy_failures.inc();
        for mistake in &lines {
            tracing::error!(
                mistake,
                "the policies are refused; those that are published stay"
            );
        }
        let since = self.clock.now();
        self.status
            .send_modify(|status| status.trouble = Some((reason, since)));
        Some(())
    }

    fn room(&self) -> Option<audit::Room> {
        self.log
            .begin()
            .inspect_err(|error| tracing::error!(%error, "the policies are not published yet"))
            .ok()
    }
}

/// Everything that is wrong with the policies that `settings` name, without
/// asking the database: what `portreeve authority check` says. Beside a set
/// without errors come the warnings; nothing where there is no folder.
#[must_use]
pub fn look_at_policies(settings: &Settings) -> Option<Result<Vec<Mistake>, Vec<Mistake>>> {
    let policy = settings.policy.as_ref()?;
    let folder = settings.entries.as_ref();
    let entries = folder.and_then(|folder| read_entries(folder, &settings.trust_domain).ok());
    let mut groups = Groups::new();
    for name in entries.iter().flatten().flat_map(|entry| &entry.groups) {
        groups.entry(name.clone()).or_default();
    }
    // An operator may have made others while the authority ran.
    let mut warnings = Vec::new();
    for name in policy::Settings::as_named_in(&policy.dir)
        .workload_groups
        .into_keys()
    {
        if !groups.contains_key(&name) && !policy.words.workload_groups.contains_key(&name) {
            let text = format!(
                "group `{name}` is in no file of entries: is it that of an entry made with `entry create`?"
            );
            warnings.push(in_folder(&policy.dir, Severity::Warning, text));
            groups.entry(name).or_default();
        }
    }
    Some(check(policy, &groups).map(|checked| {
        warnings.extend(checked.warnings);
        warnings
    }))
}

fn check(settings: &PolicySettings, groups: &Groups) -> Result<Checked, Vec<Mistake>> {
    let mut document = Document::load(&settings.dir, &settings.words)?;
    document.know_groups(groups);
    let mut words = document.settings().clone();
    words.trust_domains = settings.words.trust_domains.clone();
    let (policy, warnings) = document.compile(&words)?;
    let text = document.to_text();
    if text.len() > Document::MAX_BYTES {
        let text = format!(
            "has {} bytes as it is given out, more than {}",
            text.len(),
            Document::MAX_BYTES
        );
        return Err(vec![in_folder(&settings.dir, Severity::Error, text)]);
    }
    Ok(Checked {
        revision: policy.revision().clone(),
        text,
        warnings,
    })
}

fn in_folder(dir: &Path, severity: Severity, text: String) -> Mistake {
    Mistake {
        file: dir.display().to_string(),
        line: 0,
        column: 0,
        severity,
        text,
    }
}

/// What this machine calls itself, for people who look for whose folder it was.
fn host_name() -> String {
    let name = store::read(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim().to_owned()
}

/// What records call it.
const EVENT: &str = "policy_publish";

/// How soon an edited policy takes effect, twice.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The log, or the database, has room again sooner or later; until then a set
/// is checked each time.
const CATCH_UP_AFTER: Duration = Duration::from_secs(2);

/// Reading a large set takes seconds of a core.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);
