//! Whom nobody should believe any more.

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::date;
use crate::authority::ledger::seconds;
use crate::authority::revocation::Revocation;
use crate::authority::revocation::Revoked;
use crate::store::Change;

impl Ledger {
    /// All of them.
    pub(in crate::authority) async fn revocations(&self) -> Result<Vec<Revocation>, LedgerError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT kind, value, reason, since_s FROM revocation ORDER BY kind, value",
        )
        .fetch_all(self.database.pool())
        .await?;
        let read = |(kind, value, reason, since): (String, String, String, i64)| {
            let revoked = Revoked::read(&kind, &value).ok_or_else(|| LedgerError::BadRow {
                table: "revocation",
                row: format!("{kind} {value}"),
            })?;
            Ok(Revocation {
                revoked,
                reason,
                since: date(since),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Adds one. Tells whether it is new.
    pub(in crate::authority) async fn revoke(
        &self,
        revocation: &Revocation,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let is_new = add_revocation(&mut change, revocation).await?;
        change.commit().await?;
        Ok(is_new)
    }

    /// Takes one back. Tells whether it was there.
    pub(in crate::authority) async fn unrevoke(
        &self,
        revoked: &Revoked,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let removed = sqlx::query("DELETE FROM revocation WHERE kind = $1 AND value = $2")
            .bind(revoked.kind())
            .bind(revoked.value().to_owned())
            .execute(change.connection())
            .await?;
        change.commit().await?;
        Ok(removed.rows_affected() == 1)
    }
}

/// Adds one, as part of a greater change.
pub(super) async fn add_revocation(
    change: &mut Change<'_>,
    revocation: &Revocation,
) -> Result<bool, LedgerError> {
    let added = sqlx::query(
        "INSERT INTO revocation (kind, value, reason, since_s)
         VALUES ($1, $2, $3, $4) ON CONFLICT (kind, value) DO NOTHING",
    )
    .bind(revocation.revoked.kind())
    .bind(revocation.revoked.value().to_owned())
    .bind(revocation.reason.clone())
    .bind(seconds(revocation.since))
    .execute(change.connection())
    .await?;
    Ok(added.rows_affected() == 1)
}
