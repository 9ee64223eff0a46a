//! The audit log as it is written.
//!
//! Each default has its reason beside it; `audit` turns all into settings or says what is wrong.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Where decisions are recorded: exactly one of `file`, `stdout` and `syslog`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    /// A file that lines are appended to.
    pub(super) file: Option<PathBuf>,
    /// Standard output, if true.
    #[serde(default)]
    pub(super) stdout: bool,
    /// A syslog, in the form of RFC 5424.
    pub(super) syslog: Option<Syslog>,
    /// How many requests may be under way or wait to be written. Default: 65536.
    #[serde(default = "defaults::queue_records")]
    pub(super) queue_records: usize,
    /// When the file is finished and another begun. Default: never, by us.
    pub(super) rotate: Option<Rotate>,
    /// Signed checkpoints, which show a log whose end was cut or that was written anew. Default: none.
    pub(super) checkpoints: Option<Checkpoints>,
}

/// A syslog: exactly one of `socket` and `tcp`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Syslog {
    /// Its Unix socket for datagrams, such as `/dev/log`.
    pub(super) socket: Option<PathBuf>,
    /// Its `host:port`. Messages are preceded by their length (RFC 6587).
    pub(super) tcp: Option<String>,
    /// The facility, by its name. Default: `authpriv`.
    #[serde(default = "defaults::facility")]
    pub(super) facility: String,
    /// `APP-NAME`. Default: `portreeve`.
    #[serde(default = "defaults::app_name")]
    pub(super) app_name: String,
    /// `MSGID`. Default: `audit`.
    #[serde(default = "defaults::msg_id")]
    pub(super) msg_id: String,
}

/// When the file is finished and another begun.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    /// As soon as it has so many bytes. Default: however many.
    pub(super) bytes: Option<u64>,
    /// As soon as its first record is so old, in seconds. Default: however old.
    pub(super) every_s: Option<u64>,
    /// How many finished files stay; older ones are deleted, which is recorded. Default: all.
    pub(super) keep: Option<usize>,
}

/// Signed checkpoints.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoints {
    /// The key, which `portreeve audit key` makes.
    pub(super) key_file: PathBuf,
    /// One is signed as soon as the last is so old, if anything was recorded since, in seconds. Default: 60.
    #[serde(default = "defaults::every_s")]
    pub(super) every_s: u64,
    /// One is signed as soon as so much was recorded since the last. Default: 10000.
    #[serde(default = "defaults::every_records")]
    pub(super) every_records: u64,
}

mod defaults {
    /// At 30,000 requests a second, two seconds of a sink that stands still.
    pub(super) const fn queue_records() -> usize {
        65_536
    }

    /// Who did what when is for few eyes: syslogs keep this apart from what everybody may read.
    pub(super) fn facility() -> String {
        "authpriv".to_owned()
    }

    /// The program's name, as syslogs sort by it.
    pub(super) fn app_name() -> String {
        "portreeve".to_owned()
    }

    /// So that filters tell records from whatever else we may say there some day.
    pub(super) fn msg_id() -> String {
        "audit".to_owned()
    }

    /// Whoever keeps the checkpoints elsewhere loses sight of a minute at most.
    pub(super) const fn every_s() -> u64 {
        60
    }

    /// Some tens of microseconds for a signature, over so many records, are nothing.
    pub(super) const fn every_records() -> u64 {
        10_000
    }
}
