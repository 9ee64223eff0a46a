//! Room is taken first, and every entry becomes a line.

use super::OK;
use super::open;
use super::read;
use super::record;
use super::small;
use crate::audit::Decision;
use crate::audit::Door;
use crate::audit::End;
use crate::audit::NoRoom;
use crate::audit::Origin;
use crate::audit::Ruling;
use crate::audit::Settings;
use crate::audit::Sink;
use crate::audit::Start;
use crate::audit::UnwrittenError;
use http::StatusCode;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::thread;

#[test]
fn a_full_log_refuses_the_next_request_until_a_record_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (log, shard, mut writer) = small(&dir.path().join("log"), 2);
    let spare = shard.begin().unwrap();
    record(&shard, "/1");
    assert_eq!(shard.begin().err(), Some(NoRoom::Full));
    writer.round();
    assert_eq!(log.status().taken_records, 1);
    let again = shard.begin().unwrap();
    assert_eq!(shard.begin().err(), Some(NoRoom::Full));
    drop((spare, again));
    assert_eq!(log.status().taken_records, 0);
}

#[test]
fn idle_connections_leave_half_of_the_room_for_requests() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, shard, mut writer) = small(&dir.path().join("log"), 5);
    let spares: Vec<_> = std::iter::from_fn(|| shard.begin_spare().ok()).collect();
    assert_eq!(spares.len(), 3);
    record(&shard, "/1");
    record(&shard, "/2");
    assert_eq!(shard.begin().err(), Some(NoRoom::Full));
    writer.round();
    assert_eq!(shard.begin_spare().err(), Some(NoRoom::Full));
    record(&shard, "/3");
    drop(spares);
    assert!(shard.begin_spare().is_ok());
}

#[test]
fn waiting_bytes_fill_the_log_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(Sink::File(dir.path().join("log")));
    settings.queue_bytes = NonZeroUsize::new(1_000).unwrap();
    let (log, mut writer) = open(&settings, 1);
    let shard = log.shard(0).unwrap();
    record(&shard, "/short");
    record(&shard, &"/long".repeat(200));
    assert_eq!(shard.begin().err(), Some(NoRoom::Full));
    writer.round();
    record(&shard, "/again");
}

#[test]
fn room_that_is_not_used_is_not_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (log, shard, mut writer) = small(&file, 1);
    drop(shard.begin().unwrap());
    record(&shard, "/used");
    writer.round();
    assert_eq!(read(&file, "path"), ["/used"]);
    assert_eq!(log.status().written_records, 1);
}

#[test]
fn an_entry_that_nobody_ends_is_recorded_as_abandoned() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (_log, shard, mut writer) = small(&file, 9);
    let ruling = Ruling::of(Decision::Permit);
    let mut entry = shard
        .begin()
        .unwrap()
        .entry(Start::of(Origin::at(Door::Outbound)));
    entry.ruled(ruling.clone());
    entry.progressed(OK);
    drop(entry);
    let mut ended = shard
        .begin()
        .unwrap()
        .entry(Start::of(Origin::at(Door::Outbound)));
    ended.ruled(ruling);
    ended.end(OK);
    drop(
        shard
            .begin()
            .unwrap()
            .entry(Start::of(Origin::at(Door::Outbound))),
    );
    writer.round();
    assert_eq!(read(&file, "reason"), ["abandoned", "", "abandoned"]);
    assert_eq!(read(&file, "decision"), ["permit", "permit", "refused"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.lines()
            .nth(1)
            .unwrap()
            .contains(r#""status":200,"bytes_in":1,"bytes_out":2"#)
    );
}

#[test]
fn no_record_is_missing_however_many_threads_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (log, writer) = open(&Settings::new(Sink::File(file.clone())), 4);
    thread::scope(|scope| {
        let writing = scope.spawn(|| writer.run());
        let working: Vec<_> = (0..4)
            .map(|worker| {
                let shard = log.shard(worker).unwrap();
                scope.spawn(move || {
                    (0..3_000).for_each(|n| record(&shard, &format!("/{worker}/{n}")));
                })
            })
            .collect();
        for worker in working {
            worker.join().unwrap();
        }
        log.stop();
        assert_eq!(writing.join().unwrap(), Ok(()));
    });
    let paths = read(&file, "path");
    assert_eq!(paths.len(), 12_000);
    assert_eq!(paths.iter().collect::<HashSet<_>>().len(), 12_000);
    assert_eq!(
        read(&file, "id").iter().collect::<HashSet<_>>().len(),
        12_000
    );
    for worker in 0..4 {
        let prefix = format!("/{worker}/");
        let own = paths.iter().filter_map(|path| path.strip_prefix(&prefix));
        assert!(own.map(|n| n.parse::<u32>().unwrap()).eq(0..3_000));
    }
}

#[test]
fn a_sleeping_writer_is_woken_by_each_line() {
    let dir = tempfile::tempdir().unwrap();
    let (log, shard, mut writer) = small(&dir.path().join("log"), 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            while log.status().written_records < 2_000 {
                // Tired at once, so that it dozes off between any two lines.
                (0..20).for_each(|_| writer.round());
                writer.turn();
            }
        });
        for _ in 0..2_000 {
            // There is room for one: the line before must have been written.
            let room = loop {
                match shard.begin() {
                    Ok(room) => break room,
                    Err(why) => assert_eq!(why, NoRoom::Full),
                }
            };
            room.entry(Start::of(Origin::at(Door::Edge))).end(OK);
        }
        log.stop();
    });
    assert_eq!(log.status().written_records, 2_000);
}

#[test]
fn a_stopped_log_waits_for_what_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (log, writer) = open(&Settings::new(Sink::File(file.clone())), 1);
    let shard = log.shard(0).unwrap();
    let entry = shard
        .begin()
        .unwrap()
        .entry(Start::of(Origin::at(Door::Inbound)));
    log.stop();
    assert_eq!(shard.begin().err(), Some(NoRoom::Closed));
    thread::scope(|scope| {
        let writing = scope.spawn(|| writer.run());
        entry.end(OK);
        assert_eq!(writing.join().unwrap(), Ok(()));
    });
    assert_eq!(read(&file, "door"), ["inbound"]);
}

#[test]
fn a_stopped_log_says_how_much_it_could_not_wait_for() {
    let dir = tempfile::tempdir().unwrap();
    let (log, shard, writer) = small(&dir.path().join("log"), 9);
    record(&shard, "/ended");
    let entry = shard
        .begin()
        .unwrap()
        .entry(Start::of(Origin::at(Door::Inbound)));
    log.stop();
    assert_eq!(writer.run(), Err(UnwrittenError { records: 1 }));
    entry.end(End {
        status: Some(StatusCode::OK),
        ..OK
    });
}

#[test]
fn each_worker_has_its_own_part_of_the_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(Sink::File(dir.path().join("log")));
    settings.queue_records = NonZeroUsize::new(3).unwrap();
    let (log, _writer) = open(&settings, 2);
    let (first, second) = (log.shard(0).unwrap(), log.shard(1).unwrap());
    let rooms = [first.begin().unwrap(), first.begin().unwrap()];
    assert_eq!(first.begin().err(), Some(NoRoom::Full));
    assert!(second.begin().is_ok());
    assert_eq!(log.shard(2).unwrap().begin().err(), Some(NoRoom::Full));
    assert_eq!((log.status().room_records, rooms.len()), (4, 2));
}

#[test]
fn a_log_without_writer_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, shard, writer) = small(&dir.path().join("log"), 9);
    record(&shard, "/before");
    drop(writer);
    assert_eq!(shard.begin().err(), Some(NoRoom::Closed));
}
