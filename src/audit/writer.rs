//! The one thread that puts lines into the sink.
//!
//! It keeps what it could not write and tries again, so that a sink that fails
//! for a while costs refused requests, but no line. Nothing is freed before it
//! is written.

use crate::audit::batch::Batch;
use crate::audit::common::Common;
use crate::audit::common::Orders;
use crate::audit::log::Settings;
use crate::audit::paper::Paper;
use crate::audit::scribe::Scribe;
use crate::audit::shard::Shard;
#[cfg(test)]
use crate::audit::sink::Output;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Writes the lines of all shards.
///
/// When it is dropped, the log is closed: no request gets room any more.
#[derive(Debug)]
pub struct Writer {
    common: Arc<Common>,
    shards: Arc<[Shard]>,
    paper: Paper,
    scribe: Scribe,
    batch: Batch,
    stop_timeout: Duration,
    /// How long to wait before the next attempt, while attempts fail.
    back_off: Option<Duration>,
    /// When to give up, once told to stop.
    deadline: Option<Instant>,
    /// When it was last looked whether the file is still there.
    looked: Option<Instant>,
    /// Rounds in a row without lines.
    quiet_rounds: u32,
}

/// The writer was told to stop, and something was left.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{records} audit records were not written before the deadline to stop")]
pub struct UnwrittenError {
    /// Requests that had not ended, and lines that the sink did not take.
    pub records: usize,
}

impl Writer {
    pub(super) fn new(
        common: Arc<Common>,
        shards: Arc<[Shard]>,
        (paper, scribe): (Paper, Scribe),
        settings: &Settings,
    ) -> Self {
        Self {
            common,
            shards,
            paper,
            scribe,
            batch: Batch::default(),
            stop_timeout: settings.stop_timeout,
            back_off: None,
            deadline: None,
            looked: None,
            quiet_rounds: 0,
        }
    }

