//! Reads a log as an auditor does: each line must follow from the one before, and the end be where a checkpoint has it.
//!
//! What it finds wrong it tells with its place. What files alone cannot show (that nothing was cut off their end, that
//! nobody has written all of it anew) it tells as well, so that nobody takes silence for proof. It reads once, and keeps no line.

use crate::audit::chain::Link;
use crate::audit::chain::Sealed;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::checkpoint::LogId;
use crate::audit::note::NoteError;
use crate::audit::note::VerifierKey;
use crate::audit::notice::Kind;
use crate::audit::notice::Notice;
use crate::audit::verify::place::Course;
use crate::audit::verify::place::Step;
use crate::audit::verify::stray::Stray;
use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::Read as _;

mod order;
mod place;
mod report;
mod stray;

#[cfg(test)]
mod tests;

pub use order::in_order;
pub use report::{Finding, LogSeen, Report, Wrong};

/// Reads the files of a log, in the order in which they were written.
#[derive(Debug)]
pub struct Verifier {
    key: Option<VerifierKey>,
    kept: BTreeMap<(LogId, u64), Kept>,
    course: Course,
    log: Option<LogId>,
    stray: Option<Stray>,
    file: String,
    line: u64,
    report: Report,
}

/// A checkpoint that somebody has kept.
#[derive(Debug)]
struct Kept {
    from: String,
    link: Link,
    met: bool,
}

impl Verifier {
    /// One that believes checkpoints that `key` has signed.
    #[must_use]
    pub fn new(key: Option<VerifierKey>) -> Self {
        Self {
            key,
            kept: BTreeMap::new(),
            course: Course::default(),
            log: None,
            stray: None,
            file: String::new(),
            line: 0,
            report: Report::default(),
        }
    }

    /// Takes a checkpoint that somebody has kept elsewhere, in the file `from`.
    ///
    /// # Errors
    ///
    /// [`NoteError`] says why it is not believed.
    pub fn keep(&mut self, from: &str, note: &str) -> Result<(), NoteError> {
        let checkpoint = match &self.key {
            Some(key) => Checkpoint::open(note, key)?,
            None => Checkpoint::unproven(note)?,
        };
        let kept = Kept {
            from: from.to_owned(),
            link: checkpoint.link,
            met: false,
        };
        self.kept.insert((checkpoint.log, checkpoint.size), kept);
        Ok(())
    }

