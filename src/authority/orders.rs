//! What an operator may order, and what comes of it.
//!
//! Every order is recorded, with who gave it, whether it was carried out or not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tonic::Code;
use tonic::Status;

use crate::audit;
use crate::audit::Decision;
use crate::audit::Event;
use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::entry::EntryName;
use crate::authority::entry::Origin;
use crate::authority::id_template::IdTemplate;
use crate::authority::keyring::Keyring;
use crate::authority::keyring::Step;
use crate::authority::keyring::StepError;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::RolledBack;
use crate::authority::operator::Operator;
use crate::authority::policy_status::PolicyStatus;
use crate::authority::proof::JoinToken;
use crate::authority::proof::digest_of;
use crate::authority::revocation::Revocation;
use crate::authority::revocation::Revoked;
use crate::authority::selector::Selector;
use crate::authority::settings::Settings;
use crate::authority::settled::Settled;
use crate::authority::told::in_full;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::time::Clock;
use tokio::sync::watch;

/// Carries out orders.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entries: watch::Receiver<Arc<Entries>>,
    pub(super) join_token_ttl: Duration,
    pub(super) keyring: Arc<Keyring>,
    pub(super) ledger: Ledger,
    pub(super) log: audit::Shard,
    /// Whoever gets our answer may rely on what was written at once.
    pub(super) settled: Settled,
    /// How it stands with the policies.
    pub(super) policies: watch::Receiver<PolicyStatus>,
    pub(super) trust_domain: TrustDomain,
}

/// A token that was just made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) token: JoinToken,
    pub(super) entry: EntryName,
    pub(super) expires_at: SystemTime,
}

impl Orders {
    /// Makes a token that lets one workload become `id`.
    pub(super) async fn create_token(
        &self,
        operator: &Operator,
        id: &str,
        ttl: Duration,
        svid_ttl: Duration,
    ) -> Result<Made, Status> {
        let mut event = self.record("join_token_create", operator)?;
        event.fact("spiffe_id", id.to_owned());
        let made = self.make_token(id, ttl, svid_ttl).await;
        if let Ok(made) = &made {
            event.fact("entry", made.entry.to_string());
            self.settled.here().await;
        }
        ended(event, made)
    }

    async fn make_token(
        &self,
        id: &str,
        ttl: Duration,
        svid_ttl: Duration,
    ) -> Result<Made, Status> {
        // No template: a token proves nothing that could fill its places.
        let id: SpiffeId = id.parse().map_err(|error| invalid(&error))?;
        let id = IdTemplate::of(&id, &self.trust_domain).map_err(|error| invalid(&error))?;
        let token = JoinToken::draw().ok_or_else(|| Status::internal("no random numbers"))?;
        let digest = digest_of(token.reveal());
        let name: String = digest.chars().take(16).collect();
        let selector = Selector::new("join_token", &name).map_err(|error| invalid(&error))?;
        let entry = Entry {
            name: format!("token-{name}")
                .parse()
                .map_err(|error| invalid(&error))?,
            selectors: BTreeSet::from([selector]),
            id,
            svid_ttl: (!svid_ttl.is_zero()).then_some(svid_ttl),
            groups: BTreeSet::new(),
            origin: Origin::Token,
        };
        let ttl = if ttl.is_zero() {
            self.join_token_ttl
        } else {
            ttl
        };
        let expires_at = self
            .clock
            .now()
            .checked_add(ttl)
            .ok_or_else(|| Status::invalid_argument("it would expire beyond the calendar"))?;
        let added = self.ledger.add_token(&digest, &entry, expires_at).await;
        if !added.map_err(|error| unavailable(&error))? {
            return Err(Status::aborted("try again"));
        }
        Ok(Made {
            token,
            entry: entry.name,
            expires_at,
        })
    }

    /// Adds an entry.
    pub(super) async fn create_entry(
        &self,
        operator: &Operator,
        entry: Result<Entry, Status>,
    ) -> Result<(), Status> {
        let mut event = self.record("entry_create", operator)?;
        let outcome = match entry {
            Ok(entry) => {
                event.fact("entry", entry.name.to_string());
                event.fact("spiffe_id", entry.id.to_string());
                self.add_entry(&entry).await
            }
            Err(status) => Err(status),
        };
        self.settled.here().await;
        ended(event, outcome)
    }

    async fn add_entry(&self, entry: &Entry) -> Result<(), Status> {
        let taken =
            || Status::already_exists(format!("there is an entry `{}` already", entry.name));
        if self.find(&entry.name).is_some() {
            return Err(taken());
        }
        let added = self.ledger.add_entry(entry).await;
        if added.map_err(|error| unavailable(&error))? {
            Ok(())
        } else {
            Err(taken())
        }
    }

    /// Removes an entry: nobody is named by it from now on.
    pub(super) async fn delete_entry(&self, operator: &Operator, name: &str) -> Result<(), Status> {
        let mut event = self.record("entry_delete", operator)?;
        event.fact("entry", name.to_owned());
        let outcome = self.remove_entry(name).await;
        self.settled.here().await;
        ended(event, outcome)
    }

    async fn remove_entry(&self, name: &str) -> Result<(), Status> {
        let name: EntryName = name.parse().map_err(|error| invalid(&error))?;
        if self
            .find(&name)
            .is_some_and(|entry| entry.origin == Origin::File)
        {
            return Err(Status::failed_precondition(format!(
                "`{name}` is from a file: remove it there"
            )));
        }
        let removed = self.ledger.remove_entry(&name).await;
        if removed.map_err(|error| unavailable(&error))? {
            Ok(())
        } else {
            Err(Status::not_found(format!("there is no entry `{name}`")))
        }
    }

