//! The steps in the life of a signing key.

use std::time::Duration;
use std::time::SystemTime;

use crate::authority::keyring::Keyring;
use crate::authority::keyring::KeyringError;
use crate::authority::keyring::keys::Held;
use crate::authority::ledger::KeyState;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::OnlyIf;
use crate::authority::revocation::Revocation;
use crate::authority::revocation::Revoked;
use crate::x509::CaCertificate;

/// A step in the life of the keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::authority) enum Step {
    Activate,
    /// A key that has ended, or was tainted, is published no longer.
    Forget,
    Prepare,
    Taint,
}

impl Step {
    /// The word for records.
    pub(in crate::authority) const fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "key_activated",
            Self::Forget => "key_revoked",
            Self::Prepare => "key_prepared",
            Self::Taint => "key_tainted",
        }
    }
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The keys cannot be read or written.
    #[error("the signing keys cannot be changed")]
    Keyring {
        /// Why.
        #[source]
        cause: KeyringError,
    },
    /// There is no key to take it with.
    #[error("there is no {state} key{}", key.as_ref().map(|id| format!(" `{id}`")).unwrap_or_default())]
    NoSuchKey {
        /// In which state it would have to be.
        state: &'static str,
        /// Which was meant.
        key: Option<String>,
    },
    /// Another authority has just changed the keys.
    #[error("another authority has just changed the keys; look again")]
    Overtaken,
    /// A key is prepared already.
    #[error("a key is prepared already")]
    PreparedBefore,
    /// There are several; one must be named.
    #[error("there are several {state} keys; name one")]
    WhichKey {
        /// In which state they are.
        state: &'static str,
    },
}

impl Keyring {
    /// Takes the steps that are due: the next key is prepared halfway through
    /// the life of the active one, and signs when five sixths are over; one that
    /// ended a whole life ago is forgotten. Answers the steps that it took, also
    /// where another of them failed.
    pub(in crate::authority) async fn tend(&self) -> (Vec<Step>, Result<(), KeyringError>) {
        let mut taken = Vec::new();
        let mut outcome = self.take_due(&mut taken).await;
        if !taken.is_empty() {
            outcome = outcome.and(self.reload().await);
        }
        (taken, outcome)
    }

    async fn take_due(&self, taken: &mut Vec<Step>) -> Result<(), KeyringError> {
        let now = self.clock.now();
        let keys = self.current();
        for held in keys.held() {
            // Not as soon as it has ended: it may be the clock that is wrong.
            let gone = Life::of(&held.says).after(2, 1) < now && held.state != KeyState::Active;
            if gone && self.ledger.remove_key(&held.id, None).await? {
                taken.push(Step::Forget);
            }
        }
        let Some(active) = keys.the(KeyState::Active) else {
            return Ok(());
        };
        let life = Life::of(&active.says);
        let prepared = keys.the(KeyState::Prepared).is_some();
        if !prepared && now >= life.after(1, 2) && self.prepare().await? {
            taken.push(Step::Prepare);
        }
        if prepared && now >= life.after(5, 6) && self.activate().await? {
            taken.push(Step::Activate);
        }
        Ok(())
    }

    /// Takes `step`, with the key named `id` where one has to be named.
    pub(in crate::authority) async fn take(
        &self,
        step: Step,
        id: Option<&str>,
    ) -> Result<(), StepError> {
        let from = match step {
            Step::Prepare => return self.prepare_now().await,
            Step::Activate => return self.activate_now().await,
            Step::Taint => KeyState::Old,
            Step::Forget => KeyState::Tainted,
        };
        let keys = self.current();
        let mut fitting = keys
            .held()
            .iter()
            .filter(|held| held.state == from && id.is_none_or(|id| held.id == id));
        let key = fitting.next().ok_or_else(|| StepError::NoSuchKey {
            state: from.as_str(),
            key: id.map(ToOwned::to_owned),
        })?;
        if fitting.next().is_some() {
            return Err(StepError::WhichKey {
                state: from.as_str(),
            });
        }
        let done = if step == Step::Taint {
            let moves = [(key.id.as_str(), from, KeyState::Tainted)];
            self.ledger.move_keys(&moves).await
        } else {
            let revocation = self.revocation(key);
            self.ledger.remove_key(&key.id, revocation.as_ref()).await
        };
        self.settle(done).await
    }

    /// What it takes for nobody to believe `key`, besides no longer publishing
    /// it: the root above an intermediate may be that of the next key as well.
    fn revocation(&self, key: &Held) -> Option<Revocation> {
        let revoked = Revoked::serial(key.says.serial()).filter(|_| !key.is_root)?;
        Some(Revocation {
            revoked,
            reason: format!("signing key {} was revoked", key.id),
            since: self.clock.now(),
        })
    }

    async fn prepare_now(&self) -> Result<(), StepError> {
        match self.prepare().await {
            Ok(true) => self.settle(Ok(true)).await,
            Ok(false) => Err(StepError::PreparedBefore),
            Err(cause) => Err(StepError::Keyring { cause }),
        }
    }

    async fn activate_now(&self) -> Result<(), StepError> {
        if self.current().the(KeyState::Prepared).is_none() {
            return Err(StepError::NoSuchKey {
                state: KeyState::Prepared.as_str(),
                key: None,
            });
        }
        let done = self
            .activate()
            .await
            .map_err(|cause| StepError::Keyring { cause })?;
        self.settle(Ok(done)).await
    }

    async fn settle(&self, done: Result<bool, LedgerError>) -> Result<(), StepError> {
        let cause = |cause: KeyringError| StepError::Keyring { cause };
        let done = done.map_err(|error| cause(error.into()))?;
        self.reload().await.map_err(cause)?;
        if done {
            Ok(())
        } else {
            Err(StepError::Overtaken)
        }
    }

    async fn prepare(&self) -> Result<bool, KeyringError> {
        let now = self.clock.now();
        let next = self.make.next(&self.sealing, now)?;
        Ok(self.ledger.add_key(&next, OnlyIf::NonePrepared).await?)
    }

    async fn activate(&self) -> Result<bool, KeyringError> {
        let keys = self.current();
        let (Some(active), Some(next)) = (keys.the(KeyState::Active), keys.the(KeyState::Prepared))
        else {
            return Ok(false);
        };
        let moves = [
            (active.id.as_str(), KeyState::Active, KeyState::Old),
            (next.id.as_str(), KeyState::Prepared, KeyState::Active),
        ];
        Ok(self.ledger.move_keys(&moves).await?)
    }
}

/// From a root's first instant to its last.
struct Life {
    begins: SystemTime,
    lasts: Duration,
}

impl Life {
    fn of(root: &CaCertificate) -> Self {
        let begins = root.not_before();
        let lasts = root.not_after().duration_since(begins).unwrap_or_default();
        Self { begins, lasts }
    }

    /// When `part` of `of` equal parts are over.
    fn after(&self, part: u32, of: u32) -> SystemTime {
        self.begins + self.lasts / of * part
    }
}
