//! What other trust domains have said of themselves.

use std::collections::BTreeSet;
use std::time::SystemTime;

use sqlx::AnyConnection;

use crate::authority::federation::Foreign;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::date;
use crate::authority::ledger::seconds;
use crate::id::TrustDomain;

/// A bundle that was fetched.
#[derive(Clone, Debug)]
pub(in crate::authority) struct ForeignRow {
    pub(in crate::authority) foreign: Foreign,
    /// The document as it came.
    pub(in crate::authority) document: String,
    /// On which terms it was fetched: a digest. On others it says nothing of
    /// whom to believe next, nor of what is older.
    pub(in crate::authority) terms: String,
    /// In whole seconds.
    pub(in crate::authority) fetched_at: SystemTime,
}

/// What became of a bundle that was to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::authority) enum Kept {
    /// It says something new.
    News,
    /// It is older than what is known, and was not kept.
    Older {
        /// The sequence that is known.
        known: u64,
    },
    /// It says what was known.
    Same,
}

type Row = (String, String, String, i64);

impl Ledger {
    /// All of them, in the order of their trust domains.
    pub(in crate::authority) async fn foreign_bundles(
        &self,
    ) -> Result<Vec<ForeignRow>, LedgerError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT trust_domain, terms, document, fetched_at_s FROM foreign_bundle
             ORDER BY trust_domain",
        )
        .fetch_all(self.database.pool())
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// That of `trust_domain`.
    pub(in crate::authority) async fn foreign_bundle(
        &self,
        trust_domain: &TrustDomain,
    ) -> Result<Option<ForeignRow>, LedgerError> {
        let row: Option<Row> = sqlx::query_as(ONE)
            .bind(trust_domain.as_str().to_owned())
            .fetch_optional(self.database.pool())
            .await?;
        row.map(read).transpose()
    }

    /// Keeps what was fetched, unless something newer is there.
    pub(in crate::authority) async fn keep_foreign_bundle(
        &self,
        fetched: &ForeignRow,
    ) -> Result<Kept, LedgerError> {
        let mut change = self.database.begin().await?;
        let kept = keep(change.connection(), fetched).await?;
        match kept {
            Kept::News => {
                change.commit().await?;
            }
            Kept::Older { .. } => {}
            Kept::Same => change.commit_quietly().await?,
        }
        Ok(kept)
    }

    /// Forgets all but those of `wanted`, and tells which.
    pub(in crate::authority) async fn forget_foreign_bundles_but(
        &self,
        wanted: &BTreeSet<TrustDomain>,
    ) -> Result<Vec<String>, LedgerError> {
        let mut change = self.database.begin().await?;
        let there: Vec<String> = sqlx::query_scalar("SELECT trust_domain FROM foreign_bundle")
            .fetch_all(change.connection())
            .await?;
        let unwanted: Vec<String> = there
            .into_iter()
            .filter(|trust_domain| !wanted.contains(trust_domain.as_str()))
            .collect();
        for trust_domain in &unwanted {
            sqlx::query("DELETE FROM foreign_bundle WHERE trust_domain = $1")
                .bind(trust_domain.clone())
                .execute(change.connection())
                .await?;
        }
        if !unwanted.is_empty() {
            change.commit().await?;
        }
        Ok(unwanted)
    }
}

async fn keep(connection: &mut AnyConnection, fetched: &ForeignRow) -> Result<Kept, LedgerError> {
    let trust_domain = fetched.foreign.bundle.trust_domain().as_str().to_owned();
    // The write comes first: it makes the database put others in a row behind us.
    sqlx::query("UPDATE change_counter SET version = version")
        .execute(&mut *connection)
        .await?;
    let row: Option<Row> = sqlx::query_as(ONE)
        .bind(trust_domain.clone())
        .fetch_optional(&mut *connection)
        .await?;
    let known = row.map(read).transpose()?;
    if let Some(known) = &known
        && known.terms == fetched.terms
        && let (Some(known), Some(found)) = (known.foreign.sequence, fetched.foreign.sequence)
        && found < known
    {
        return Ok(Kept::Older { known });
    }
    sqlx::query(
        "INSERT INTO foreign_bundle (trust_domain, terms, document, fetched_at_s)
         VALUES ($1, $2, $3, $4) ON CONFLICT (trust_domain) DO UPDATE
         SET terms = excluded.terms, document = excluded.document,
             fetched_at_s = excluded.fetched_at_s",
    )
    .bind(trust_domain)
    .bind(fetched.terms.clone())
    .bind(fetched.document.clone())
    .bind(seconds(fetched.fetched_at))
    .execute(connection)
    .await?;
    let is_same = known.is_some_and(|known| known.foreign.says_the_same_as(&fetched.foreign));
    Ok(if is_same { Kept::Same } else { Kept::News })
}

fn read((trust_domain, terms, document, fetched_at_s): Row) -> Result<ForeignRow, LedgerError> {
    let bad = || LedgerError::BadRow {
        table: "foreign_bundle",
        row: trust_domain.clone(),
    };
    let name = trust_domain.parse().map_err(|_invalid| bad())?;
    let foreign = Foreign::read(name, document.as_bytes()).map_err(|_invalid| bad())?;
    Ok(ForeignRow {
        foreign,
        document,
        terms,
        fetched_at: date(fetched_at_s),
    })
}

const ONE: &str = "SELECT trust_domain, terms, document, fetched_at_s FROM foreign_bundle
                   WHERE trust_domain = $1";
