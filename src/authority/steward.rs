//! Keeps what the authority knows up to date.
//!
//! One loop follows the database, the entries' files and the calendar, and
//! writes on the board what workloads must know.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

use crate::audit;
use crate::audit::Decision;
use crate::authority::board::Board;
use crate::authority::board::Notice;
use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::entry_files::read_entries;
use crate::authority::federation;
use crate::authority::groups;
use crate::authority::groups::depend_on_names;
use crate::authority::keyring::Keyring;
use crate::authority::keyring::KeyringError;
use crate::authority::keyring::Keys;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::metrics::Metrics;
use crate::authority::notary::Notary;
use crate::authority::revocation::Revoked;
use crate::id::TrustDomain;
use crate::identity::Identity;
use crate::identity::Live;
use crate::identity::Revocations;
use crate::identity::Watchlist;
use crate::policy::Groups;
use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;
use crate::time::Clock;
use crate::x509::certificates_to_pem;

/// Whoever keeps things up to date.
#[derive(Debug)]
pub(super) struct Steward {
    pub(super) board: Arc<Board>,
    /// Where the roots are written to.
    pub(super) bundle_file: Option<PathBuf>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entries: watch::Sender<Arc<Entries>>,
    /// Whose bundles are told besides our own.
    pub(super) federated: BTreeSet<TrustDomain>,
    pub(super) files: Option<EntryFiles>,
    pub(super) groups: watch::Sender<Arc<Groups>>,
    /// Which version of the database is in force.
    pub(super) in_force: watch::Sender<i64>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) keys: watch::Receiver<Arc<Keys>>,
    pub(super) ledger: Ledger,
    pub(super) log: audit::Shard,
    pub(super) metrics: Metrics,
    pub(super) notary: Notary,
    pub(super) renewal_grace: Duration,
    pub(super) revoked: Arc<Watchlist>,
    pub(super) trust_domain: TrustDomain,
}

/// A folder of entries, and what was last read of it.
#[derive(Debug)]
pub(super) struct EntryFiles {
    pub(super) folder: PathBuf,
    /// How it looked the last time.
    pub(super) looked: Fingerprint,
    pub(super) read: Vec<Arc<Entry>>,
    /// How it looked when it was read.
    pub(super) seen: Fingerprint,
}

impl Steward {
    /// Brings everything up to date once, at the start.
    pub(super) async fn begin(&mut self) -> Result<(), StewardError> {
        federation::forget_others(&self.ledger, &self.federated, &self.log).await?;
        self.update().await
    }

    /// Writes the roots into the file at `path`, now and whenever they change.
    pub(super) fn publish_bundle(&mut self, path: PathBuf) -> Result<(), StoreError> {
        let bundles = Arc::clone(self.keyring.current().bundles());
        let text: String = bundles
            .iter()
            .flat_map(|bundle| bundle.certificates())
            .map(|root| certificates_to_pem([root]))
            .collect();
        let written = store::write_public(&path, text.as_bytes());
        self.bundle_file = Some(path);
        written
    }

    /// Lets a root that has ended while nobody was here make way for the next at
    /// once: nobody believes what it has signed, so nobody has to hear of that first.
    pub(super) async fn replace_ended_root(&mut self) -> Result<(), StewardError> {
        tracing::warn!("the root that signs has ended; every workload must join anew");
        // Prepared, and then activated.
        self.tend_keys().await;
        self.tend_keys().await;
        self.update().await
    }

    /// Lets the policies be signed by whoever `live` says we are, now and from now on.
    pub(super) async fn sign_policies_as(&mut self, live: Arc<Live>) -> Result<(), StewardError> {
        self.notary.live = Some(live);
        self.update().await
    }

    /// Keeps it so, for ever.
    pub(super) async fn run(mut self) {
        let mut versions = self.ledger.database().versions();
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_tended = self.clock.now();
        let database = Arc::clone(self.ledger.database());
        let mut follow = std::pin::pin!(database.follow());
        // What could not be read is read at the next look.
        let mut is_behind = false;
        let mut names = self.notary.live.as_ref().map(|live| live.changed());
        loop {
            let changed = tokio::select! {
                () = changed_in(&mut names) => true,
                () = &mut follow => false,
                changed = versions.changed() => changed.is_ok(),
                _ = looks.tick() => self.read_files(),
            };
            if changed || is_behind {
                let updated = self.update().await;
                is_behind = updated.is_err();
                if let Err(error) = updated {
                    complain(&error);
                }
            }
            let now = self.clock.now();
            let since = now.duration_since(last_tended).unwrap_or(TEND_EVERY);
            if since >= TEND_EVERY {
                last_tended = now;
                self.tend(now).await;
                // Who was named is not for ever.
                is_behind |= depend_on_names(&self.entries.borrow());
            }
        }
    }

