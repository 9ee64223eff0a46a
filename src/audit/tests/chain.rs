//! Whatever happens to files and processes, the lines are one chain.

use super::OK;
use super::open;
use super::read;
use super::record;
use super::small;
use crate::audit::Checkpoint;
use crate::audit::Checkpoints;
use crate::audit::Door;
use crate::audit::OpenError;
use crate::audit::Origin;
use crate::audit::Report;
use crate::audit::Rotation;
use crate::audit::Settings;
use crate::audit::SigningKey;
use crate::audit::Sink;
use crate::audit::Start;
use crate::audit::Verifier;
use crate::audit::VerifierKey;
use crate::audit::in_order;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

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
fn notices(file: &Path) -> Vec<String> {
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

/// With what is rotated, and a key, in `dir`.
fn settings(dir: &Path, rotation: Option<Rotation>, every_records: u64) -> (Settings, VerifierKey) {
    let key = SigningKey::generate("orders.example").unwrap();
    let key_file = dir.join("key");
    fs::write(&key_file, key.secret().unwrap().as_str()).unwrap();
    let mut settings = Settings::new(Sink::File(dir.join("log.jsonl")));
    settings.rotation = rotation;
    settings.checkpoints = Some(Checkpoints {
        key_file,
        every: Duration::from_hours(1),
        every_records: NonZeroU64::new(every_records).unwrap(),
    });
    (settings, key.verifier().clone())
}

/// All files of the log in `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = all.filter(|path| path.extension().is_some()).collect();
    all.sort();
    all
}

#[test]
fn a_full_file_is_finished_and_the_next_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        bytes: NonZeroU64::new(1_500),
        every: None,
        keep: None,
    };
    let (settings, key) = settings(dir.path(), Some(rotation), 1_000);
    for start in 0..2 {
        let (log, mut writer) = open(&settings, 1);
        let shard = log.shard(0).unwrap();
        for nth in 0..20 {
            record(&shard, &format!("/{start}/{nth}"));
            writer.round();
            writer.round();
        }
    }
    let found = files(dir.path());
    assert!(found.len() > 6, "{found:?}");
    let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    let report = verified(&paths, Some(key));
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.records, report.logs.len()), (40, 1));
    for file in &found[..found.len() - 1] {
        assert_eq!(
            notices(file).last().map(String::as_str),
            Some("checkpoint"),
            "{}",
            file.display()
        );
        assert!(fs::metadata(file).unwrap().len() < 3_500);
    }
    // After a crash between two files the next goes on from the last.
    fs::remove_file(found.last().unwrap()).unwrap();
    let (log, mut writer) = open(&settings, 1);
    record(&log.shard(0).unwrap(), "/after");
    writer.round();
    assert_eq!(notices(found.last().unwrap()), ["continues"]);
    let last = fs::read_to_string(found.last().unwrap()).unwrap();
    let before = found[found.len() - 2]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    assert!(last.contains(&format!("\"from\":\"{before}\"")), "{last}");
    let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    assert!(verified(&paths, None).is_whole());
}

#[test]
fn only_as_many_files_stay_as_are_asked_for_and_the_next_says_which_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        bytes: NonZeroU64::new(1),
        every: None,
        keep: NonZeroUsize::new(2),
    };
    let (settings, _key) = settings(dir.path(), Some(rotation), 1_000);
    let (log, mut writer) = open(&settings, 1);
    let shard = log.shard(0).unwrap();
    for nth in 0..5 {
        record(&shard, &format!("/{nth}"));
        (0..4).for_each(|_| writer.round());
    }
    let found = files(dir.path());
    assert_eq!(found.len(), 3, "{found:?}");
    let last = fs::read_to_string(&found[2]).unwrap();
    assert!(
        last.contains("\"audit\":\"deleted\",\"file\":\"log-20270115T120000Z-0000"),
        "{last}"
    );
    let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    let report = verified(&paths, None);
    assert!(
        report.is_whole() && report.unproven[0].contains("files with the"),
        "{report:?}"
    );
    assert_eq!(log.status().written_records, 5);
}

#[test]
fn a_file_that_cannot_be_finished_is_written_to_on_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        bytes: NonZeroU64::new(1),
        every: None,
        keep: None,
    };
    let (settings, _key) = settings(dir.path(), Some(rotation), 1_000);
    let (log, mut writer) = open(&settings, 1);
    let shard = log.shard(0).unwrap();
    // Its last line will be number 3, and there is a file of that name.
    let taken = dir.path().join("log-20270115T120000Z-000000000003.jsonl");
    fs::write(&taken, "somebody else's").unwrap();
    record(&shard, "/1");
    (0..3).for_each(|_| writer.round());
    let failure = log.status().reopen_failure.unwrap();
    assert_eq!(
        failure.reason,
        "the file cannot be finished: entity already exists"
    );
    record(&shard, "/2");
    writer.round();
    let file = dir.path().join("log.jsonl");
    assert_eq!(
        (read(&file, "path"), fs::read_to_string(&taken).unwrap()),
        (vec!["/1".into(), "/2".into()], "somebody else's".to_owned())
    );
    assert_eq!(log.status().failure, None);
}

#[test]
fn checkpoints_are_signed_by_number_and_at_the_end_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, key) = settings(dir.path(), None, 3);
    let (log, writer) = open(&settings, 1);
    let shard = log.shard(0).unwrap();
    assert_eq!(log.checkpoint(), None);
    let mut writer = writer;
    for nth in 0..4 {
        record(&shard, &format!("/{nth}"));
        writer.round();
    }
    let shown = Checkpoint::open(&log.checkpoint().unwrap(), &key).unwrap();
    // The head and three records.
    assert_eq!(shown.size, 4);
    log.stop();
    assert_eq!(writer.run(), Ok(()));
    let file = dir.path().join("log.jsonl");
    assert_eq!(notices(&file), ["begins", "checkpoint", "checkpoint"]);
    let last = Checkpoint::open(&log.checkpoint().unwrap(), &key).unwrap();
    assert_eq!(last.size, 6);
    let mut verifier = Verifier::new(Some(key));
    verifier.keep("kept", &log.checkpoint().unwrap()).unwrap();
    verifier
        .read("log", fs::read(&file).unwrap().as_slice())
        .unwrap();
    let report = verifier.finish();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.logs[0].signed_to, report.logs[0].kept_to), (6, 6));
}

#[test]
fn a_key_that_is_none_is_told_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, _key) = settings(dir.path(), None, 3);
    let checkpoints = settings.checkpoints.unwrap();
    fs::write(&checkpoints.key_file, "secret").unwrap();
    assert!(
        matches!(checkpoints.key(), Err(OpenError::BadKey { path, .. }) if path == checkpoints.key_file)
    );
    fs::remove_file(&checkpoints.key_file).unwrap();
    assert!(matches!(checkpoints.key(), Err(OpenError::NoKey { .. })));
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
