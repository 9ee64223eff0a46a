//! What the authority tells of policies: sets and groups.
//!
//! A set is believed for its signature, whoever has brought it: the authority
//! or our own folder. Whoever puts sets in force says so, and only what was in
//! force is kept.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::watch;

use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::enrol::kept_policy;
use crate::enrol::news::News;
use crate::enrol::signed_policy::SignedPolicy;
use crate::enrol::signed_policy::SignedPolicyError;
use crate::policy::Document;
use crate::policy::Groups;
use crate::rpc::authority as rpc;
use crate::time::Clock;
use crate::x509::Bundles;

/// What is told of policies, for whoever puts them in force.
#[derive(Debug)]
pub struct Bulletin {
    clock: Arc<dyn Clock>,
    groups: watch::Sender<Arc<Groups>>,
    /// The document that came last, which is not sent again.
    held: Mutex<Option<Held>>,
    /// The version of the set in force; 0 for none.
    in_force: AtomicU64,
    /// Whether the groups were told, or kept: if not, that nobody is in one means nothing.
    knows_groups: AtomicBool,
    /// What was kept, as it was read.
    kept: Mutex<Option<Result<rpc::PolicySet, EnrolError>>>,
    news: Arc<News>,
    set: watch::Sender<Heard>,
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Held {
    digest: Vec<u8>,
    document: Bytes,
}

/// What was told of policy sets.
#[derive(Clone, Debug, Default)]
pub enum Heard {
    /// A set that is signed.
    Believed {
        /// The set.
        set: Arc<SignedPolicy>,
        /// Whether the authority has stuck to it though it is older than the
        /// one in force.
        insists: bool,
    },
    /// That the authority has none.
    None,
    /// A set that is not to be believed.
    Refused {
        /// Which it says to be.
        version: u64,
        /// Why not.
        cause: Arc<SignedPolicyError>,
    },
    /// Nothing yet.
    #[default]
    Unheard,
}

impl Bulletin {
    pub(super) fn new(settings: Arc<Settings>, news: Arc<News>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            groups: watch::Sender::default(),
            held: Mutex::default(),
            in_force: AtomicU64::new(0),
            knows_groups: AtomicBool::new(false),
            kept: Mutex::default(),
            news,
            set: watch::Sender::default(),
            settings,
        }
    }

    /// The groups that entries have, and every change of them.
    #[must_use]
    pub fn groups(&self) -> watch::Receiver<Arc<Groups>> {
        self.groups.subscribe()
    }

    /// What was told last of policy sets, and whatever is told next.
    #[must_use]
    pub fn sets(&self) -> watch::Receiver<Heard> {
        self.set.subscribe()
    }

