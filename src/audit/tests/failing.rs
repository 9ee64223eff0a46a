//! A sink that fails costs requests, but no record.

use super::read;
use super::record;
use super::small;
use crate::audit::Failure;
use crate::audit::NoRoom;
use crate::time::Clock as _;
use prometheus::Registry;
use prometheus::TextEncoder;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

#[test]
fn a_full_disk_refuses_requests_until_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    let (log, shard, mut writer) = small(&file, 9);
    record(&shard, "/1");
    assert_eq!(log.status().failure, None);
    writer.round();
    assert_eq!(shard.begin().err(), Some(NoRoom::SinkFailing));
    let full = Failure {
        reason: "No space left on device (os error 28)".to_owned(),
        since: super::Noon.now(),
    };
    assert_eq!(log.status().failure, Some(full));

    fs::remove_file(&file).unwrap();
    log.reopen();
    writer.turn();
    assert_eq!(log.status().failure, None);
    record(&shard, "/2");
    writer.round();
    assert_eq!(read(&file, "path"), ["/1", "/2"]);
}

/// What a write to a [`Moody`] sink does next.
enum Mood {
    Fail(io::ErrorKind),
    Take(usize),
}

/// A sink that does as it is told, and takes all when it is told no more.
struct Moody {
    moods: VecDeque<Mood>,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Write for Moody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = match self.moods.pop_front() {
            Some(Mood::Fail(kind)) => return Err(kind.into()),
            Some(Mood::Take(most)) => most.min(bytes.len()),
            None => bytes.len(),
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend_from_slice(&bytes[..most]);
        drop(taken);
        Ok(most)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn goes_on_in_the_middle_of_a_line_when_the_sink_recovers_by_itself() {
    use Mood::Fail;
    use Mood::Take;

    let dir = tempfile::tempdir().unwrap();
    let (log, shard, mut writer) = small(&dir.path().join("log"), 9);
    let registry = Registry::new();
    log.register(&registry).unwrap();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let moods = [
        Take(10),
        Fail(io::ErrorKind::Interrupted),
        Take(1),
        Fail(io::ErrorKind::StorageFull),
        Take(300),
        Take(0),
        Take(7),
    ];
    writer.turn_to(Box::new(Moody {
        moods: moods.into(),
        taken: Arc::clone(&taken),
    }));
    record(&shard, "/1");
    record(&shard, "/2");
    writer.round();
    assert_eq!(shard.begin().err(), Some(NoRoom::SinkFailing));
    assert_eq!(taken.lock().unwrap().len(), 11);
    writer.round();
    assert_eq!(shard.begin().err(), Some(NoRoom::SinkFailing));
    assert_eq!(log.status().failure.unwrap().reason, "write zero");
    assert_eq!(log.status().taken_records, 2);
    writer.round();
    assert_eq!(
        (log.status().failure, log.status().taken_records),
        (None, 0)
    );
    record(&shard, "/3");
    writer.round();

    let file = dir.path().join("seen");
    fs::write(&file, &*taken.lock().unwrap()).unwrap();
    assert_eq!(read(&file, "path"), ["/1", "/2", "/3"]);
    let text = TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap();
    for line in [
        "portreeve_audit_records_total 3\n",
        "portreeve_audit_write_failures_total 2\n",
        "portreeve_audit_refusals_total{reason=\"closed\"} 0\n",
        "portreeve_audit_refusals_total{reason=\"full\"} 0\n",
        "portreeve_audit_refusals_total{reason=\"sink_failing\"} 2\n",
        "portreeve_audit_queue_records 0\n",
        "portreeve_audit_queue_room_records 9\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn a_slow_reader_is_no_failure_until_the_queue_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let (log, shard, mut writer) = small(&dir.path().join("log"), 2);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let moods = [Mood::Take(5), Mood::Fail(io::ErrorKind::WouldBlock)];
    writer.turn_to(Box::new(Moody {
        moods: moods.into(),
        taken: Arc::clone(&taken),
    }));
    record(&shard, "/1");
    writer.round();
    assert_eq!(log.status().failure, None);
    record(&shard, "/2");
    assert_eq!(shard.begin().err(), Some(NoRoom::Full));
    writer.round();
    record(&shard, "/3");
}

#[test]
fn half_a_line_is_written_whole_to_the_next_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (log, shard, mut writer) = small(&file, 9);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let moods = [Mood::Take(600), Mood::Fail(io::ErrorKind::StorageFull)];
    writer.turn_to(Box::new(Moody {
        moods: moods.into(),
        taken: Arc::clone(&taken),
    }));
    record(&shard, "/1");
    record(&shard, "/2");
    writer.round();
    log.reopen();
    writer.turn();
    let before = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
    assert_eq!(before.matches('\n').count(), 2, "{before}");
    assert!(before.contains("\"/1\"") && !before.ends_with('\n'));
    assert_eq!(read(&file, "path"), ["/2"]);
}