    /// Writes until it is told to [stop](crate::audit::Log::stop). Blocks its
    /// thread.
    ///
    /// # Errors
    ///
    /// [`UnwrittenError`] if requests were still under way, or the sink still
    /// failing, at the deadline.
    pub fn run(mut self) -> Result<(), UnwrittenError> {
        loop {
            self.turn();
            let Some(deadline) = self.deadline else {
                continue;
            };
            let records = self.shards.iter().map(Shard::taken).sum();
            if records == 0 && self.is_complete() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return match records {
                    0 => Ok(()),
                    records => Err(UnwrittenError { records }),
                };
            }
        }
    }

    /// Whether the last checkpoint, too, is written. Begins it, if not.
    fn is_complete(&mut self) -> bool {
        if self.batch.is_empty() {
            self.batch.close(&mut self.scribe);
        }
        self.batch.is_empty()
    }

    /// Waits until there is something to do, and does it.
    pub(super) fn turn(&mut self) {
        let orders = self.wait();
        self.obey(orders);
        self.round();
    }

    /// Waits for the next round to begin.
    fn wait(&mut self) -> Orders {
        if let Some(back_off) = self.back_off {
            return self.common.orders(Some(back_off.min(self.patience())));
        }
        if self.quiet_rounds < LINGER_ROUNDS || self.deadline.is_some() {
            return self.common.orders(Some(PACE));
        }
        self.common.doze();
        // A line that came before we dozed did not ring the bell.
        self.batch.collect(&self.shards, &mut self.scribe);
        let orders = if self.batch.is_empty() {
            self.common.orders(self.due())
        } else {
            Orders::default()
        };
        self.common.rouse();
        orders
    }

    /// How long a failing sink may keep the writer from looking at the clock.
    const fn patience(&self) -> Duration {
        if self.deadline.is_some() {
            PACE
        } else {
            LONGEST_BACK_OFF
        }
    }

    /// How long there is nothing to do if no line comes.
    fn due(&self) -> Option<Duration> {
        let sign = self
            .scribe
            .due()
            .map(|due| due.saturating_duration_since(Instant::now()));
        [sign, self.paper.due(self.common.now())]
            .into_iter()
            .flatten()
            .min()
    }

    fn obey(&mut self, orders: Orders) {
        if orders.reopen {
            self.reopen();
        }
        if orders.stop {
            self.deadline = Some(Instant::now() + self.stop_timeout);
        }
    }

    /// Writes what waits.
    pub(super) fn round(&mut self) {
        if self.batch.is_empty() {
            self.batch.collect(&self.shards, &mut self.scribe);
        }
        if self.batch.is_empty() {
            self.quiet_rounds = self.quiet_rounds.saturating_add(1);
            self.rotate();
            return;
        }
        self.quiet_rounds = 0;
        self.look();
        self.common.writes(Instant::now());
        match self
            .batch
            .write_to(self.paper.output(), &self.common.meters)
        {
            Ok(()) => self.written(),
            Err(error) => self.failed(&error),
        }
    }

    fn written(&mut self) {
        let mut all = 0;
        for (shard, records) in self.shards.iter().zip(self.batch.records()) {
            shard.free(*records);
            all += u64::try_from(*records).unwrap_or(0);
        }
        if all > 0 {
            self.paper.used();
        }
        self.common.meters.records.inc_by(all);
        self.common.feed.tell(self.batch.bytes());
        self.batch.clear();
        self.common.has_written();
        if self.back_off.take().is_some() && self.common.failures().write.take().is_some() {
            self.common.sink_works();
            tracing::info!("the audit log's sink takes records again");
        }
        if let Some(checkpoint) = self.scribe.written() {
            self.publish(checkpoint);
        }
        self.rotate();
    }

    /// Shows a checkpoint to others, once a crash of the machine would not make it a lie.
    fn publish(&self, checkpoint: String) {
        if let Err(error) = self.paper.sync() {
            tracing::error!(%error, "the audit log's file cannot be synchronised: its checkpoint is not shown");
            return;
        }
        self.common.meters.checkpoints.inc();
        self.common.publish(checkpoint);
    }

    fn failed(&mut self, error: &io::Error) {
        self.common.meters.write_failures.inc();
        let last = self.back_off.unwrap_or(PACE);
        self.back_off = Some((last * 2).min(LONGEST_BACK_OFF));
        // A reader that is slow is no failure before the queue is full.
        if error.kind() == io::ErrorKind::WouldBlock {
            self.back_off = Some(PACE);
            return;
        }
        if self.common.fails(error.to_string()) {
            tracing::error!(%error, "the audit log's sink fails: requests are refused");
        }
    }

    /// Makes a new file if somebody deleted the old one without telling.
    fn look(&mut self) {
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < LOOK_EVERY)
        {
            return;
        }
        self.looked = Some(Instant::now());
        if self.paper.is_deleted() {
            tracing::warn!("the audit log's file was deleted: a new one is begun");
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        match self.paper.reopen(self.common.now()) {
            Ok(turned) => {
                if turned {
                    self.batch.turn(&mut self.scribe);
                }
                self.common.failures().reopen = None;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn Error,
                    "the audit log cannot be opened again: records go to the old file"
                );
                self.common.turn_failed(&error);
            }
        }
    }

    /// Changes the file for another, if it is full or old enough. All that was sealed must be written.
    fn rotate(&mut self) {
        let now = self.common.now();
        if !self.paper.is_due(now) {
            return;
        }
        // The last line of a file says how far it has come.
        self.batch.close(&mut self.scribe);
        if !self.batch.is_empty() {
            self.quiet_rounds = 0;
            return;
        }
        let chain = self.scribe.chain();
        match self.paper.finish(chain.seq(), now) {
            Ok(name) => {
                tracing::info!(
                    file = name,
                    "the audit log's file is finished, and another begun"
                );
                self.common.meters.rotations.inc();
                self.scribe.turn_to(chain, name, None);
                for file in self.paper.thin() {
                    tracing::warn!(
                        file,
                        "an old file of the audit log is deleted, as `keep` says"
                    );
                    self.scribe.deleted(file);
                }
                self.common.failures().reopen = None;
                self.quiet_rounds = 0;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn Error,
                    "the audit log's file cannot be changed for another: records go to the old file"
                );
                self.common.turn_failed(&error);
            }
        }
    }
}

#[cfg(test)]
impl Writer {
    /// Writes to `to` until it is told to open its sink again.
    pub(super) fn turn_to(&mut self, to: Box<dyn io::Write + Send>) {
        self.paper.write_to(Output::to(to));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.common.close();
    }
}

/// How often a busy log is written: often enough to be read as it grows, rarely
/// enough that a write carries many lines.
const PACE: Duration = Duration::from_millis(5);

/// How many rounds without lines before the writer sleeps: a tenth of a second,
/// so that a request seldom pays for waking it.
const LINGER_ROUNDS: u32 = 20;

/// How long a sink that recovers may go unnoticed.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// How long records may go to a file that was deleted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
