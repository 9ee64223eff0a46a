//! Who got which certificate on what proof, for as long as it may be renewed.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::authority::entry::EntryName;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::Spent;
use crate::authority::ledger::seconds;
use crate::authority::ledger::selectors_from_text;
use crate::authority::ledger::selectors_to_text;
use crate::authority::ledger::tokens;
use crate::authority::selector::Selector;

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub(in crate::authority) struct IssuedRow {
    pub(in crate::authority) serial: String,
    pub(in crate::authority) entry: String,
    pub(in crate::authority) spiffe_id: String,
    pub(in crate::authority) selectors: BTreeSet<Selector>,
    pub(in crate::authority) not_after: SystemTime,
    /// Whether others have to know of it, since it makes somebody a member of a group.
    pub(in crate::authority) is_news: bool,
}

/// A join token that is spent with the certificate, or not at all.
#[derive(Clone, Copy, Debug)]
pub(in crate::authority) struct TokenUse<'a> {
    pub(in crate::authority) digest: &'a str,
    /// Of the public key for which the certificate is.
    pub(in crate::authority) key: &'a str,
    pub(in crate::authority) now: SystemTime,
}

impl Ledger {
    /// Notes a certificate before it is given out, and spends the token that it
    /// is for. Only [`Spent::Good`] means that it was noted.
    pub(in crate::authority) async fn note_issued(
        &self,
        row: &IssuedRow,
        token: Option<TokenUse<'_>>,
    ) -> Result<Option<Spent>, LedgerError> {
        let mut change = self.database.begin().await?;
        let spent = match token {
            Some(TokenUse { digest, key, now }) => {
                Some(tokens::spend(change.connection(), digest, key, now).await?)
            }
            None => None,
        };
        if !matches!(spent, None | Some(Spent::Good(_))) {
            return Ok(spent);
        }
        sqlx::query(
            "INSERT INTO issued (serial, entry, spiffe_id, selectors, not_after_s)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(row.serial.clone())
        .bind(row.entry.clone())
        .bind(row.spiffe_id.clone())
        .bind(selectors_to_text(&row.selectors))
        .bind(seconds(row.not_after))
        .execute(change.connection())
        .await?;
        if row.is_news {
            change.commit().await?;
        } else {
            change.commit_quietly().await?;
        }
        Ok(spent)
    }

    /// Which entry a token is for, whether or not it can still be used.
    pub(in crate::authority) async fn entry_of_token(
        &self,
        digest: &str,
    ) -> Result<Option<String>, LedgerError> {
        Ok(
            sqlx::query_scalar("SELECT entry FROM join_token WHERE digest = $1")
                .bind(digest.to_owned())
                .fetch_optional(self.database.pool())
                .await?,
        )
    }

    /// What was proved for the certificate with this serial number.
    pub(in crate::authority) async fn proved_for(
        &self,
        serial: &str,
    ) -> Result<Option<BTreeSet<Selector>>, LedgerError> {
        let text: Option<String> =
            sqlx::query_scalar("SELECT selectors FROM issued WHERE serial = $1")
                .bind(serial.to_owned())
                .fetch_optional(self.database.pool())
                .await?;
        let read = |text: String| {
            selectors_from_text(&text).ok_or_else(|| LedgerError::BadRow {
                table: "issued",
                row: serial.to_owned(),
            })
        };
        text.map(read).transpose()
    }

    /// Whom an entry of this name has named, and what was proved for it.
    pub(in crate::authority) async fn named_by(
        &self,
        entry: &EntryName,
    ) -> Result<Vec<(String, BTreeSet<Selector>)>, LedgerError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT DISTINCT spiffe_id, selectors FROM issued WHERE entry = $1")
                .bind(entry.as_str().to_owned())
                .fetch_all(self.database.pool())
                .await?;
        let read = |(id, selectors): (String, String)| {
            let selectors = selectors_from_text(&selectors);
            selectors
                .map(|selectors| (id.clone(), selectors))
                .ok_or(LedgerError::BadRow {
                    table: "issued",
                    row: id,
                })
        };
        rows.into_iter().map(read).collect()
    }

    /// Forgets certificates that ended before `moment`.
    pub(in crate::authority) async fn forget_issued(
        &self,
        moment: SystemTime,
    ) -> Result<(), LedgerError> {
        let mut change = self.database.begin().await?;
        sqlx::query("DELETE FROM issued WHERE not_after_s < $1")
            .bind(seconds(moment))
            .execute(change.connection())
            .await?;
        change.commit_quietly().await?;
        Ok(())
    }
}
