//! Join tokens, by their digests.

use std::time::SystemTime;

use sqlx::AnyConnection;

use crate::authority::entry::Entry;
use crate::authority::entry::EntryName;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::entries;
use crate::authority::ledger::seconds;

/// What became of a token that was shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::authority) enum Spent {
    /// There is no such token, or not any more.
    Unknown,
    /// Its time is over.
    Expired,
    /// Somebody else has used it.
    UsedBefore,
    /// It was good, and is used from now on by whoever holds the key.
    Good(EntryName),
}

impl Ledger {
    /// Adds a token with an entry of its own. Tells whether it did.
    pub(in crate::authority) async fn add_token(
        &self,
        digest: &str,
        entry: &Entry,
        expires_at: SystemTime,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        if !entries::insert(change.connection(), entry).await? {
            return Ok(false);
        }
        sqlx::query("INSERT INTO join_token (digest, entry, expires_at_s) VALUES ($1, $2, $3)")
            .bind(digest.to_owned())
            .bind(entry.name.as_str().to_owned())
            .bind(seconds(expires_at))
            .execute(change.connection())
            .await?;
        change.commit().await?;
        Ok(true)
    }

    /// Forgets tokens that can no longer be used, and nothing else: the entries
    /// of those that were used stay.
    pub(in crate::authority) async fn forget_tokens(
        &self,
        now: SystemTime,
    ) -> Result<(), LedgerError> {
        let mut change = self.database.begin().await?;
        sqlx::query(
            "DELETE FROM entry WHERE name IN
             (SELECT entry FROM join_token WHERE expires_at_s < $1 AND used_by IS NULL)",
        )
        .bind(seconds(now))
        .execute(change.connection())
        .await?;
        let gone = sqlx::query("DELETE FROM join_token WHERE expires_at_s < $1")
            .bind(seconds(now))
            .execute(change.connection())
            .await?;
        if gone.rows_affected() > 0 {
            change.commit().await?;
        }
        Ok(())
    }
}

/// Uses the token for the workload that holds `key`, as part of a change.
///
/// The same workload may show it again, until it expires: an answer can be
/// lost on the way, and who has the key got nothing from asking twice.
pub(super) async fn spend(
    connection: &mut AnyConnection,
    digest: &str,
    key: &str,
    now: SystemTime,
) -> Result<Spent, LedgerError> {
    // The write decides between two that come at once.
    sqlx::query(
        "UPDATE join_token SET used_by = $1
         WHERE digest = $2 AND used_by IS NULL AND expires_at_s >= $3",
    )
    .bind(key.to_owned())
    .bind(digest.to_owned())
    .bind(seconds(now))
    .execute(&mut *connection)
    .await?;
    let row: Option<(String, i64, Option<String>)> =
        sqlx::query_as("SELECT entry, expires_at_s, used_by FROM join_token WHERE digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(connection)
            .await?;
    Ok(match row {
        None => Spent::Unknown,
        Some((_, expires_at, _)) if expires_at < seconds(now) => Spent::Expired,
        Some((entry, _, Some(used_by))) if used_by == key => {
            let name = entry.parse().map_err(|_invalid| LedgerError::BadRow {
                table: "join_token",
                row: entry.clone(),
            })?;
            Spent::Good(name)
        }
        Some(_) => Spent::UsedBefore,
    })
}
