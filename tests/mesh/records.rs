//! The records of a sidecar, as they are written.
//!
//! The audit file is a named pipe, so that a record can be waited for.

use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;

use serde_json::Value;

use crate::stage::DEADLINE;

/// Records that were not looked at yet.
pub(crate) struct Records(Receiver<Record>);

/// One line.
#[derive(Debug)]
pub(crate) struct Record(Value);

impl Records {
    /// A pipe in place of the file at `path`.
    pub(crate) fn make_pipe(path: &Path) -> PathBuf {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
        path.to_owned()
    }

    /// Reads what a sidecar that has opened the pipe writes into it.
    pub(crate) fn read(pipe: PathBuf) -> Self {
        let (seen, records) = mpsc::sync_channel(4096);
        thread::spawn(move || {
            for line in BufReader::new(File::open(pipe).unwrap()).lines() {
                let record = Record(serde_json::from_str(&line.unwrap()).unwrap());
                // What the log says of itself is no record.
                if record.0.get("audit").is_some() {
                    continue;
                }
                if seen.send(record).is_err() {
                    return;
                }
            }
        });
        Self(records)
    }

    /// The next record, which must come.
    pub(crate) fn next(&self) -> Record {
        self.0.recv_timeout(DEADLINE).expect("no record came")
    }

    /// No more can come: the sidecar has closed the pipe.
    pub(crate) fn are_over(&self) {
        let last = self.0.recv_timeout(DEADLINE);
        assert!(
            matches!(last, Err(RecvTimeoutError::Disconnected)),
            "{last:?}"
        );
    }

    /// No record but those that were looked at has been written.
    pub(crate) fn are_all_read(&self) {
        assert!(self.0.try_recv().is_err(), "there is another record");
    }
}

impl Record {
    /// The field `name` as text; empty if it is left out.
    pub(crate) fn text(&self, name: &str) -> String {
        match &self.0[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The fields `names`, with spaces between.
    pub(crate) fn says<const N: usize>(&self, names: [&str; N]) -> String {
        names.map(|name| self.text(name)).join(" ")
    }
}
