//! Whatever happens to files and processes, the lines are one chain.

use super::OK;
use super::read;
use super::record;
use super::small;
use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Report;
use crate::audit::Start;
use crate::audit::Verifier;
use crate::audit::VerifierKey;
use crate::audit::in_order;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// What an auditor says of these files.
pub(super) fn verified(files: &[&Path], key: Option<VerifierKey>) -> Report {
    let texts: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let heads: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| {
            text.split_inclusive(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default()
                .to_vec()
        })
        .collect();
    let mut verifier = Verifier::new(key);
    for at in in_order(&heads) {
        verifier
            .read(&files[at].to_string_lossy(), texts[at].as_slice())
            .unwrap();
    }
    verifier.finish()
}

fn is_whole(files: &[&Path], records: u64) -> Report {
    let report = verified(files, None);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(
        (report.records, report.logs.len()),
        (records, 1),
        "{report:?}"
    );
    report
}

/// What the log says of itself in `file`.
pub(super) fn notices(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["audit"].as_str()?.to_owned())
    });
    lines.collect()
}

#[test]
fn a_new_start_goes_on_from_the_last_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    for path in ["/1", "/2", "/3"] {
        let (_log, shard, mut writer) = small(&file, 9);
        record(&shard, path);
        writer.round();
    }
    // One that has nothing to say says nothing.
    let (_log, _shard, mut writer) = small(&file, 9);
    writer.round();
    assert_eq!(notices(&file), ["begins", "resumes", "resumes"]);
    let report = is_whole(&[&file], 3);
    assert_eq!((report.lines, report.logs[0].last_seq), (6, 6));
}

#[test]
fn a_torn_line_is_told_as_one_that_a_crash_has_torn() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    for (path, torn) in [("/1", "{\"time\":\"20"), ("/2", "x\n\0\0y"), ("/3", "")] {
        let (_log, shard, mut writer) = small(&file, 9);
        record(&shard, path);
        writer.round();
        let mut to = fs::OpenOptions::new().append(true).open(&file).unwrap();
        to.write_all(torn.as_bytes()).unwrap();
    }
    let report = is_whole(&[&file], 3);
    assert_eq!(report.torn.len(), 2, "{report:?}");

    // A whole line but for its end, and all of one that somebody has taken the end of.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.trim_end()).unwrap();
    for torn in [2, 3] {
        let (_log, shard, mut writer) = small(&file, 9);
        record(&shard, "/4");
        writer.round();
        let report = is_whole(&[&file], 4);
        assert_eq!(report.torn.len(), torn, "{report:?}");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, &text.as_bytes()[..text.len() - 3]).unwrap();
    }
}

#[test]
fn lines_from_before_there_was_a_chain_are_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    fs::write(&file, "{\"time\":\"before\"}\n{\"time\":\"too\"}\n").unwrap();
    for path in ["/1", "/2"] {
        let (_log, shard, mut writer) = small(&file, 9);
        record(&shard, path);
        writer.round();
    }
    assert_eq!(notices(&file), ["begins", "resumes"]);
    let report = is_whole(&[&file], 2);
    assert!(
        report.unproven[0].contains("32 bytes from before the chain began"),
        "{report:?}"
    );
}

#[test]
fn another_file_goes_on_from_the_one_that_was_moved_away() {
    let dir = tempfile::tempdir().unwrap();
    let (file, old) = (dir.path().join("log"), dir.path().join("log.1"));
    let (log, shard, mut writer) = small(&file, 9);
    record(&shard, "/1");
    writer.round();
    // Nothing was moved: nothing is to be said.
    log.reopen();
    record(&shard, "/2");
    writer.turn();
    fs::rename(&file, &old).unwrap();
    log.reopen();
    record(&shard, "/3");
    writer.turn();
    assert_eq!(
        (notices(&old), notices(&file)),
        (vec!["begins".into()], vec!["continues".into()])
    );
    is_whole(&[&file, &old], 3);
    // Its first line says what it follows: it can be checked alone.
    let alone = verified(&[&file], None);
    assert!(
        alone.is_whole() && alone.unproven[0].contains("is line 4 of its chain"),
        "{alone:?}"
    );
    fs::remove_file(&file).unwrap();
    let (_log, shard, mut writer) = small(&file, 9);
    record(&shard, "/4");
    writer.round();
    assert_eq!(notices(&file), ["begins"]);
}

#[test]
fn a_sink_that_fails_half_way_breaks_no_chain() {
    // Each number of bytes that the old file may have taken of two lines and what is said before them.
    for taken in 1..640 {
        let dir = tempfile::tempdir().unwrap();
        let (file, old) = (dir.path().join("log"), dir.path().join("old"));
        let (log, shard, mut writer) = small(&file, 9);
        writer.turn_to(Box::new(Narrow(fs::File::create(&old).unwrap(), taken)));
        record(&shard, "/1");
        record(&shard, "/2");
        writer.round();
        assert!(log.status().failure.is_some(), "{taken}");
        log.reopen();
        writer.turn();
        record(&shard, "/3");
        writer.round();
        let report = is_whole(&[&old, &file], 3);
        // Of a log that has no line yet nobody can say that one is torn.
        let before = fs::read(&old).unwrap();
        let is_torn = !before.ends_with(b"\n") && before.contains(&b'\n');
        assert_eq!(
            report.torn.len(),
            usize::from(is_torn),
            "{taken}: {report:?}"
        );
        assert_eq!(
            (log.status().taken_records, log.status().written_records),
            (0, 3)
        );
    }
}

/// A sink that is full after so many bytes.
struct Narrow(fs::File, usize);

impl std::io::Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let some = bytes.get(..bytes.len().min(self.1)).unwrap_or_default();
        if some.is_empty() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let written = self.0.write(some)?;
        self.1 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_path_breaks_a_line_or_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (_log, shard, mut writer) = small(&file, 9);
    let paths = [
        "/\n{\"time\":\"1970-01-01T00:00:00.000000Z\",\"audit\":\"begins\",\"seq\":1}",
        "/\",\"seq\":7,\"chain\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}\n",
        "/\u{2028}\u{2029}\u{85}\r\n\t\0\u{202e}\u{feff}",
        "/\\",
    ];
    for path in paths {
        record(&shard, path);
    }
    let mut start = Start::of(Origin::at(Door::Edge));
    start.path = Some(bytes::Bytes::from_static(b"/\xff\xfe\n\"").into());
    shard.begin().unwrap().entry(start).end(OK);
    writer.round();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches('\n').count(), 6);
    assert_eq!(read(&file, "path")[..4], paths.map(str::to_owned));
    is_whole(&[&file], 5);
}
