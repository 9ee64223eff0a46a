//! Entries that operators made while the authority ran.

use std::time::Duration;

use sqlx::AnyConnection;

use crate::authority::entry::Entry;
use crate::authority::entry::EntryName;
use crate::authority::entry::Origin;
use crate::authority::id_template::IdTemplate;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::groups_from_text;
use crate::authority::ledger::groups_to_text;
use crate::authority::ledger::selectors_from_text;
use crate::authority::ledger::selectors_to_text;
use crate::id::TrustDomain;

type Row = (String, String, String, String, i64, String);

impl Ledger {
    /// All of them.
    pub(in crate::authority) async fn entries(
        &self,
        trust_domain: &TrustDomain,
    ) -> Result<Vec<Entry>, LedgerError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT name, origin, selectors, spiffe_id, svid_ttl_s, member_of
             FROM entry ORDER BY name",
        )
        .fetch_all(self.database.pool())
        .await?;
        rows.into_iter()
            .map(|row| read(row, trust_domain))
            .collect()
    }

    /// Adds one. Tells whether it did: it does not if the name is taken.
    pub(in crate::authority) async fn add_entry(&self, entry: &Entry) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let added = insert(change.connection(), entry).await?;
        change.commit().await?;
        Ok(added)
    }

    /// Removes one, with its token if that was not used. Tells whether it was there.
    pub(in crate::authority) async fn remove_entry(
        &self,
        name: &EntryName,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let removed = sqlx::query("DELETE FROM entry WHERE name = $1")
            .bind(name.as_str().to_owned())
            .execute(change.connection())
            .await?;
        sqlx::query("DELETE FROM join_token WHERE entry = $1")
            .bind(name.as_str().to_owned())
            .execute(change.connection())
            .await?;
        change.commit().await?;
        Ok(removed.rows_affected() == 1)
    }
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    entry: &Entry,
) -> Result<bool, LedgerError> {
    let ttl = entry.svid_ttl.unwrap_or(Duration::ZERO).as_secs();
    let added = sqlx::query(
        "INSERT INTO entry (name, origin, selectors, spiffe_id, svid_ttl_s, member_of)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(entry.name.as_str().to_owned())
    .bind(entry.origin.as_str())
    .bind(selectors_to_text(&entry.selectors))
    .bind(entry.id.to_string())
    .bind(i64::try_from(ttl).unwrap_or(i64::MAX))
    .bind(groups_to_text(&entry.groups))
    .execute(connection)
    .await?;
    Ok(added.rows_affected() == 1)
}

fn read(row: Row, trust_domain: &TrustDomain) -> Result<Entry, LedgerError> {
    let (name, origin, selectors, id, ttl, groups) = row;
    let bad = || LedgerError::BadRow {
        table: "entry",
        row: name.clone(),
    };
    let origin = match origin.as_str() {
        "api" => Origin::Api,
        "token" => Origin::Token,
        _ => return Err(bad()),
    };
    let selectors = selectors_from_text(&selectors).ok_or_else(bad)?;
    if selectors.is_empty() {
        return Err(bad());
    }
    let ttl = u64::try_from(ttl).map_err(|_negative| bad())?;
    Ok(Entry {
        name: name.parse().map_err(|_invalid| bad())?,
        selectors,
        id: IdTemplate::parse(&id, trust_domain).map_err(|_invalid| bad())?,
        svid_ttl: (ttl > 0).then(|| Duration::from_secs(ttl)),
        groups: groups_from_text(&groups).ok_or_else(bad)?,
        origin,
    })
}
