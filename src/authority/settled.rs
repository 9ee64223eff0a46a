//! Waiting until what is in the database is in force here.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;

/// Knows what is in the database, and what of it is in force here.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// Which version of the database is in force here.
    pub(super) in_force: watch::Receiver<i64>,
    pub(super) ledger: Ledger,
}

impl Settled {
    /// Waits until all that this process has seen of the database is in force.
    pub(super) async fn here(&self) {
        let seen = *self.ledger.database().versions().borrow();
        let mut in_force = self.in_force.clone();
        let settled = in_force.wait_for(|version| *version >= seen);
        if timeout(WITHIN, settled).await.is_err() {
            tracing::warn!("what is in the database is not yet in force");
        }
    }

    /// The same for what others have written: the database is asked. Another
    /// authority may have answered its operator before its word has reached us.
    /// Tells whether there was anything new.
    pub(super) async fn everywhere(&self) -> Result<bool, LedgerError> {
        self.ledger.database().look().await?;
        let seen = *self.ledger.database().versions().borrow();
        let is_news = *self.in_force.borrow() < seen;
        self.here().await;
        Ok(is_news)
    }
}

/// The steward has nothing to do but this; only a database that does not answer
/// keeps it longer.
const WITHIN: Duration = Duration::from_secs(5);
