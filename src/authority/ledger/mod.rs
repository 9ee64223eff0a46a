//! What the authority must not forget, in the database.
//!
//! Rows become values here, and what is not valid in a row is an error that
//! names it: a database that somebody else wrote into is not believed.

mod entries;
mod foreign;
mod issued;
mod keys;
mod policies;
mod revocations;
mod tokens;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::authority::selector::Selector;
use crate::policy::GroupName;
use crate::store::Database;
use crate::store::DatabaseError;

pub(super) use foreign::ForeignRow;
pub(super) use foreign::Kept;
pub(super) use issued::IssuedRow;
pub(super) use issued::TokenUse;
pub(super) use keys::KeyRow;
pub(super) use keys::KeyState;
pub(super) use keys::OnlyIf;
pub(super) use policies::NewPolicy;
pub(super) use policies::PolicyRow;
pub(super) use policies::RolledBack;
pub(super) use tokens::Spent;

/// The tables, in the order in which they came.
pub(super) const SCHEMA: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("jwt_key.sql"),
    include_str!("federation.sql"),
    include_str!("policies.sql"),
    include_str!("rollback.sql"),
];

/// The authority's part of the database.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    database: Arc<Database>,
}

impl Ledger {
    pub(super) const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    pub(super) const fn database(&self) -> &Arc<Database> {
        &self.database
    }
}

/// Why the database gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A row that this program did not write.
    #[error("row `{row}` of table `{table}` is not valid")]
    BadRow {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
    },
    /// The database did not answer.
    #[error("the database did not answer")]
    Database {
        /// Why.
        #[source]
        cause: DatabaseError,
    },
}

impl From<DatabaseError> for LedgerError {
    fn from(cause: DatabaseError) -> Self {
        Self::Database { cause }
    }
}

impl From<sqlx::Error> for LedgerError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Database {
            cause: cause.into(),
        }
    }
}

/// The calendar as the database has it. Dates that are not in it are its ends.
fn seconds(at: SystemTime) -> i64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}

/// [`seconds`] back.
fn date(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// One a line: no selector has a line break in it.
fn selectors_to_text(selectors: &BTreeSet<Selector>) -> String {
    let lines: Vec<String> = selectors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn groups_from_text(text: &str) -> Option<BTreeSet<GroupName>> {
    text.lines().map(|line| line.parse().ok()).collect()
}

/// One a line.
fn groups_to_text(groups: &BTreeSet<GroupName>) -> String {
    let lines: Vec<&str> = groups.iter().map(GroupName::as_str).collect();
    lines.join("\n")
}

fn selectors_from_text(text: &str) -> Option<BTreeSet<Selector>> {
    text.lines().map(|line| line.parse().ok()).collect()
}