    async fn update(&mut self) -> Result<(), StewardError> {
        // Before all that is read: whatever comes later is another version.
        let version = *self.ledger.database().versions().borrow();
        self.keyring.reload().await?;
        let have_keys_changed = self.keys.has_changed().unwrap_or(false);
        self.keys.mark_unchanged();
        if have_keys_changed
            && let Some(path) = self.bundle_file.take()
            && let Err(error) = self.publish_bundle(path)
        {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the roots' file is not brought up to date");
        }
        let from_database = self.ledger.entries(&self.trust_domain).await?;
        let from_files = self
            .files
            .iter()
            .flat_map(|files| files.read.iter().cloned());
        let all = Entries::new(from_files.chain(from_database.into_iter().map(Arc::new)));
        self.metrics.entries.set(count(all.iter().count()));
        // Those of before, if who is in them cannot be read now: who is revoked is
        // told all the same.
        let gathered = groups::gather(&all, &self.ledger).await;
        let groups = match &gathered {
            Ok(groups) => groups.clone(),
            Err(_unread) => Groups::clone(&self.groups.borrow()),
        };
        self.entries.send_replace(Arc::new(all));
        let revocations = self.ledger.revocations().await?;
        let mut revoked = Revocations::default();
        for revocation in &revocations {
            match &revocation.revoked {
                Revoked::Id(id) => revoked.revoke_id(id.clone()),
                Revoked::Serial(_) => {
                    revoked.revoke_serial(revocation.revoked.value().to_owned());
                }
            }
        }
        self.metrics.revocations.set(count(revoked.len()));
        self.revoked.replace(revoked);
        let keys = self.keyring.current();
        self.metrics.root_ends.set(keys.signer_ends_at_s());
        let mut foreign = self.ledger.foreign_bundles().await?;
        foreign.retain(|row| self.federated.contains(row.foreign.bundle.trust_domain()));
        let policy = self.notary.newest().await;
        let notice = Notice {
            foreign: &foreign,
            groups: &groups,
            keys: &keys,
            policy,
            revocations: &revocations,
        };
        self.board.write(version, notice);
        self.tell_groups(groups);
        gathered?;
        self.in_force.send_replace(version);
        Ok(())
    }

    fn tell_groups(&self, next: Groups) {
        self.groups.send_if_modified(|groups| {
            let is_news = **groups != next;
            if is_news {
                *groups = Arc::new(next);
            }
            is_news
        });
    }

    /// Reads the folder again if it has changed, and two looks in a row have seen
    /// the same: a file that is still being written may read as one with fewer
    /// entries, and whom those name would be in no group. Tells whether there is
    /// something new.
    fn read_files(&mut self) -> bool {
        let Some(files) = &mut self.files else {
            return false;
        };
        let seen = Fingerprint::take([&files.folder]);
        let is_settled = seen == files.looked;
        files.looked.clone_from(&seen);
        if seen == files.seen || !is_settled {
            return false;
        }
        files.seen = seen;
        match read_entries(&files.folder, &self.trust_domain) {
            Ok(entries) => {
                tracing::info!(entries = entries.len(), "entries read again");
                files.read = entries.into_iter().map(Arc::new).collect();
                true
            }
            Err(mistakes) => {
                self.metrics.entry_failures.inc();
                for mistake in mistakes {
                    tracing::error!(%mistake, "the entries' files are refused; those of before stay");
                }
                false
            }
        }
    }

    /// What is due by the calendar.
    async fn tend(&self, now: SystemTime) {
        self.tend_keys().await;
        let forgotten = async {
            self.ledger.forget_tokens(now).await?;
            let moment = now.checked_sub(self.renewal_grace).unwrap_or(now);
            self.ledger.forget_issued(moment).await
        };
        if let Err(cause) = forgotten.await {
            complain(&StewardError::Ledger { cause });
        }
    }

    /// Takes the steps that are due, if there is room to record them.
    async fn tend_keys(&self) {
        let most = self.keyring.current().held().len() + 1;
        let rooms: Result<Vec<_>, _> = (0..most).map(|_| self.log.begin()).collect();
        let rooms = match rooms {
            Ok(rooms) => rooms,
            Err(error) => {
                tracing::error!(%error, "the signing keys are not looked at");
                return;
            }
        };
        let (steps, outcome) = self.keyring.tend().await;
        for (step, room) in steps.into_iter().zip(rooms) {
            let mut event = room.event(step.as_str());
            event.fact("operator", "calendar");
            event.end(Decision::Permit, None);
        }
        if let Err(cause) = outcome {
            complain(&StewardError::Keyring { cause });
        }
    }
}

/// Why what is known could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum StewardError {
    /// The signing keys cannot be used.
    #[error("the signing keys cannot be used")]
    Keyring {
        /// Why not.
        #[source]
        cause: KeyringError,
    },
    /// The database gave no answer that can be used.
    #[error("the database gave no answer that can be used")]
    Ledger {
        /// Why not.
        #[source]
        cause: LedgerError,
    },
}

impl From<KeyringError> for StewardError {
    fn from(cause: KeyringError) -> Self {
        Self::Keyring { cause }
    }
}

impl From<LedgerError> for StewardError {
    fn from(cause: LedgerError) -> Self {
        Self::Ledger { cause }
    }
}

/// Ends when there is another identity; never without one.
async fn changed_in(names: &mut Option<watch::Receiver<Arc<Identity>>>) {
    if let Some(names) = names
        && names.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn complain(error: &StewardError) {
    let error: &dyn std::error::Error = error;
    tracing::error!(error, "not brought up to date; what was known before stays");
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How soon an edited file of entries takes effect, twice.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Nothing that is due by the calendar is more urgent.
const TEND_EVERY: Duration = Duration::from_secs(60);
