//! The file that is written to now, and how it is changed for another.

use crate::audit::rotation;
use crate::audit::rotation::Rotation;
use crate::audit::sink::Output;
use crate::audit::sink::Sink;
use crate::audit::sink::SinkError;
use crate::audit::tail::Tail;
use std::io;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;
use tokio::time::Instant;

/// What is written to now.
#[derive(Debug)]
pub(super) struct Paper {
    sink: Sink,
    output: Output,
    rotation: Option<Rotation>,
    /// When it was begun.
    since: SystemTime,
    /// Whether it has records, so that it is worth a file of its own.
    is_used: bool,
    /// Not to be finished before: it failed a moment ago.
    patience: Option<Instant>,
    /// The name that it was given as a finished file, if there is no other yet.
    finished: Option<String>,
}

/// Why one file could not be changed for another.
#[derive(Debug, thiserror::Error)]
pub(super) enum TurnError {
    /// The new one cannot be opened.
    #[error("the next file cannot be opened")]
    Open {
        /// Why not.
        #[source]
        cause: SinkError,
    },
    /// The old one cannot be made to last, or not be given its name.
    #[error("the file cannot be finished")]
    Finish {
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
}

impl Paper {
    pub(super) fn new(
        sink: Sink,
        rotation: Option<Rotation>,
        output: Output,
        since: SystemTime,
    ) -> Self {
        Self {
            sink,
            rotation,
            since,
            is_used: output.bytes() > 0,
            output,
            patience: None,
            finished: None,
        }
    }

    pub(super) const fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Records were written to it.
    pub(super) const fn used(&mut self) {
        self.is_used = true;
    }

    /// Waits until what was written outlasts a crash of the machine.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.output.sync()
    }

    /// Whether somebody has deleted it.
    pub(super) fn is_deleted(&self) -> bool {
        matches!(self.sink, Sink::File(_)) && self.output.is_deleted()
    }

    /// Opens the file again, because another is to be there. Answers whether one is.
    pub(super) fn reopen(&mut self, now: SystemTime) -> Result<bool, SinkError> {
        let Sink::File(path) = &self.sink else {
            return Ok(false);
        };
        if self.output.is_at(path) {
            return Ok(false);
        }
        let opened = Output::open(&self.sink)?;
        self.turn_to(opened, now);
        Ok(true)
    }

    /// Whether it is full, or old enough.
    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        let Some(rotation) = &self.rotation else {
            return false;
        };
        let may = self.patience.is_none_or(|until| Instant::now() >= until);
        let age = now.duration_since(self.since).unwrap_or_default();
        may && self.is_used && rotation.is_due(self.output.bytes(), age)
    }

    /// How long until it is old enough, if it will be.
    pub(super) fn due(&self, now: SystemTime) -> Option<Duration> {
        let every = self.rotation.as_ref()?.every?;
        let age = now.duration_since(self.since).unwrap_or_default();
        self.is_used
            .then(|| every.saturating_sub(age).max(SHORTEST))
    }

    /// Finishes it, whose last line is number `seq`, and begins another. Answers with the name of the finished one.
    pub(super) fn finish(
        &mut self,
        seq: u64,
        now: SystemTime,
    ) -> Result<Option<String>, TurnError> {
        let Sink::File(path) = self.sink.clone() else {
            return Ok(None);
        };
        self.patience = Some(Instant::now() + PATIENCE);
        let name = match self.finished.take() {
            Some(name) => name,
            None => self
                .lay_away(&path, seq, now)
                .map_err(|cause| TurnError::Finish { cause })?,
        };
        let opened = match Output::open(&self.sink) {
            Ok(opened) => opened,
            Err(cause) => {
                // Records still go to the old file, whatever it is called.
                self.finished = Some(name);
                return Err(TurnError::Open { cause });
            }
        };
        self.turn_to(opened, now);
        self.patience = None;
        // Whether a crash would undo it is said and not waited for.
        if let Err(error) = rotation::sync_folder(&path) {
            tracing::warn!(%error, "the folder of the audit log cannot be synchronised");
        }
        Ok(Some(name))
    }

    fn lay_away(&self, path: &Path, seq: u64, now: SystemTime) -> io::Result<String> {
        self.output.sync()?;
        // What is not at its place is somebody else's to move.
        if !self.output.is_at(path) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "another file is in its place",
            ));
        }
        rotation::finish(path, seq, now)
    }

    /// Deletes the finished files that need not stay. Answers with their names.
    pub(super) fn thin(&self) -> Vec<String> {
        let (Some(keep), Sink::File(path)) =
            (self.rotation.and_then(|rotation| rotation.keep), &self.sink)
        else {
            return Vec::new();
        };
        let (gone, done) = rotation::thin(path, keep);
        if let Err(error) = done {
            tracing::error!(%error, "an old file of the audit log cannot be deleted");
        }
        gone
    }

    fn turn_to(&mut self, (output, tail): (Output, Tail), now: SystemTime) {
        self.output = output;
        self.since = now;
        self.is_used = tail.bytes > 0;
        self.finished = None;
    }
}

#[cfg(test)]
impl Paper {
    pub(super) fn write_to(&mut self, output: Output) {
        self.output = output;
    }
}

/// How long a file that could not be finished is written to before that is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// No clock is looked at more often.
const SHORTEST: Duration = Duration::from_millis(100);