    /// The set that was kept, if `bundles` vouch for it; nothing where none was.
    ///
    /// # Errors
    ///
    /// [`EnrolError::KeptPolicy`] if what was kept is not what the authority has signed,
    /// [`EnrolError::KeptGroupsGone`] if it was kept without the groups.
    pub fn kept(&self, bundles: &Bundles) -> Result<Option<Arc<SignedPolicy>>, EnrolError> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(told) = kept.transpose()? else {
            return Ok(None);
        };
        if !self.knows_groups.load(Ordering::Relaxed) {
            return Err(self.settings.kept_groups_gone());
        }
        let set = self.read(told, bundles);
        set.map(|set| Some(Arc::new(set)))
            .map_err(|cause| self.settings.bad_kept_policy(cause))
    }

    fn read(
        &self,
        told: rpc::PolicySet,
        bundles: &Bundles,
    ) -> Result<SignedPolicy, SignedPolicyError> {
        let revoked = self.news.revoked().current();
        let signer = &self.settings.authority_id;
        SignedPolicy::read(told, signer, bundles, &revoked, self.clock.now())
    }

    /// Notes that `set` is in force, and keeps it for the next start. Blocks on the disk.
    pub fn in_force(&self, set: &SignedPolicy) {
        self.in_force.store(set.version(), Ordering::Relaxed);
        if let Some(folder) = &self.settings.state
            && let Err(error) = kept_policy::keep(folder, set.as_told())
        {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the policy set is not kept for the next start");
        }
    }

    /// Reads what was kept.
    pub(super) fn recall(&self) -> Result<(), EnrolError> {
        let Some(folder) = &self.settings.state else {
            return Ok(());
        };
        if let Some(groups) = kept_policy::recall_groups(folder)? {
            self.groups.send_replace(Arc::new(groups));
            self.knows_groups.store(true, Ordering::Relaxed);
        }
        if self.settings.wants_policies {
            let kept = kept_policy::recall(folder).transpose();
            if let Some(Ok(set)) = &kept {
                self.hold(set);
            }
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        }
        Ok(())
    }

    /// What is to be said when states are asked for.
    pub(super) fn wish(&self) -> Option<rpc::PolicyWish> {
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        self.settings.wants_policies.then(|| rpc::PolicyWish {
            known_digest: held.map(|held| held.digest).unwrap_or_default(),
        })
    }

    /// Notes who is in which group. That nobody is, is kept as well.
    pub(super) fn hear_groups(&self, next: Groups) {
        let is_news = self.groups.send_if_modified(|groups| {
            let is_news = **groups != next;
            if is_news {
                *groups = Arc::new(next);
            }
            is_news
        });
        let were_known = self.knows_groups.swap(true, Ordering::Relaxed);
        if (is_news || !were_known)
            && let Some(folder) = &self.settings.state
            && let Err(error) = kept_policy::keep_groups(folder, &self.groups.borrow())
        {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the groups are not kept for the next start");
        }
    }

    /// Notes a set that was told, or that there is none. Gives it back if it is
    /// older than the one in force: then whoever listens waits whether the
    /// authority sticks to it.
    pub(super) fn hear(
        &self,
        told: Option<rpc::PolicySet>,
        bundles: &Bundles,
    ) -> Option<SignedPolicy> {
        if !self.settings.wants_policies {
            return None;
        }
        let Some(mut told) = told else {
            self.set.send_replace(Heard::None);
            return None;
        };
        self.complete(&mut told);
        let version = told.version;
        let is_older = version < self.in_force.load(Ordering::Relaxed);
        if !is_older && self.is_known(&told) {
            return None;
        }
        match self.read(told, bundles) {
            Ok(set) if is_older => return Some(set),
            Ok(set) => {
                let set = Arc::new(set);
                let insists = false;
                self.set.send_replace(Heard::Believed { set, insists });
            }
            Err(cause) => {
                let cause = Arc::new(cause);
                self.set.send_replace(Heard::Refused { version, cause });
            }
        }
        None
    }

    /// Notes that the authority sticks to an older set.
    pub(super) fn insist(&self, set: SignedPolicy) {
        let set = Arc::new(set);
        let insists = true;
        self.set.send_replace(Heard::Believed { set, insists });
    }

    /// Whether it is what was told last, which was looked at then.
    fn is_known(&self, told: &rpc::PolicySet) -> bool {
        match &*self.set.borrow() {
            Heard::Believed { set, .. } => set.as_told() == told,
            Heard::None | Heard::Refused { .. } | Heard::Unheard => false,
        }
    }

    /// Puts in a document that was left out because we have it.
    fn complete(&self, told: &mut rpc::PolicySet) {
        if told.document.is_empty() {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(held) = held.as_ref().filter(|held| held.digest == told.digest) {
                told.document = held.document.clone();
            }
        } else {
            self.hold(told);
        }
    }

    /// What was read from our folder may be anything, and would be taken for
    /// what the authority has left out.
    fn hold(&self, told: &rpc::PolicySet) {
        let text = std::str::from_utf8(&told.document).unwrap_or_default();
        if Document::digest(text).as_slice() != told.digest {
            return;
        }
        let held = Held {
            digest: told.digest.clone(),
            document: told.document.clone(),
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}
