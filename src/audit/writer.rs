//! The one thread that puts lines into the sink.
//!
//! It keeps what it could not write and tries again, so that a sink that fails
//! for a while costs refused requests, but no line. Nothing is freed before it
//! is written.

use crate::audit::common::Common;
use crate::audit::common::Orders;
use crate::audit::log::Settings;
use crate::audit::shard::Shard;
use crate::audit::sink::Output;
use crate::audit::sink::Sink;
use crate::audit::status::Failure;
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
    sink: Sink,
    output: Output,
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

/// Lines on their way into the sink.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// How many of `bytes` are in the sink.
    written: usize,
    /// How many records are from each shard.
    records: Vec<usize>,
    /// Kept for its memory.
    spare: Vec<u8>,
}

impl Writer {
    pub(super) fn new(
        common: Arc<Common>,
        shards: Arc<[Shard]>,
        output: Output,
        settings: &Settings,
    ) -> Self {
        Self {
            common,
            shards,
            sink: settings.sink.clone(),
            output,
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
            if records == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(UnwrittenError { records });
            }
        }
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
        self.batch.collect(&self.shards);
        let orders = if self.batch.is_empty() {
            self.common.orders(None)
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
            self.batch.collect(&self.shards);
        }
        if self.batch.is_empty() {
            self.quiet_rounds = self.quiet_rounds.saturating_add(1);
            return;
        }
        self.quiet_rounds = 0;
        self.look();
        match self.batch.write_to(&mut self.output) {
            Ok(()) => self.written(),
            Err(error) => self.failed(&error),
        }
    }

    fn written(&mut self) {
        let mut all = 0;
        for (shard, records) in self.shards.iter().zip(&self.batch.records) {
            shard.free(*records);
            all += u64::try_from(*records).unwrap_or(0);
        }
        self.common.meters.records.inc_by(all);
        let bytes = u64::try_from(self.batch.bytes.len()).unwrap_or(0);
        self.common.meters.bytes.inc_by(bytes);
        self.batch.clear();
        if self.back_off.take().is_some() && self.common.failures().write.take().is_some() {
            self.common.sink_works();
            tracing::info!("the audit log's sink takes records again");
        }
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
        self.common.sink_fails();
        let mut failures = self.common.failures();
        if failures.write.is_none() {
            tracing::error!(%error, "the audit log's sink fails: requests are refused");
        }
        let since = failures
            .write
            .take()
            .map_or_else(|| self.common.now(), |failure| failure.since);
        failures.write = Some(Failure {
            reason: error.to_string(),
            since,
        });
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
        if matches!(self.sink, Sink::File(_)) && self.output.is_deleted() {
            tracing::warn!("the audit log's file was deleted: a new one is begun");
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        match Output::open(&self.sink) {
            Ok(output) => {
                self.output = output;
                self.batch.back_to_line_start();
                self.common.failures().reopen = None;
            }
            Err(error) => {
                self.common.meters.write_failures.inc();
                tracing::error!(
                    error = &error as &dyn Error,
                    "the audit log cannot be opened again: records go to the old file"
                );
                let since = self.common.now();
                let cause = error.source().map(ToString::to_string);
                let reason =
                    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
                self.common.failures().reopen = Some(Failure { reason, since });
            }
        }
    }
}

#[cfg(test)]
impl Writer {
    /// Writes to `to` until it is told to open its sink again.
    pub(super) fn turn_to(&mut self, to: Box<dyn io::Write + Send>) {
        self.output = Output::to(to);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.common.close();
    }
}

impl Batch {
    const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what waits in `shards`. The batch must be empty.
    fn collect(&mut self, shards: &[Shard]) {
        self.records.clear();
        for shard in shards {
            let records = shard.swap(&mut self.spare);
            self.records.push(records);
            if self.bytes.is_empty() {
                std::mem::swap(&mut self.bytes, &mut self.spare);
            } else {
                self.bytes.append(&mut self.spare);
            }
        }
    }

    fn write_to(&mut self, output: &mut Output) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.written..) {
            if rest.is_empty() {
                break;
            }
            self.written += output.write(rest)?;
        }
        Ok(())
    }

    /// Gives up what was written of a line that is not wholly written, because
    /// the rest of it goes elsewhere.
    fn back_to_line_start(&mut self) {
        let written = self.bytes.get(..self.written).unwrap_or_default();
        let last_end = written.iter().rposition(|byte| *byte == b'\n');
        self.written = last_end.map_or(0, |at| at + 1);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.written = 0;
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

/// What a buffer keeps of its memory after a burst.
const KEPT_BYTES: usize = 1024 * 1024;
