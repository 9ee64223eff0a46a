//! Files that are full or old, and checkpoints of what is in them.

use super::chain::notices;
use super::chain::verified;
use super::open;
use super::read;
use super::record;
use crate::audit::Checkpoint;
use crate::audit::Checkpoints;
use crate::audit::OpenError;
use crate::audit::Rotation;
use crate::audit::Settings;
use crate::audit::SigningKey;
use crate::audit::Sink;
use crate::audit::Verifier;
use crate::audit::VerifierKey;
use std::fs;
use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

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
