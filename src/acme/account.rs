//! Who we are to a CA: one account, which all sidecars on a store share.

use std::sync::Arc;

use instant_acme::Account;
use instant_acme::AccountCredentials;
use instant_acme::ExternalAccountKey;
use instant_acme::NewAccount;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::acme::courier::Courier;
use crate::acme::courier::Patience;
use crate::acme::error::OrderError;
use crate::acme::external::ExternalKey;
use crate::acme::ledger::ACCOUNT;
use crate::acme::ledger::Claim;
use crate::acme::ledger::Claimed;
use crate::acme::ledger::Ledger;
use crate::acme::ledger::Outcome;
use crate::acme::ledger::Wish;
use crate::acme::settings::Settings;
use crate::https::WebRoots;
use crate::time::Clock;
use crate::time::seconds;

/// What asks one CA in our name.
#[derive(Debug)]
pub(super) struct Agent {
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    roots: WebRoots,
    settings: Settings,
    /// Whoever holds it makes the account.
    turn: Mutex<()>,
}

/// What is kept of an account.
#[derive(Deserialize, Serialize)]
struct Kept {
    contact: Vec<String>,
    credentials: AccountCredentials,
}

/// The account, for one order.
pub(super) struct Desk {
    pub(super) account: Account,
    pub(super) patience: Patience,
}

impl Agent {
    pub(super) fn new(settings: Settings, ledger: Arc<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self {
            roots: WebRoots::new(settings.roots.clone(), Arc::clone(&clock)),
            clock,
            ledger,
            settings,
            turn: Mutex::new(()),
        }
    }

    /// Who goes to the CA for one order.
    ///
    /// # Errors
    ///
    /// [`OrderError::Trust`].
    pub(super) fn courier(&self) -> Result<Courier, OrderError> {
        let trust = self.roots.trust();
        let trust = trust.map_err(|cause| OrderError::Trust { cause })?;
        let directory = &self.settings.directory;
        Ok(Courier::new(directory, trust, Arc::clone(&self.clock)))
    }

    /// The account, which is made if there is none. What the CA can do is asked
    /// anew: it may have moved.
    ///
    /// # Errors
    ///
    /// [`OrderError`].
    pub(super) async fn desk(&self, courier: Courier) -> Result<Desk, OrderError> {
        let patience = courier.patience();
        let account = match self.ledger.account().await? {
            Some(kept) => self.known(courier, &kept).await?,
            None => self.first(courier).await?,
        };
        Ok(Desk { account, patience })
    }

    /// Makes the account, unless whoever had the turn before us has.
    async fn first(&self, courier: Courier) -> Result<Account, OrderError> {
        let _turn = self.turn.lock().await;
        match self.ledger.account().await? {
            Some(kept) => self.known(courier, &kept).await,
            None => self.make(courier).await,
        }
    }

    async fn known(&self, courier: Courier, kept: &[u8]) -> Result<Account, OrderError> {
        let kept: Kept =
            serde_json::from_slice(kept).map_err(|cause| OrderError::BadAccount { cause })?;
        let builder = Account::builder_with_http(Box::new(courier));
        let stale = kept.contact != self.contact();
        let again = stale.then(|| serde_json::to_value(&kept.credentials));
        let account = builder.from_credentials(kept.credentials).await?;
        let Some(again) = again else {
            return Ok(account);
        };
        let contact = self.contact();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        account.update_contacts(&contact).await?;
        let read = again.and_then(serde_json::from_value);
        let credentials = read.map_err(|cause| OrderError::BadAccount { cause })?;
        self.keep(credentials).await?;
        Ok(account)
    }

    async fn make(&self, courier: Courier) -> Result<Account, OrderError> {
        let claim = self.claim().await?.ok_or(OrderError::AccountUnderWay)?;
        let made = self.register(courier);
        let made = self.ledger.hold(&claim, &*self.clock, made).await;
        let (record, account) = match made {
            Ok((credentials, account)) => (Some(self.kept(credentials)?), Ok(account)),
            Err(error) => (None, Err(error)),
        };
        let outcome = Outcome {
            due: 0,
            failures: 0,
            record: record.as_ref().map(|record| record.as_str()),
            renew: 0,
            why: "",
        };
        self.ledger.settle(claim, outcome).await?;
        account
    }

    async fn register(
        &self,
        courier: Courier,
    ) -> Result<(AccountCredentials, Account), OrderError> {
        let external = match &self.settings.external_account {
            Some(external) => {
                let key = ExternalKey::load(&external.key_file);
                let key = key.map_err(|cause| OrderError::ExternalAccount { cause })?;
                let id = external.key_id.clone();
                Some(ExternalAccountKey::new(id, key.as_bytes()))
            }
            None => None,
        };
        let contact = self.contact();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let wanted = NewAccount {
            contact: &contact,
            only_return_existing: false,
            terms_of_service_agreed: true,
        };
        let builder = Account::builder_with_http(Box::new(courier));
        let directory = self.settings.directory.to_string();
        let made = builder.create(&wanted, directory, external.as_ref()).await;
        let (account, credentials) = made?;
        tracing::info!(account = account.id(), "a CA has made an account for us");
        Ok((credentials, account))
    }

    /// Keeps the account as it is now. If another does something else with it,
    /// that counts.
    async fn keep(&self, credentials: AccountCredentials) -> Result<(), OrderError> {
        let Some(claim) = self.claim().await? else {
            return Ok(());
        };
        let record = self.kept(credentials)?;
        let outcome = Outcome {
            due: 0,
            failures: 0,
            record: Some(&record),
            renew: 0,
            why: "",
        };
        self.ledger.settle(claim, outcome).await?;
        Ok(())
    }

    async fn claim(&self) -> Result<Option<Claim>, OrderError> {
        let rows = self.ledger.since(0).await?;
        let row = rows.into_iter().find(|row| row.host == ACCOUNT);
        let version = row.map_or(0, |row| row.version);
        let now = seconds(self.clock.now());
        match self
            .ledger
            .claim((ACCOUNT, version), now, Wish::Question)
            .await?
        {
            Claimed::Ours(claim) => Ok(Some(claim)),
            Claimed::Taken | Claimed::TooMany => Ok(None),
        }
    }

    fn kept(&self, credentials: AccountCredentials) -> Result<Zeroizing<String>, OrderError> {
        let kept = Kept {
            contact: self.contact(),
            credentials,
        };
        let text = serde_json::to_string(&kept);
        let text = text.map_err(|cause| OrderError::BadAccount { cause })?;
        Ok(Zeroizing::new(text))
    }

    fn contact(&self) -> Vec<String> {
        let contact = self.settings.contact.iter();
        contact.map(ToString::to_string).collect()
    }
}
