//! Logs that are whole, and logs that somebody has been at.

mod found;
mod tampering;

use super::*;
use crate::audit::chain::Chain;
use crate::audit::note::SigningKey;
use crate::audit::notice::Head;

const TIME: &str = "2027-01-15T12:00:00.000000Z";
const KEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

/// A log in the making.
struct Made {
    chain: Chain,
    log: LogId,
    text: Vec<u8>,
    key: SigningKey,
}

impl Made {
    fn begin() -> Self {
        let mut made = Self {
            chain: Chain::default(),
            log: LogId::new(7),
            text: Vec::new(),
            key: KEY.parse().unwrap(),
        };
        made.head(&Head::Begins { unchained_bytes: 0 });
        made
    }

    fn head(&mut self, head: &Head) {
        let notice = head.notice(self.log, self.chain.last());
        self.notice(notice);
    }

    fn notice(&mut self, mut notice: Notice) {
        notice.time = TIME.to_owned();
        let line = serde_json::to_vec(&notice).unwrap();
        self.chain.seal(&line, &mut self.text);
    }

    fn record(&mut self, path: &str) {
        let line = format!(
            r#"{{"time":"{TIME}","id":"1","path":{}}}"#,
            serde_json::json!(path)
        );
        self.chain.seal(line.as_bytes(), &mut self.text);
    }

    fn records(&mut self, paths: &[&str]) {
        paths.iter().for_each(|path| self.record(path));
    }

    /// Signs, as a line, too.
    fn sign(&mut self) -> String {
        let note = Checkpoint::sign(&self.chain, self.log, TIME, &self.key).unwrap();
        self.notice(Notice {
            audit: Kind::Checkpoint,
            note: Some(note.clone()),
            ..Notice::default()
        });
        note
    }

    /// Goes on in another file; answers with this one.
    fn next(&mut self) -> Vec<u8> {
        let done = std::mem::take(&mut self.text);
        self.head(&Head::Continues {
            from: None,
            torn: None,
        });
        done
    }
}

fn key() -> VerifierKey {
    KEY.parse::<SigningKey>().unwrap().verifier().clone()
}

fn verified(files: &[&[u8]], kept: &[&str]) -> Report {
    let mut verifier = Verifier::new(Some(key()));
    for note in kept {
        verifier.keep("kept", note).unwrap();
    }
    for (nth, file) in files.iter().enumerate() {
        verifier.read(&format!("file-{nth}"), *file).unwrap();
    }
    verifier.finish()
}

/// What is wrong, and where.
fn wrong(report: &Report) -> Vec<(String, Wrong)> {
    let all = report.wrong.iter();
    all.map(|one| (format!("{}:{}", one.file, one.line), one.wrong.clone()))
        .collect()
}

/// The lines of a log with these numbers, from 1, in this order.
fn only(text: &[u8], lines: &[usize]) -> Vec<u8> {
    let all: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    lines
        .iter()
        .flat_map(|line| all[line - 1].to_vec())
        .collect()
}
