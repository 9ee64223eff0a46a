//! What was found in a log, for people and for programs.

use crate::audit::chain::Link;
use crate::audit::chain::Sealed;
use crate::audit::checkpoint::LogId;
use crate::audit::note::VerifierKey;
use crate::audit::verify::stray::Stray;
use serde::Serialize;
use serde::Serializer;

/// What was found in a log.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many files were read, and how much that was.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many lines of a chain, records among them.
    pub lines: u64,
    /// How many records.
    pub records: u64,
    /// The logs that they are of, in order.
    pub logs: Vec<LogSeen>,
    /// What is wrong, with its place: the first hundred.
    pub wrong: Vec<Finding>,
    /// How much more is wrong.
    pub more_wrong: u64,
    /// Lines that were not wholly written, as the log itself says.
    pub torn: Vec<String>,
    /// What these files cannot show.
    pub unproven: Vec<String>,
}

/// How far one log goes.
#[derive(Debug, Serialize)]
pub struct LogSeen {
    /// Which one.
    #[serde(serialize_with = "display")]
    pub log: LogId,
    /// The number of the first line that is there.
    pub first_seq: u64,
    /// The number of the last.
    pub last_seq: u64,
    /// How many checkpoints in it are as they should be.
    pub checkpoints: u64,
    /// The number of the last line that one of them is of.
    pub signed_to: u64,
    /// The number of the last line that a checkpoint kept elsewhere is of.
    pub kept_to: u64,
}

/// Something that is wrong.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// In which file.
    pub file: String,
    /// In which of its lines, counted from 1.
    pub line: u64,
    /// The number that the line has in the chain, if it has one.
    pub seq: Option<u64>,
    /// What it is.
    #[serde(flatten)]
    pub wrong: Wrong,
    /// The same for a person.
    pub text: String,
}

/// What may be wrong with a line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Wrong {
    /// A checkpoint that is not believed.
    #[error("this checkpoint is forged or of somebody else: {why}")]
    BadCheckpoint {
        /// Why not.
        why: String,
    },
    /// Its hash does not follow.
    #[error("the line was changed, or the one before it was: its hash does not follow")]
    Changed,
    /// The files end before a checkpoint that somebody has kept.
    #[error(
        "the end was cut: the checkpoint in {from} is of line {size}, and the last line here is {last}"
    )]
    Cut {
        /// The checkpoint's file.
        from: String,
        /// How many lines it has.
        size: u64,
        /// How many there are.
        last: u64,
    },
    /// Lines are missing.
    #[error("lines {first} to {last} are missing in front of it, or its number was changed")]
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// There is no line of a chain at all.
    #[error("there is no line of a chain in these files")]
    NoChain,
    /// A line is another than somebody has kept a checkpoint of.
    #[error(
        "it is not the line that the checkpoint in {from} is of: the log was written anew, or this is another file"
    )]
    NotAsKept {
        /// The checkpoint's file.
        from: String,
    },
    /// A checkpoint in the log is not of the lines before it.
    #[error("this checkpoint, of line {size}, is not of the lines in front of it")]
    OtherCheckpoint {
        /// How many lines it is of.
        size: u64,
    },
    /// A file goes on from another log.
    #[error("it says that it is of another log than the lines in front of it")]
    OtherLog,
    /// A line stands behind one that was written later.
    #[error("it stands behind line {after}: moved, or put there twice")]
    OutOfOrder {
        /// The number of the line in front of it.
        after: u64,
    },
    /// Bytes that nothing accounts for.
    #[error(
        "{bytes} bytes that are no line of a chain, and that the line after them does not account for"
    )]
    Stray {
        /// How many.
        bytes: u64,
    },
    /// Nothing in a log is signed.
    #[error("nothing of the log {log} is signed by this key: anybody may have written it")]
    Unsigned {
        /// Which log.
        log: String,
    },
    /// No file is of the log that a checkpoint is of.
    #[error(
        "no file is of the log {log}, of which a checkpoint was kept: the files were exchanged"
    )]
    UnknownLog {
        /// Which log.
        log: String,
    },
}

impl LogSeen {
    pub(super) const fn new(log: LogId, seq: u64) -> Self {
        Self {
            log,
            first_seq: seq,
            last_seq: seq,
            checkpoints: 0,
            signed_to: 0,
            kept_to: 0,
        }
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.wrong.is_empty()
    }

