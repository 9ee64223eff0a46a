//! Puts lines into the chain, with what the log has to say of itself between them.

use crate::audit::chain::Chain;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::checkpoint::LogId;
use crate::audit::common::Common;
use crate::audit::note::SigningKey;
use crate::audit::notice::Head;
use crate::audit::notice::Kind;
use crate::audit::notice::Notice;
use crate::audit::notice::Torn;
use crate::audit::stamp::Stamp;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How far one has come in writing a log.
#[derive(Debug)]
pub(super) struct Scribe {
    common: Arc<Common>,
    chain: Chain,
    log: LogId,
    /// What is to be said before the next line.
    head: Option<Head>,
    /// Files whose deletion is to be said.
    deleted: Vec<String>,
    signer: Option<Signer>,
    stamp: Stamp,
    /// A checkpoint that is in the batch, and not yet in the sink.
    unpublished: Option<String>,
    /// What was torn before, until it is in the sink that this is said.
    torn: Option<Torn>,
}

/// Signs checkpoints.
#[derive(Debug)]
pub(super) struct Signer {
    key: SigningKey,
    every: Duration,
    every_records: NonZeroU64,
    /// Records since the last one.
    records: u64,
    /// When that was.
    last: Instant,
    /// The number of its line.
    seq: u64,
}

impl Signer {
    pub(super) fn new(key: SigningKey, every: Duration, every_records: NonZeroU64) -> Self {
        Self {
            key,
            every,
            every_records,
            records: 0,
            last: Instant::now(),
            seq: 0,
        }
    }
}

impl Scribe {
    /// One that goes on from `chain` of `log`, and says `head` first.
    pub(super) fn new(
        common: Arc<Common>,
        (chain, log, head): (Chain, LogId, Head),
        signer: Option<Signer>,
    ) -> Self {
        let torn = match &head {
            Head::Begins { .. } => None,
            Head::Continues { torn, .. } | Head::Resumes { torn } => torn.clone(),
        };
        Self {
            common,
            torn,
            chain,
            log,
            head: Some(head),
            deleted: Vec::new(),
            signer,
            stamp: Stamp::default(),
            unpublished: None,
        }
    }

    /// Where the chain stands.
    pub(super) const fn chain(&self) -> Chain {
        self.chain
    }

    /// Whether there is something to be said without a record.
    pub(super) const fn must_speak(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// Appends what the log has to say before the next record.
    pub(super) fn say(&mut self, out: &mut Vec<u8>) {
        if let Some(head) = self.head.take() {
            let notice = head.notice(self.log, self.chain.last());
            self.notice(notice, out);
        }
        for file in std::mem::take(&mut self.deleted) {
            let notice = Notice {
                audit: Kind::Deleted,
                file: Some(file),
                ..Notice::default()
            };
            self.notice(notice, out);
        }
    }

    /// Appends `lines`, which are so many `records`, each with its place in the chain.
    pub(super) fn seal(&mut self, lines: &[u8], records: usize, out: &mut Vec<u8>) {
        let mut rest = lines;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(at).unwrap_or_default();
            self.chain.seal(line, out);
            rest = after.get(1..).unwrap_or_default();
        }
        if let Some(signer) = &mut self.signer {
            let records = u64::try_from(records).unwrap_or(u64::MAX);
            signer.records = signer.records.saturating_add(records);
        }
    }

    /// Appends a checkpoint, if it is time for one.
    pub(super) fn sign_if_due(&mut self, out: &mut Vec<u8>) {
        let due = self.signer.as_ref().is_some_and(|signer| {
            signer.records >= signer.every_records.get() || signer.last.elapsed() >= signer.every
        });
        if due {
            self.sign(out);
        }
    }

    /// Appends a checkpoint, if there is anything that none is of.
    pub(super) fn sign(&mut self, out: &mut Vec<u8>) {
        let time = self.now();
        let Some(signer) = self
            .signer
            .as_mut()
            .filter(|signer| signer.seq < self.chain.seq())
        else {
            return;
        };
        let Some(note) = Checkpoint::sign(&self.chain, self.log, &time, &signer.key) else {
            return;
        };
        signer.records = 0;
        signer.last = Instant::now();
        signer.seq = self.chain.seq().saturating_add(1);
        let notice = Notice {
            audit: Kind::Checkpoint,
            note: Some(note.clone()),
            ..Notice::default()
        };
        self.notice(notice, out);
        self.unpublished = Some(note);
    }

    /// When a checkpoint is due if no record comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let signer = self.signer.as_ref()?;
        (signer.seq < self.chain.seq()).then(|| signer.last + signer.every)
    }

    /// All that was said is in the sink. Answers with the checkpoint that has just got there, if one has.
    pub(super) fn written(&mut self) -> Option<String> {
        self.torn = None;
        self.unpublished.take()
    }

    /// Goes on elsewhere, where the file before had come as far as `chain`, with `torn` after it.
    pub(super) fn turn_to(&mut self, chain: Chain, from: Option<String>, torn: Option<Torn>) {
        self.chain = chain;
        self.unpublished = None;
        let torn = torn.or_else(|| self.torn.take());
        self.torn.clone_from(&torn);
        self.head = Some(match chain.last() {
            Some(_) => Head::Continues { from, torn },
            None => Head::Begins { unchained_bytes: 0 },
        });
        if let Some(signer) = &mut self.signer {
            signer.seq = signer.seq.min(chain.seq());
        }
    }

    /// Has it said that `file` was deleted.
    pub(super) fn deleted(&mut self, file: String) {
        self.deleted.push(file);
    }

    fn notice(&mut self, mut notice: Notice, out: &mut Vec<u8>) {
        notice.time = self.now();
        // INVARIANT: a struct of texts and numbers is always JSON.
        if let Ok(line) = serde_json::to_vec(&notice) {
            self.chain.seal(&line, out);
        }
    }

    fn now(&mut self) -> String {
        let mut time = Vec::new();
        self.stamp.append(&mut time, self.common.now());
        String::from_utf8_lossy(&time).into_owned()
    }
}
