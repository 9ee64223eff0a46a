//! What sidecars that share a store know of a CA together: the account, of each
//! host the certificate and when to look after it, and whose turn that is.
//!
//! What is secret is sealed, with the key of the sessions.

mod claim;

use std::sync::Arc;

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::session::KeepError;
use crate::session::Sessions;
use crate::store::Change;

pub(super) use claim::Claim;
pub(super) use claim::Claimed;
pub(super) use claim::Wish;

/// The part of the store that is about one CA.
#[derive(Debug)]
pub(super) struct Ledger {
    directory: String,
    sessions: Arc<Sessions>,
}

/// What is known of one host.
#[derive(Debug)]
pub(super) struct Row {
    /// The sealed answer to its challenge; empty without one.
    pub(super) answer: String,
    /// When it is to be looked after, in seconds since 1970.
    pub(super) due: u64,
    /// How often in a row that failed.
    pub(super) failures: u32,
    /// Which; [`ACCOUNT`] is not a host.
    pub(super) host: String,
    /// When its certificate is to be renewed.
    pub(super) renew: u64,
    /// Its sealed certificate; empty without one.
    pub(super) sealed: String,
    /// Which change made it so.
    pub(super) version: i64,
    /// Why it failed last; empty if it did not.
    pub(super) why: String,
}

/// The same as the store has it.
type Columns = (String, String, String, i64, i64, i64, String, i64);

/// How looking after a host ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome<'a> {
    /// When it is looked after again.
    pub(super) due: u64,
    /// How often in a row it failed.
    pub(super) failures: u32,
    /// The record to be kept; none: the one that is there.
    pub(super) record: Option<&'a str>,
    /// When the certificate is to be renewed.
    pub(super) renew: u64,
    /// Why it failed; empty if it did not.
    pub(super) why: &'a str,
}

/// Where the account is kept. No host has this name.
pub(super) const ACCOUNT: &str = "";

