//! The log as its users see it.

mod chain;
mod failing;
mod files;
mod room;
mod rotation;

use crate::audit::Door;
use crate::audit::End;
use crate::audit::Log;
use crate::audit::Origin;
use crate::audit::Settings;
use crate::audit::Shard;
use crate::audit::Sink;
use crate::audit::Start;
use crate::audit::Writer;
use crate::time::Clock;
use http::StatusCode;
use serde_json::Value;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

/// It is always noon.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_014_400)
    }
}

const OK: End = End {
    status: Some(StatusCode::OK),
    bytes_in: 1,
    bytes_out: 2,
    reason: None,
};

fn open(settings: &Settings, workers: usize) -> (Log, Writer) {
    Log::open(
        settings,
        NonZeroUsize::new(workers).unwrap(),
        Arc::new(Noon),
    )
    .unwrap()
}

/// A log in `file` of one worker with room for `records`.
fn small(file: &Path, records: usize) -> (Log, Shard, Writer) {
    let mut settings = Settings::new(Sink::File(file.to_owned()));
    settings.queue_records = NonZeroUsize::new(records).unwrap();
    settings.stop_timeout = Duration::ZERO;
    let (log, writer) = open(&settings, 1);
    let shard = log.shard(0).unwrap();
    (log, shard, writer)
}

/// Records one request for `path`.
fn record(shard: &Shard, path: &str) {
    let mut start = Start::of(Origin::at(Door::Inbound));
    start.path = Some(path.to_owned().into());
    shard.begin().unwrap().entry(start).end(OK);
}

/// What the records in `file` say under `key`. Every line is whole.
fn read(file: &Path, key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    let lines = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = line[key].as_str().unwrap_or_default().to_owned();
        // What the log says of itself is no record.
        line.get("audit").is_none().then_some(text)
    });
    lines.collect()
}
