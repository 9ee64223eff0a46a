//! What happens to sessions by itself: others change them, time passes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;

use crate::policy::Person;
use crate::session::archive;
use crate::session::archive::Row;
use crate::session::archive::Said;
use crate::session::calendar::column;
use crate::session::calendar::from_column;
use crate::session::calendar::seconds;
use crate::session::error::KeepError;
use crate::session::id::Digest;
use crate::session::live::Facts;
use crate::session::live::Life;
use crate::session::live::Seeing;
use crate::session::live::Session;
use crate::session::sessions::Seen;
use crate::session::sessions::Sessions;
use crate::session::why::Why;

impl Sessions {
    /// Learns of what other sidecars change, ends what is over, and writes down
    /// when sessions were used, for ever.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point and called again.
    pub async fn follow(&self) {
        tokio::join!(
            self.database.follow(),
            self.follow_changes(),
            self.ask_for_changes(),
            self.watch_the_clock(),
            self.keep_books()
        );
    }

    async fn follow_changes(&self) {
        let mut versions = self.database.versions();
        loop {
            versions.borrow_and_update();
            if let Err(error) = self.catch_up().await {
                complain(&error, "changes of sessions cannot be read");
                // Its version is told once only.
                sleep(EACH_SECOND).await;
                continue;
            }
            if versions.changed().await.is_err() {
                return;
            }
        }
    }

    /// Asks as well as listens: an end must not wait for a word that was lost, and
    /// a store that is away must be noticed.
    async fn ask_for_changes(&self) {
        let mut second = ticks();
        while self.database.is_shared() {
            second.tick().await;
            if let Err(error) = self.database.look().await {
                let error: &dyn std::error::Error = &error;
                tracing::debug!(error, "the store of sessions does not answer");
            }
        }
    }

    /// Never waits for the store.
    async fn watch_the_clock(&self) {
        let mut second = ticks();
        loop {
            second.tick().await;
            if self.database.silence() > self.terms.limits.blind {
                self.board.see(Seeing::Nothing);
            }
            self.end_by_the_clock();
        }
    }

    async fn keep_books(&self) {
        let mut second = ticks();
        let idle = self.terms.limits.idle;
        let write_every = (idle / 4).clamp(EACH_SECOND, MOST_UNWRITTEN);
        let mut written = Instant::now();
        let mut reloaded = Instant::now();
        loop {
            second.tick().await;
            if self.database.silence() > self.terms.limits.blind {
                continue;
            }
            if self.board.is_blind() || reloaded.elapsed() >= RELOAD_EVERY {
                // Believed again only after all that was missed is known.
                match self.reload().await {
                    Ok(()) => self.board.see(Seeing::All),
                    Err(error) => complain(&error, "sessions cannot be read again"),
                }
                reloaded = Instant::now();
            }
            if let Err(error) = self.write_ends().await {
                complain(&error, "ends of sessions cannot be written");
            }
            if written.elapsed() >= write_every {
                if let Err(error) = self.write_uses(write_every).await {
                    complain(&error, "the last use of sessions cannot be written");
                }
                written = Instant::now();
            }
        }
    }

    /// Reads what changed since it was last read.
    pub(super) async fn catch_up(&self) -> Result<(), KeepError> {
        let mut seen = self.seen.lock().await;
        self.read_on(&mut seen).await
    }

    pub(super) async fn read_on(&self, seen: &mut Seen) -> Result<(), KeepError> {
        seen.began = Instant::now();
        let rows = archive::since(&self.database, seen.version).await?;
        self.take_in(rows, seen);
        Ok(())
    }

    /// Reads everything. What is not there any more is over: somebody has removed
    /// it by hand, or it ended so long ago that it has been forgotten.
    pub(super) async fn reload(&self) -> Result<(), KeepError> {
        let mut seen = self.seen.lock().await;
        // First what changed: it says why sessions ended.
        self.read_on(&mut seen).await?;
        let known = self.board.all();
        seen.began = Instant::now();
        let rows = archive::live(&self.database).await?;
        let there: BTreeSet<Digest> = rows.iter().filter_map(|row| row.0.parse().ok()).collect();
        self.take_in(rows, &mut seen);
        drop(seen);
        let now = seconds(self.clock.now());
        for session in known {
            if !there.contains(&session.digest()) && session.life().over().is_none() {
                self.board.has_ended(&session.digest(), Why::Revoked);
            }
        }
        self.board.retain(|session| {
            // Whoever comes back soon is told why.
            let last_used = session.life().last_used();
            !session.life().is_written() || now < last_used.saturating_add(REMEMBER_ENDED_S)
        });
        self.clean(now).await
    }

    fn take_in(&self, rows: Vec<Row>, seen: &mut Seen) {
        for row in rows {
            seen.version = seen.version.max(row.9);
            match archive::read(row, &self.key) {
                Said::Live(said, used) => {
                    let (facts, person) = *said;
                    self.put(facts, person, used);
                }
                Said::Ended(digest, why) => self.board.has_ended(&digest, why),
                Said::Damaged(digest) => self.complain_once(&digest),
            }
        }
    }