impl Ledger {
    /// The part of the store of `sessions` that is about the CA of `directory`,
    /// with a row for each of `hosts`, and for the account.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub(super) async fn open(
        sessions: Arc<Sessions>,
        directory: String,
        hosts: &[String],
    ) -> Result<Self, KeepError> {
        let ledger = Self {
            directory,
            sessions,
        };
        let mut change = ledger.begin().await?;
        let number = change.number().await?;
        for host in hosts.iter().map(String::as_str).chain([ACCOUNT]) {
            sqlx::query(
                "INSERT INTO web_certificate (directory, host, sealed, answer, due_s, renew_s,
                 failures, why, claim, claimed_until_s, version)
                 VALUES ($1, $2, '', '', 0, 0, 0, '', '', 0, $3) ON CONFLICT (directory, host) DO NOTHING",
            )
            .bind(ledger.directory.clone())
            .bind(host.to_owned())
            .bind(number)
            .execute(change.connection())
            .await?;
        }
        if !ledger.sessions.database().is_shared() {
            // Whoever had a claim on a file was this sidecar, and is no more.
            sqlx::query("UPDATE web_certificate SET claim = '', claimed_until_s = 0")
                .execute(change.connection())
                .await?;
        }
        ledger.seal_anew(&mut change, number).await?;
        change.commit().await?;
        Ok(ledger)
    }

    /// Seals everything with the first key: one that was replaced can be left out
    /// one day. What no key unseals stays, and is found out when it is read.
    async fn seal_anew(&self, change: &mut Change<'_>, number: i64) -> Result<(), KeepError> {
        let all: Vec<(String, String)> = sqlx::query_as(
            "SELECT host, sealed FROM web_certificate WHERE directory = $1 AND sealed <> ''",
        )
        .bind(self.directory.clone())
        .fetch_all(change.connection())
        .await?;
        for (host, sealed) in all {
            let Ok(record) = self.record(&host, &sealed) else {
                continue;
            };
            let name = self.name("certificate", &host);
            sqlx::query(
                "UPDATE web_certificate SET sealed = $1, version = $2
                 WHERE directory = $3 AND host = $4",
            )
            .bind(self.sessions.key().seal(&name, &record)?)
            .bind(number)
            .bind(self.directory.clone())
            .bind(host)
            .execute(change.connection())
            .await?;
        }
        Ok(())
    }

    /// Tells of each change.
    pub(super) fn versions(&self) -> watch::Receiver<i64> {
        self.sessions.database().versions()
    }

    /// What changed after `version`.
    pub(super) async fn since(&self, version: i64) -> Result<Vec<Row>, KeepError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT host, sealed, answer, due_s, renew_s, failures, why, version FROM web_certificate
             WHERE directory = $1 AND version > $2 ORDER BY version",
        )
        .bind(self.directory.clone())
        .bind(version)
        .fetch_all(self.sessions.database().pool())
        .await?;
        let row = |(host, sealed, answer, due, renew, failures, why, version): Columns| Row {
            answer,
            due: u64::try_from(due).unwrap_or_default(),
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            host,
            renew: u64::try_from(renew).unwrap_or_default(),
            sealed,
            version,
            why,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What is kept of the account; nothing if there is none.
    pub(super) async fn account(&self) -> Result<Option<Zeroizing<Vec<u8>>>, KeepError> {
        let sealed: Option<String> = sqlx::query_scalar(
            "SELECT sealed FROM web_certificate WHERE directory = $1 AND host = $2",
        )
        .bind(self.directory.clone())
        .bind(ACCOUNT)
        .fetch_optional(self.sessions.database().pool())
        .await?;
        let sealed = sealed.filter(|sealed| !sealed.is_empty());
        match sealed.map(|sealed| self.record(ACCOUNT, &sealed)) {
            Some(Err(KeepError::Seal { cause })) => {
                let error: &dyn std::error::Error = &cause;
                tracing::error!(
                    error,
                    "the account with a CA cannot be read: another is made"
                );
                Ok(None)
            }
            read => read.transpose(),
        }
    }

    /// The CA does not know the account any more: the next order makes another.
    pub(super) async fn forget_account(&self) -> Result<(), KeepError> {
        let mut change = self.begin().await?;
        let number = change.number().await?;
        sqlx::query(
            "UPDATE web_certificate SET sealed = '', version = $1 WHERE directory = $2 AND host = $3",
        )
        .bind(number)
        .bind(self.directory.clone())
        .bind(ACCOUNT)
        .execute(change.connection())
        .await?;
        change.commit().await?;
        Ok(())
    }

    /// Lets all sidecars know the `answer` to the challenge of a host. False if the
    /// claim is over.
    pub(super) async fn answer(&self, claim: &Claim, answer: &str) -> Result<bool, KeepError> {
        let name = self.name("answer", &claim.host);
        let sealed = self.sessions.key().seal(&name, answer.as_bytes())?;
        let mut change = self.begin().await?;
        let number = change.number().await?;
        let updated = sqlx::query(
            "UPDATE web_certificate SET answer = $1, version = $2
             WHERE directory = $3 AND host = $4 AND claim = $5",
        )
        .bind(sealed)
        .bind(number)
        .bind(self.directory.clone())
        .bind(claim.host.clone())
        .bind(claim.word.clone())
        .execute(change.connection())
        .await?;
        change.commit().await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Gives the claim back, and lets all sidecars know how it ended. False if the
    /// claim is over: then another's outcome counts.
    pub(super) async fn settle(
        &self,
        claim: Claim,
        outcome: Outcome<'_>,
    ) -> Result<bool, KeepError> {
        let Claim { host, word } = claim;
        let name = self.name("certificate", &host);
        let sealed = outcome.record.map(|record| {
            let key = self.sessions.key();
            key.seal(&name, record.as_bytes())
        });
        let sealed = sealed.transpose()?.unwrap_or_default();
        let mut change = self.begin().await?;
        let number = change.number().await?;
        let updated = sqlx::query(
            "UPDATE web_certificate SET sealed = CASE WHEN $1 = '' THEN sealed ELSE $1 END,
             answer = '', due_s = $2, renew_s = $3, failures = $4, why = $5, claim = '',
             claimed_until_s = 0, version = $6
             WHERE directory = $7 AND host = $8 AND claim = $9",
        )
        .bind(sealed)
        .bind(column(outcome.due))
        .bind(column(outcome.renew))
        .bind(i64::from(outcome.failures))
        .bind(outcome.why.to_owned())
        .bind(number)
        .bind(self.directory.clone())
        .bind(host)
        .bind(word)
        .execute(change.connection())
        .await?;
        change.commit().await?;
        Ok(updated.rows_affected() == 1)
    }

    /// What `sealed` says of `host`.
    pub(super) fn record(&self, host: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, KeepError> {
        let name = self.name("certificate", host);
        Ok(self.sessions.key().unseal(&name, sealed)?)
    }

    /// The answer to a challenge of `host` that `sealed` holds.
    pub(super) fn opened(&self, host: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, KeepError> {
        let name = self.name("answer", host);
        Ok(self.sessions.key().unseal(&name, sealed)?)
    }

    fn name(&self, kind: &str, host: &str) -> String {
        format!("web {kind} {} {host}", self.directory)
    }

    async fn begin(&self) -> Result<Change<'_>, KeepError> {
        Ok(self.sessions.database().begin().await?)
    }
}

fn column(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
