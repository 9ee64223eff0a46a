//! Lines in files: whole, private, and where the operator wants them.

use super::open;
use super::read;
use super::record;
use super::small;
use crate::audit::Heard;
use crate::audit::Log;
use crate::audit::OpenError;
use crate::audit::Settings;
use crate::audit::Sink;
use crate::audit::SinkError;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

#[test]
fn the_file_is_for_its_owner_and_is_added_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    for path in ["/1", "/2"] {
        let (_log, shard, mut writer) = small(&file, 9);
        record(&shard, path);
        writer.round();
    }
    assert_eq!(read(&file, "path"), ["/1", "/2"]);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_torn_line_stays_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    fs::write(&file, "{\"time\":\"20").unwrap();
    let (_log, shard, mut writer) = small(&file, 9);
    record(&shard, "/1");
    writer.round();
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("{\"time\":\"20\n{\"time\":\"2027-"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn a_file_that_was_moved_away_is_replaced_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let (file, old) = (dir.path().join("log"), dir.path().join("log.1"));
    let (log, shard, mut writer) = small(&file, 9);
    record(&shard, "/1");
    writer.round();
    fs::rename(&file, &old).unwrap();
    record(&shard, "/2");
    writer.round();
    log.reopen();
    record(&shard, "/3");
    writer.turn();
    assert_eq!(
        (read(&old, "path"), read(&file, "path")),
        (vec!["/1".into(), "/2".into()], vec!["/3".into()])
    );
}

#[test]
fn a_file_that_was_deleted_is_replaced_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (log, shard, mut writer) = small(&file, 9);
    fs::remove_file(&file).unwrap();
    record(&shard, "/1");
    writer.round();
    assert_eq!(read(&file, "path"), ["/1"]);
    assert_eq!(log.status().reopen_failure, None);
}

#[test]
fn records_go_to_the_old_file_while_there_is_no_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (here, gone) = (dir.path().join("here"), dir.path().join("gone"));
    fs::create_dir(&here).unwrap();
    let file = here.join("log");
    let (log, shard, mut writer) = small(&file, 9);
    fs::rename(&here, &gone).unwrap();
    log.reopen();
    record(&shard, "/1");
    writer.turn();
    assert_eq!(read(&gone.join("log"), "path"), ["/1"]);
    let reason = format!(
        "cannot append to `{}`: No such file or directory (os error 2)",
        file.display()
    );
    assert_eq!(
        log.status().reopen_failure.map(|failure| failure.reason),
        Some(reason)
    );
    assert_eq!(log.status().failure, None);

    fs::rename(&gone, &here).unwrap();
    log.reopen();
    record(&shard, "/2");
    writer.turn();
    assert_eq!(read(&file, "path"), ["/1", "/2"]);
    assert_eq!(log.status().reopen_failure, None);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(Sink::File(dir.path().join("none").join("log")));
    let opened = Log::open(&settings, NonZeroUsize::MIN, Arc::new(super::Noon));
    let Err(OpenError::BadSink {
        cause: SinkError::File { path, .. },
    }) = opened
    else {
        panic!("{opened:?}");
    };
    assert_eq!(Sink::File(path), settings.sink);
    open(&Settings::new(Sink::File(dir.path().join("log"))), 1);
    open(&Settings::new(Sink::Stdout), 1);
}

#[test]
fn a_watcher_hears_what_the_file_has_and_nothing_that_it_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit.jsonl");
    let (log, shard, mut writer) = small(&file, 9);
    record(&shard, "/before");
    writer.round();
    let mut watcher = log.watch();
    record(&shard, "/one");
    record(&shard, "/two");
    assert_eq!(watcher.waiting(), None);
    writer.round();
    let written = fs::read(&file).unwrap();
    let heard = std::iter::from_fn(|| watcher.waiting()).map(|heard| match heard {
        Heard::Line(line) => line,
        Heard::Missed(lines) => panic!("{lines} lines were missed"),
    });
    let heard: Vec<_> = heard.collect();
    assert_eq!(heard.len(), 2);
    assert!(written.ends_with(&heard.concat()), "{heard:?}");
}
