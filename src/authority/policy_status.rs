//! How it stands with the policies, for the operator.

use std::time::SystemTime;

use crate::authority::ledger::PolicyRow;

/// What is published, and what is wrong with the folder.
#[derive(Clone, Debug, Default)]
pub struct PolicyStatus {
    /// The newest set, if there is one.
    pub published: Option<PublishedPolicy>,
    /// What is wrong with the folder's policies, and since when.
    pub trouble: Option<(String, SystemTime)>,
}

/// A set that was published.
#[derive(Clone, Debug)]
pub struct PublishedPolicy {
    /// Its number.
    pub version: u64,
    /// Its hash, as in records.
    pub revision: String,
    /// Since when.
    pub since: SystemTime,
}

impl From<PolicyRow> for PublishedPolicy {
    fn from(row: PolicyRow) -> Self {
        Self {
            version: row.version,
            revision: row.revision,
            since: row.published_at,
        }
    }
}