    /// Takes in what the store says of a session that is in force.
    pub(super) fn put(&self, facts: Facts, person: Person, used: u64) {
        let life = match self.board.find(&facts.digest) {
            Some(known) => {
                let life = Arc::clone(known.life());
                let was_stale = life.over() == Some(Why::Unrefreshed);
                if was_stale && !life.is_written() && facts.good_until > known.facts().good_until {
                    life.goes_on(used);
                }
                life.touch(used);
                life
            }
            None => Arc::new(Life::new(used)),
        };
        self.board
            .put(Session::new(facts, person, life, &self.terms));
    }

    /// A damaged row is no session, and is told of once.
    fn complain_once(&self, row: &str) {
        if let Ok(digest) = row.parse() {
            self.board.has_ended(&digest, Why::Damaged);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(row.to_owned()) {
            drop(told);
            tracing::error!(
                row,
                "a session is damaged in the store, or sealed with another key: it is over"
            );
        }
    }

    /// Ends what is over by the clock: whoever looks at a session has it end, and
    /// tells all.
    pub(super) fn end_by_the_clock(&self) {
        let now = self.clock.now();
        for session in self.board.all() {
            // Whoever keeps the books writes it down.
            let _in_force = session.check(now);
        }
    }

    /// Writes down the ends that are known here only.
    pub(super) async fn write_ends(&self) -> Result<(), KeepError> {
        for session in self.board.all() {
            self.settle(&session).await?;
        }
        Ok(())
    }

    /// Writes down when sessions were used here, and learns when elsewhere.
    pub(super) async fn write_uses(&self, every: Duration) -> Result<(), KeepError> {
        let uses = self.board.all().into_iter().filter_map(|session| {
            let used = session.life().unwritten_use()?;
            session.life().over().is_none().then_some((session, used))
        });
        let uses: Vec<_> = uses.collect();
        for some in uses.chunks(MOST_AT_ONCE) {
            let mut change = self.begin().await?;
            change.alone().await?;
            for (session, used) in some {
                sqlx::query(
                    "UPDATE session SET last_used_s = $1
                     WHERE digest = $2 AND last_used_s < $1 AND why = ''",
                )
                .bind(column(*used))
                .bind(session.digest().to_string())
                .execute(change.connection())
                .await?;
            }
            change.commit_quietly().await?;
            for (session, used) in some {
                session.life().wrote_use(*used);
            }
        }
        if self.database.is_shared() {
            self.read_uses(every).await?;
        }
        Ok(())
    }

    async fn read_uses(&self, every: Duration) -> Result<(), KeepError> {
        let since = seconds(self.clock.now()).saturating_sub(every.as_secs() * 3);
        let uses: Vec<(String, i64)> = sqlx::query_as(
            "SELECT digest, last_used_s FROM session WHERE why = '' AND last_used_s >= $1",
        )
        .bind(column(since))
        .fetch_all(self.database.pool())
        .await?;
        for (digest, used) in uses {
            let session = digest
                .parse()
                .ok()
                .and_then(|digest| self.board.find(&digest));
            if let (Some(session), Some(used)) = (session, from_column(used)) {
                session.life().touch(used);
                session.life().wrote_use(used);
            }
        }
        Ok(())
    }

    /// Forgets what ended a while ago.
    async fn clean(&self, now: u64) -> Result<(), KeepError> {
        let before = column(now.saturating_sub(KEEP_ENDED_S));
        let mut change = self.begin().await?;
        change.alone().await?;
        sqlx::query("DELETE FROM session WHERE why <> '' AND ended_s < $1")
            .bind(before)
            .execute(change.connection())
            .await?;
        sqlx::query("DELETE FROM spent WHERE until_s < $1")
            .bind(before)
            .execute(change.connection())
            .await?;
        sqlx::query("DELETE FROM device_grant WHERE until_s < $1")
            .bind(before)
            .execute(change.connection())
            .await?;
        Ok(change.commit_quietly().await?)
    }
}

fn ticks() -> Interval {
    let mut second = interval(EACH_SECOND);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second
}

fn complain(error: &KeepError, what: &str) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, "{what}");
}

/// How soon an end by the clock is told to what is in flight, and a word of the
/// store's that was lost is noticed.
const EACH_SECOND: Duration = Duration::from_secs(1);

/// How long the store may not know that a session was used.
const MOST_UNWRITTEN: Duration = Duration::from_secs(30);

/// How often everything is read again, in case it was changed by hand.
const RELOAD_EVERY: Duration = Duration::from_secs(60);

/// How many uses are written at once.
const MOST_AT_ONCE: usize = 256;

/// How long the store remembers what is over: longer than sidecars take to learn
/// of it, and than clocks differ.
const KEEP_ENDED_S: u64 = 3600;

/// How long we remember what is over, and why, after it was last used.
const REMEMBER_ENDED_S: u64 = 600;

/// How many damaged rows are told of.
const MOST_TOLD: usize = 1000;