    pub(super) fn wrong(&mut self, (file, line): (&str, u64), seq: Option<u64>, wrong: Wrong) {
        if self.wrong.len() >= MOST_FINDINGS {
            self.more_wrong += 1;
            return;
        }
        self.wrong.push(Finding {
            file: file.to_owned(),
            line,
            seq,
            text: wrong.to_string(),
            wrong,
        });
    }

    pub(super) fn stray(&mut self, stray: &Stray) {
        let wrong = Wrong::Stray {
            bytes: stray.bytes(),
        };
        self.wrong(stray.place(), None, wrong);
    }

    /// The last line of a file has no end, and nothing that goes on from there says why.
    pub(super) fn cut_short(&mut self, stray: &Stray) {
        let (file, line) = stray.place();
        self.unproven.push(format!(
            "{file}:{line} is not whole: it is being written, or a crash or somebody has cut it"
        ));
    }

    /// The first line of all is not the first of its chain.
    pub(super) fn begins_late(
        &mut self,
        place: (&str, u64),
        line: &Sealed<'_>,
        after: Option<&Link>,
    ) {
        let (file, at) = place;
        match after {
            Some(after) if !line.follows(Some(after)) => self.wrong(place, Some(line.seq), Wrong::Changed),
            Some(_) => {}
            None => self.unproven.push(format!(
                "{file}:{at}: this line itself: it does not say what it follows, and what is in front of it is not here",
            )),
        }
        self.unproven.push(format!(
            "{file}:{at} is line {} of its chain: the files with the {} in front of it are not here",
            line.seq,
            line.seq.saturating_sub(1)
        ));
    }

    /// What became of a checkpoint of line `size` of `log` that somebody has kept.
    pub(super) fn kept(&mut self, log: LogId, size: u64, (from, met): (&str, bool)) {
        if met {
            return;
        }
        let place = (from, 1);
        let seen: Vec<_> = self.logs.iter().filter(|seen| seen.log == log).collect();
        let last = seen.iter().map(|seen| seen.last_seq).max();
        let first = seen.iter().map(|seen| seen.first_seq).min();
        match (first, last) {
            (Some(first), _) if size < first => self.unproven.push(format!(
                "the checkpoint in {from} is of line {size}, which is older than these files"
            )),
            (_, Some(last)) if size > last => {
                let from = from.to_owned();
                self.wrong(place, Some(size), Wrong::Cut { from, size, last });
            }
            // A line that is missing in between has been told where it is missing.
            (_, Some(_)) => {}
            (_, None) => {
                let log = log.to_string();
                self.wrong(place, Some(size), Wrong::UnknownLog { log });
            }
        }
    }

    /// With a key to hold them against, all logs must be signed.
    pub(super) fn unsigned(&mut self, file: &str) {
        let bare = self
            .logs
            .iter()
            .filter(|seen| seen.signed_to == 0 && seen.kept_to == 0);
        let bare: Vec<_> = bare
            .map(|seen| (seen.log.to_string(), seen.last_seq))
            .collect();
        for (log, last) in bare {
            self.wrong((file, 1), Some(last), Wrong::Unsigned { log });
        }
    }

    pub(super) fn say_what_is_unproven(&mut self, key: Option<&VerifierKey>) {
        let mut said = Vec::new();
        for seen in &self.logs {
            let LogSeen {
                log,
                last_seq,
                signed_to,
                kept_to,
                ..
            } = seen;
            if key.is_none() {
                said.push(format!(
                    "log {log}: that nobody who may write these files has written all of it anew: no checkpoint was \
                     checked, for want of --key"
                ));
            }
            if *kept_to == 0 {
                said.push(format!(
                    "log {log}: that it ended with line {last_seq}: a cut end shows only against a checkpoint that was \
                     kept elsewhere (--checkpoint)"
                ));
            } else if kept_to < last_seq {
                said.push(format!(
                    "log {log}: that it ended with line {last_seq}: the newest kept checkpoint is of line {kept_to}"
                ));
            }
            if key.is_some() && *signed_to > 0 && signed_to + 1 < *last_seq {
                said.push(format!("log {log}: lines {} to {last_seq}: the last checkpoint in it is of line {signed_to}", signed_to + 2));
            }
        }
        self.unproven.append(&mut said);
    }
}

/// More is not read one by one.
const MOST_FINDINGS: usize = 100;

fn display<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