    /// Reads the next file, which is called `name`.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be read to its end.
    pub fn read(&mut self, name: &str, mut file: impl BufRead) -> io::Result<()> {
        name.clone_into(&mut self.file);
        self.line = 0;
        self.report.files += 1;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut file).take(MOST_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            self.line += 1;
            self.report.bytes += u64::try_from(read).unwrap_or(0);
            self.take(&line);
        }
    }

    /// All has been read: answers what was found.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if let Some(stray) = self.stray.take() {
            if stray.is_one_piece() {
                self.report.cut_short(&stray);
            } else {
                self.report.stray(&stray);
            }
        }
        if self.log.is_none() {
            let place = (self.file.as_str(), self.line);
            self.report.wrong(place, None, Wrong::NoChain);
        }
        for ((log, size), kept) in &self.kept {
            self.report.kept(*log, *size, (&kept.from, kept.met));
        }
        if self.key.is_some() {
            self.report.unsigned(&self.file);
        }
        self.report.say_what_is_unproven(self.key.as_ref());
        self.report
    }

    /// A line with its newline, or a piece of one.
    fn take(&mut self, piece: &[u8]) {
        // A line of which the newline is missing was not wholly written.
        let line = piece.strip_suffix(b"\n").unwrap_or_default();
        let Some(sealed) = Sealed::read(line) else {
            self.stray(piece);
            return;
        };
        self.report.lines += 1;
        let notice = Notice::read(line);
        if notice.is_none() {
            self.report.records += 1;
        }
        let head = notice.as_ref().filter(|notice| notice.is_head());
        self.account(head);
        if head.is_some_and(|head| head.audit == Kind::Begins) {
            self.begin(&sealed);
        } else {
            self.follow(&sealed, head);
        }
        if let Some(head) = head {
            self.name(head, &sealed);
        }
        if let Some(notice) = &notice {
            self.heed(notice, &sealed);
        }
        self.meet(&sealed);
    }

    /// Bytes that are no line of a chain.
    fn stray(&mut self, piece: &[u8]) {
        let is_other = |stray: &Stray| stray.place().0 != self.file;
        if let Some(before) = self.stray.take_if(|stray| is_other(stray)) {
            self.report.stray(&before);
        }
        let stray = self
            .stray
            .get_or_insert_with(|| Stray::at(&self.file, self.line));
        stray.add(piece);
    }

    /// What is no line of a chain must be what the line after it says that it is.
    fn account(&mut self, head: Option<&Notice>) {
        let Some(stray) = self.stray.take() else {
            return;
        };
        let (file, line) = stray.place();
        if head.is_some_and(|head| stray.is_torn_as(head)) {
            let torn = format!(
                "{file}:{line} was torn by a crash or a full disk, as the line after it says"
            );
            self.report.torn.push(torn);
        } else if head.and_then(|head| head.unchained_bytes) == Some(stray.bytes()) {
            let text = format!(
                "{file}:{line}: {} bytes from before the chain began",
                stray.bytes()
            );
            self.report.unproven.push(text);
        } else if head.is_some_and(|head| head.audit == Kind::Begins)
            && stray.is_one_piece()
            && file != self.file
        {
            self.report.cut_short(&stray);
        } else {
            self.report.stray(&stray);
        }
    }

    fn begin(&mut self, sealed: &Sealed<'_>) {
        if self.report.lines > 1 {
            self.report.unproven.push(format!(
                "{}:{}: a new chain begins: that the one before was whole needs a checkpoint of its end",
                self.file, self.line
            ));
        }
        if sealed.seq != 1 || !sealed.follows(None) {
            let place = (self.file.as_str(), self.line);
            self.report.wrong(place, Some(sealed.seq), Wrong::Changed);
        }
        self.course = Course::from(sealed);
        self.log = None;
    }

    fn follow(&mut self, sealed: &Sealed<'_>, head: Option<&Notice>) {
        let after = head.and_then(|head| head.after.as_deref());
        let after = after.and_then(|after| Link::read(after.as_bytes()));
        let place = (self.file.as_str(), self.line);
        match self.course.step(sealed) {
            Step::First => {
                self.report.begins_late(place, sealed, after.as_ref());
            }
            Step::Follows => {}
            Step::Wrong(wrong) => {
                self.report.wrong(place, Some(sealed.seq), wrong);
            }
        }
    }

    /// A head says which log it is of.
    fn name(&mut self, head: &Notice, sealed: &Sealed<'_>) {
        let log = head.log.as_deref().and_then(|log| log.parse().ok());
        if self.log.is_some() && log != self.log {
            let place = (self.file.as_str(), self.line);
            self.report.wrong(place, Some(sealed.seq), Wrong::OtherLog);
        }
        if log.is_some() && log != self.log {
            self.log = log;
            self.report
                .logs
                .extend(log.map(|log| LogSeen::new(log, sealed.seq)));
        }
    }

    /// A checkpoint must be of all that stands before it.
    fn heed(&mut self, notice: &Notice, sealed: &Sealed<'_>) {
        let Some(note) = notice
            .note
            .as_deref()
            .filter(|_| notice.audit == Kind::Checkpoint)
        else {
            return;
        };
        let opened = match &self.key {
            Some(key) => Checkpoint::open(note, key),
            None => Checkpoint::unproven(note),
        };
        let wrong = match opened {
            Err(why) => Wrong::BadCheckpoint {
                why: why.to_string(),
            },
            Ok(checkpoint) if !self.fits(&checkpoint, sealed) => Wrong::OtherCheckpoint {
                size: checkpoint.size,
            },
            Ok(checkpoint) => {
                if let Some(log) = self.report.logs.last_mut() {
                    log.checkpoints += 1;
                    log.signed_to = checkpoint.size;
                }
                return;
            }
        };
        let place = (self.file.as_str(), self.line);
        self.report.wrong(place, Some(sealed.seq), wrong);
    }

    fn fits(&self, checkpoint: &Checkpoint, sealed: &Sealed<'_>) -> bool {
        let right_log = self.log.is_none_or(|log| log == checkpoint.log);
        right_log && checkpoint.size + 1 == sealed.seq && sealed.follows(Some(&checkpoint.link))
    }

    /// Holds a line against the checkpoint that somebody has kept of it.
    fn meet(&mut self, sealed: &Sealed<'_>) {
        let Some(log) = self.log else {
            return;
        };
        if let Some(seen) = self.report.logs.last_mut() {
            seen.last_seq = seen.last_seq.max(sealed.seq);
        }
        if self.kept.is_empty() {
            return;
        }
        let Some(kept) = self.kept.get_mut(&(log, sealed.seq)) else {
            return;
        };
        kept.met = true;
        if kept.link == sealed.link {
            if let Some(seen) = self.report.logs.last_mut() {
                seen.kept_to = seen.kept_to.max(sealed.seq);
            }
        } else {
            let from = kept.from.clone();
            let place = (self.file.as_str(), self.line);
            self.report
                .wrong(place, Some(sealed.seq), Wrong::NotAsKept { from });
        }
    }
}

/// More than any line of ours has: what is longer is read in parts, none of which is one.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
