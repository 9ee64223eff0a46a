//! Policy sets that were published.

use std::time::SystemTime;

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::date;
use crate::authority::ledger::seconds;

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

    /// Publishes a set, unless it is the newest already. Tells its version if it did.
    pub(in crate::authority) async fn publish_policy(
        &self,
        policy: NewPolicy<'_>,
    ) -> Result<Option<u64>, LedgerError> {
        let mut change = self.database.begin().await?;
        // The write comes first: it makes the database put others in a row behind us.
        sqlx::query("UPDATE change_counter SET version = version")
            .execute(change.connection())
            .await?;
        let newest: Option<(i64, String)> =
            sqlx::query_as("SELECT version, digest FROM policy_set ORDER BY version DESC LIMIT 1")
                .fetch_optional(change.connection())
                .await?;
        let version = match newest {
            Some((_, digest)) if digest == policy.digest => return Ok(None),
            Some((version, _)) => version.saturating_add(1),
            None => 1,
        };
        sqlx::query(
            "INSERT INTO policy_set
                 (version, revision, digest, document, published_by, published_at_s)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(version)
        .bind(policy.revision.to_owned())
        .bind(policy.digest.to_owned())
        .bind(policy.document.to_owned())
        .bind(policy.by.to_owned())
        .bind(seconds(policy.now))
        .execute(change.connection())
        .await?;
        sqlx::query("DELETE FROM policy_set WHERE version <= $1")
            .bind(version.saturating_sub(KEPT))
            .execute(change.connection())
            .await?;
        change.commit().await?;
        Ok(u64::try_from(version).ok())
    }
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
