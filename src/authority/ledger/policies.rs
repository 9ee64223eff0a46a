//! Policy sets that were published.

use std::time::SystemTime;

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::date;
use crate::authority::ledger::seconds;
use crate::store::Change;

/// A set that was published, without its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::authority) struct PolicyRow {
    pub(in crate::authority) version: u64,
    /// As in records.
    pub(in crate::authority) revision: String,
    /// The SHA-256 of its document, in lower-case hexadecimal.
    pub(in crate::authority) digest: String,
    pub(in crate::authority) published_by: String,
    pub(in crate::authority) published_at: SystemTime,
}

/// A set that is to be published.
#[derive(Clone, Copy, Debug)]
pub(in crate::authority) struct NewPolicy<'a> {
    pub(in crate::authority) revision: &'a str,
    pub(in crate::authority) digest: &'a str,
    pub(in crate::authority) document: &'a str,
    pub(in crate::authority) by: &'a str,
    pub(in crate::authority) now: SystemTime,
}

type Row = (i64, String, String, String, i64);

impl Ledger {
    /// Those that are kept, the newest first.
    pub(in crate::authority) async fn policies(&self) -> Result<Vec<PolicyRow>, LedgerError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT version, revision, digest, published_by, published_at_s
             FROM policy_set ORDER BY version DESC",
        )
        .fetch_all(self.database.pool())
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// The text of one of them.
    pub(in crate::authority) async fn policy_document(
        &self,
        version: u64,
    ) -> Result<Option<String>, LedgerError> {
        Ok(
            sqlx::query_scalar("SELECT document FROM policy_set WHERE version = $1")
                .bind(i64::try_from(version).unwrap_or(i64::MAX))
                .fetch_optional(self.database.pool())
                .await?,
        )
    }

    /// Publishes a set, unless it is the newest already, or was taken back by the
    /// newest. Tells its version if it did.
    pub(in crate::authority) async fn publish_policy(
        &self,
        policy: NewPolicy<'_>,
    ) -> Result<Option<u64>, LedgerError> {
        let mut change = self.begin_policy().await?;
        let newest = newest(&mut change).await?;
        let version = match newest {
            Some((_, digest, withdrawn))
                if digest == policy.digest || withdrawn == policy.digest =>
            {
                return Ok(None);
            }
            Some((version, ..)) => version.saturating_add(1),
            None => 1,
        };
        add(&mut change, version, policy, "").await?;
        change.commit().await?;
        Ok(u64::try_from(version).ok())
    }

    /// Publishes the newest kept set whose revision begins with `revision` once
    /// more. What is the newest now is taken back: it is not published again
    /// until another was.
    pub(in crate::authority) async fn roll_back_policy(
        &self,
        revision: &str,
        (by, now): (&str, SystemTime),
    ) -> Result<RolledBack, LedgerError> {
        let mut change = self.begin_policy().await?;
        let Some((version, digest, withdrawn)) = newest(&mut change).await? else {
            return Ok(RolledBack::Unknown);
        };
        let kept: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT revision, digest, document FROM policy_set ORDER BY version DESC",
        )
        .fetch_all(change.connection())
        .await?;
        let mut fitting = kept
            .iter()
            .filter(|(known, ..)| known.starts_with(revision));
        let Some((found, to, document)) = fitting.next() else {
            return Ok(RolledBack::Unknown);
        };
        if fitting.any(|(other, ..)| other != found) {
            return Ok(RolledBack::Ambiguous);
        }
        if *to == digest {
            return Ok(RolledBack::InForce);
        }
        // After several the folder still has what the first has taken back.
        let withdrawn = if withdrawn.is_empty() {
            digest
        } else {
            withdrawn
        };
        let withdrawn = if withdrawn == *to { "" } else { &withdrawn };
        let policy = NewPolicy {
            revision: found,
            digest: to,
            document,
            by,
            now,
        };
        let version = version.saturating_add(1);
        add(&mut change, version, policy, withdrawn).await?;
        change.commit().await?;
        Ok(RolledBack::To {
            version: u64::try_from(version).unwrap_or_default(),
            revision: found.clone(),
        })
    }

    async fn begin_policy(&self) -> Result<Change<'_>, LedgerError> {
        let mut change = self.database.begin().await?;
        // The write comes first: it makes the database put others in a row behind us.
        sqlx::query("UPDATE change_counter SET version = version")
            .execute(change.connection())
            .await?;
        Ok(change)
    }
}

/// What came of going back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::authority) enum RolledBack {
    /// Several kept sets are meant.
    Ambiguous,
    /// That set is the newest already.
    InForce,
    /// The set is published once more.
    To { version: u64, revision: String },
    /// No kept set is meant.
    Unknown,
}

/// The newest set's version, its digest, and that of the set that it takes back.
async fn newest(change: &mut Change<'_>) -> Result<Option<(i64, String, String)>, LedgerError> {
    Ok(sqlx::query_as(
        "SELECT version, digest, withdrawn FROM policy_set ORDER BY version DESC LIMIT 1",
    )
    .fetch_optional(change.connection())
    .await?)
}

async fn add(
    change: &mut Change<'_>,
    version: i64,
    policy: NewPolicy<'_>,
    withdrawn: &str,
) -> Result<(), LedgerError> {
    sqlx::query(
        "INSERT INTO policy_set
             (version, revision, digest, document, published_by, published_at_s, withdrawn)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(version)
    .bind(policy.revision.to_owned())
    .bind(policy.digest.to_owned())
    .bind(policy.document.to_owned())
    .bind(policy.by.to_owned())
    .bind(seconds(policy.now))
    .bind(withdrawn.to_owned())
    .execute(change.connection())
    .await?;
    sqlx::query("DELETE FROM policy_set WHERE version <= $1")
        .bind(version.saturating_sub(KEPT))
        .execute(change.connection())
        .await?;
    Ok(())
}

fn read((version, revision, digest, published_by, at): Row) -> Result<PolicyRow, LedgerError> {
    Ok(PolicyRow {
        version: u64::try_from(version).map_err(|_negative| LedgerError::BadRow {
            table: "policy_set",
            row: version.to_string(),
        })?,
        revision,
        digest,
        published_by,
        published_at: date(at),
    })
}

/// What was wrong yesterday can be looked at, and more is for version control.
const KEPT: i64 = 10;