    fn find(&self, name: &EntryName) -> Option<Arc<Entry>> {
        let entries = Arc::clone(&self.entries.borrow());
        entries.iter().find(|entry| entry.name == *name).cloned()
    }

    /// All entries in force.
    pub(super) fn entries(&self) -> Arc<Entries> {
        Arc::clone(&self.entries.borrow())
    }

    /// Believes somebody no longer.
    pub(super) async fn revoke(
        &self,
        operator: &Operator,
        what: Option<Revoked>,
        reason: &str,
    ) -> Result<(), Status> {
        let mut event = self.record("revoke", operator)?;
        event.fact("why", reason.to_owned());
        let outcome = match what {
            None => Err(Status::invalid_argument(NOTHING_TO_REVOKE)),
            Some(Revoked::Id(id)) if self.is_ours(&id) => {
                event.fact("spiffe_id", id.to_shared());
                Err(Status::invalid_argument(OURSELVES))
            }
            Some(what) => {
                event.fact(what.kind(), what.value().to_owned());
                let revocation = Revocation {
                    revoked: what,
                    reason: reason.to_owned(),
                    since: self.clock.now(),
                };
                let done = self.ledger.revoke(&revocation).await;
                done.map(drop).map_err(|error| unavailable(&error))
            }
        };
        self.settled.here().await;
        ended(event, outcome)
    }

    /// Whether it is the authority's own name.
    fn is_ours(&self, id: &SpiffeId) -> bool {
        Settings::own_id(&self.trust_domain).is_some_and(|own| own == *id)
    }

    /// Takes a revocation back.
    pub(super) async fn unrevoke(
        &self,
        operator: &Operator,
        what: Option<Revoked>,
    ) -> Result<(), Status> {
        let mut event = self.record("unrevoke", operator)?;
        let outcome = match what {
            None => Err(Status::invalid_argument(NOTHING_TO_REVOKE)),
            Some(what) => {
                event.fact(what.kind(), what.value().to_owned());
                match self.ledger.unrevoke(&what).await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(Status::not_found("that is not revoked")),
                    Err(error) => Err(unavailable(&error)),
                }
            }
        };
        self.settled.here().await;
        ended(event, outcome)
    }

    /// Publishes an earlier set of policies once more. Tells its version and revision.
    pub(super) async fn roll_back_policy(
        &self,
        operator: &Operator,
        revision: &str,
    ) -> Result<(u64, String), Status> {
        let mut event = self.record("policy_rollback", operator)?;
        let outcome = self.go_back(revision).await;
        if let Ok((version, revision)) = &outcome {
            event.fact("version", version.to_string());
            event.fact("revision", revision.clone());
        }
        self.settled.here().await;
        ended(event, outcome)
    }

    async fn go_back(&self, revision: &str) -> Result<(u64, String), Status> {
        let is_digits = revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digits || revision.len() < LEAST_DIGITS {
            return Err(Status::invalid_argument(
                "say which revision: at least its first 8 hexadecimal digits",
            ));
        }
        let revision = revision.to_ascii_lowercase();
        let by = ("rollback", self.clock.now());
        let done = self.ledger.roll_back_policy(&revision, by).await;
        match done.map_err(|error| unavailable(&error))? {
            RolledBack::To { version, revision } => Ok((version, revision)),
            RolledBack::Ambiguous => Err(Status::invalid_argument(
                "several revisions begin so: say more of it",
            )),
            RolledBack::InForce => Err(Status::failed_precondition(
                "that is the newest set already",
            )),
            RolledBack::Unknown => Err(Status::not_found(
                "no set of this revision is kept: put its files back into the folder",
            )),
        }
    }

    /// Takes a step in the life of the signing keys.
    pub(super) async fn rotate(
        &self,
        operator: &Operator,
        step: Step,
        key: Option<&str>,
    ) -> Result<(), Status> {
        let mut event = self.record(step.as_str(), operator)?;
        if let Some(key) = key {
            event.fact("key", key.to_owned());
        }
        let outcome = self.keyring.take(step, key).await.map_err(|error| {
            let code = match &error {
                StepError::Keyring { .. } => Code::Unavailable,
                StepError::NoSuchKey { .. } | StepError::PreparedBefore => Code::FailedPrecondition,
                StepError::Overtaken => Code::Aborted,
                StepError::WhichKey { .. } => Code::InvalidArgument,
            };
            Status::new(code, in_full(&error))
        });
        ended(event, outcome)
    }

    fn record(&self, name: &'static str, operator: &Operator) -> Result<Event, Status> {
        let room = self
            .log
            .begin()
            .map_err(|cause| Status::unavailable(in_full(&cause)))?;
        let mut event = room.event(name);
        event.fact("operator", operator.to_string());
        Ok(event)
    }
}

/// Writes the record before anybody learns of the outcome.
fn ended<T>(event: Event, outcome: Result<T, Status>) -> Result<T, Status> {
    match &outcome {
        Ok(_) => event.end(Decision::Permit, None),
        Err(status) => event.end(Decision::Refuse, Some(status.message())),
    }
    outcome
}

pub(super) fn invalid(error: &dyn std::error::Error) -> Status {
    Status::invalid_argument(in_full(error))
}

pub(super) fn unavailable(error: &LedgerError) -> Status {
    Status::unavailable(in_full(error))
}

/// Few enough to type, and enough for no two of ten sets to begin alike by chance.
const LEAST_DIGITS: usize = 8;

/// No sidecar would ever listen to us again.
const OURSELVES: &str =
    "that is the authority itself: let its keys be replaced, with `rotate`, and revoke the old one";

const NOTHING_TO_REVOKE: &str =
    "say a SPIFFE ID, or a serial number in hexadecimal digits as `svid show` prints it";
