//! Lines on their way into the sink.

use crate::audit::chain::Chain;
use crate::audit::chain::Sealed;
use crate::audit::meters::Meters;
use crate::audit::notice::Notice;
use crate::audit::notice::Torn;
use crate::audit::scribe::Scribe;
use crate::audit::shard::Shard;
use crate::audit::sink::Output;
use std::io;

/// Lines on their way into the sink, each with its place in the chain.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// How many of `bytes` are in the sink.
    written: usize,
    /// How many records are from each shard.
    records: Vec<usize>,
    /// Kept for its memory.
    spare: Vec<u8>,
    /// Where the chain stood before all this.
    before: Chain,
}

impl Batch {
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All of its lines.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records are from each shard.
    pub(super) fn records(&self) -> &[usize] {
        &self.records
    }

    /// Takes what waits in `shards`, and what `scribe` has to say. The batch must be empty.
    pub(super) fn collect(&mut self, shards: &[Shard], scribe: &mut Scribe) {
        self.before = scribe.chain();
        self.records.clear();
        for shard in shards {
            let records = shard.swap(&mut self.spare);
            self.records.push(records);
            // A file has its first line when it has its first record: an idle log is not written to.
            if records > 0 || scribe.must_speak() {
                scribe.say(&mut self.bytes);
            }
            scribe.seal(&self.spare, records, &mut self.bytes);
            self.spare.clear();
            self.spare.shrink_to(KEPT_BYTES);
        }
        scribe.sign_if_due(&mut self.bytes);
    }

    /// Takes a checkpoint of all that is written. The batch must be empty.
    pub(super) fn close(&mut self, scribe: &mut Scribe) {
        self.before = scribe.chain();
        self.records.clear();
        scribe.sign(&mut self.bytes);
    }

    pub(super) fn write_to(&mut self, output: &mut Output, meters: &Meters) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.written..) {
            if rest.is_empty() {
                break;
            }
            let written = output.write(rest)?;
            meters.bytes.inc_by(u64::try_from(written).unwrap_or(0));
            self.written += written;
        }
        Ok(())
    }

    /// Takes out what is wholly written, and puts the rest, whose beginning may be elsewhere, into the chain anew,
    /// because it goes into another file that has words of its own before it.
    pub(super) fn turn(&mut self, scribe: &mut Scribe) {
        if self.is_empty() {
            scribe.turn_to(scribe.chain(), None, None);
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let (written, _) = bytes.split_at_checked(self.written).unwrap_or_default();
        let whole = memchr::memrchr(b'\n', written).map_or(0, |at| at + 1);
        let (done, rest) = bytes.split_at_checked(whole).unwrap_or_default();
        let last = lines(done).filter_map(Sealed::read).last();
        let chain = last.map_or(self.before, |line| Chain::at(line.seq, line.link));
        let torn = Torn::of(written.get(whole..).unwrap_or_default());
        scribe.turn_to(chain, None, torn);
        self.before = chain;
        self.written = 0;
        scribe.say(&mut self.bytes);
        for line in lines(rest) {
            // Where the chain begins, and how far it had come, is said anew.
            let is_stale =
                Notice::read(line).is_some_and(|notice| notice.is_head() || notice.note.is_some());
            if !is_stale {
                self.spare
                    .extend_from_slice(Sealed::read(line).map_or(line, |line| line.body));
                self.spare.extend_from_slice(b"}\n");
            }
        }
        scribe.seal(&self.spare, 0, &mut self.bytes);
        self.spare.clear();
    }

    /// All of it is written.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.written = 0;
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    whole
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// What a buffer keeps of its memory after a burst.
const KEPT_BYTES: usize = 1024 * 1024;
