//! Whose turn it is to look after a host, and how often that may be.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::acme::ledger::Ledger;
use crate::acme::ledger::column;
use crate::session::KeepError;
use crate::session::SessionId;
use crate::store::Change;
use crate::time::Clock;
use crate::time::seconds;

/// The right to look after a host, for [a short time](Claim::LASTS) that can be
/// [prolonged](Ledger::hold).
///
/// Not `Clone`: one claim, one outcome. Dropped, it is free again when its time is over.
#[derive(Debug)]
pub(in crate::acme) struct Claim {
    pub(super) host: String,
    pub(super) word: String,
}

impl Claim {
    /// How long a host waits for a claimant that was killed. The clocks of sidecars
    /// may differ by as much as it is longer than [the time to prolong](PROLONG).
    const LASTS: Duration = Duration::from_secs(90);

    /// For which host.
    pub(in crate::acme) fn host(&self) -> &str {
        &self.host
    }
}

/// What a host is claimed for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::acme) enum Wish {
    /// A certificate, which counts against the bound of an hour.
    Order,
    /// What costs the CA next to nothing.
    Question,
}

/// What becomes of the wish to look after a host.
#[derive(Debug)]
pub(in crate::acme) enum Claimed {
    /// It is granted.
    Ours(Claim),
    /// Another has it, or has had it.
    Taken,
    /// There were as many orders in this hour as there may be.
    TooMany,
}

impl Ledger {
    /// Claims `host`, whose row is of `version`, at `now`.
    pub(in crate::acme) async fn claim(
        &self,
        (host, version): (&str, i64),
        now: u64,
        wish: Wish,
    ) -> Result<Claimed, KeepError> {
        let Ok(word) = SessionId::generate().map(|word| word.digest().to_string()) else {
            return Ok(Claimed::Taken);
        };
        let mut change = self.begin().await?;
        // Whoever counts, counts what others have claimed.
        change.alone().await?;
        let is_order = wish == Wish::Order;
        if is_order && self.orders(&mut change, now).await? >= MOST_ORDERS {
            return Ok(Claimed::TooMany);
        }
        let claimed = sqlx::query(
            "UPDATE web_certificate SET claim = $1, claimed_until_s = $2
             WHERE directory = $3 AND host = $4 AND version = $5 AND claimed_until_s <= $6",
        )
        .bind(word.clone())
        .bind(column(now.saturating_add(Claim::LASTS.as_secs())))
        .bind(self.directory.clone())
        .bind(host.to_owned())
        .bind(version)
        .bind(column(now))
        .execute(change.connection())
        .await?;
        if claimed.rows_affected() != 1 {
            return Ok(Claimed::Taken);
        }
        if is_order {
            sqlx::query("INSERT INTO web_order (directory, host, at_s) VALUES ($1, $2, $3)")
                .bind(self.directory.clone())
                .bind(host.to_owned())
                .bind(column(now))
                .execute(change.connection())
                .await?;
        }
        change.commit_quietly().await?;
        let host = host.to_owned();
        Ok(Claimed::Ours(Claim { host, word }))
    }

    /// Does `work`, and prolongs `claim` for as long as that takes.
    pub(in crate::acme) async fn hold<T>(
        &self,
        claim: &Claim,
        clock: &dyn Clock,
        work: impl Future<Output = T>,
    ) -> T {
        self.hold_by(PROLONG, claim, clock, work).await
    }

    /// Prolongs it whenever `every` is over.
    pub(super) async fn hold_by<T>(
        &self,
        every: Duration,
        claim: &Claim,
        clock: &dyn Clock,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(every, &mut work).await {
                return done;
            }
            if let Err(error) = self.prolong(claim, seconds(clock.now())).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, host = claim.host, "a claim cannot be prolonged");
            }
        }
    }

    async fn prolong(&self, claim: &Claim, now: u64) -> Result<(), KeepError> {
        let mut change = self.begin().await?;
        sqlx::query(
            "UPDATE web_certificate SET claimed_until_s = $1
             WHERE directory = $2 AND host = $3 AND claim = $4",
        )
        .bind(column(now.saturating_add(Claim::LASTS.as_secs())))
        .bind(self.directory.clone())
        .bind(claim.host.clone())
        .bind(claim.word.clone())
        .execute(change.connection())
        .await?;
        Ok(change.commit_quietly().await?)
    }

    /// How many orders there were in the hour before `now`; older ones are forgotten.
    async fn orders(&self, change: &mut Change<'_>, now: u64) -> Result<i64, KeepError> {
        sqlx::query("DELETE FROM web_order WHERE at_s <= $1")
            .bind(column(now.saturating_sub(AN_HOUR_S)))
            .execute(change.connection())
            .await?;
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM web_order WHERE directory = $1");
        let count = count.bind(self.directory.clone());
        Ok(count.fetch_one(change.connection()).await?)
    }

    /// Nothing was ordered for `host` after all: what was counted last is not.
    pub(in crate::acme) async fn uncount(&self, host: &str) -> Result<(), KeepError> {
        let mut change = self.begin().await?;
        change.alone().await?;
        sqlx::query(
            "DELETE FROM web_order WHERE directory = $1 AND host = $2 AND at_s =
             (SELECT MAX(at_s) FROM web_order WHERE directory = $1 AND host = $2)",
        )
        .bind(self.directory.clone())
        .bind(host.to_owned())
        .execute(change.connection())
        .await?;
        Ok(change.commit_quietly().await?)
    }
}

/// After which time of work a claim is prolonged.
const PROLONG: Duration = Duration::from_secs(20);
/// Of all hosts, in an hour: below what the CAs of the web allow.
const MOST_ORDERS: i64 = 90;
const AN_HOUR_S: u64 = 3600;
