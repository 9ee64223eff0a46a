//! What sessions need to know, already checked.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::store::DatabaseSettings;

/// Where sessions are kept, and how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// A file for one sidecar, or a server that several share.
    pub database: DatabaseSettings,
    /// What seals them: 64 hexadecimal digits, the same for all that share a server.
    /// It is made if it is not there and the database is a file.
    pub key_file: PathBuf,
    /// How long, and how many.
    pub limits: Limits,
}

/// How long sessions last, and how many there may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After how long a session ends, however much it is used. Above zero.
    pub absolute: Duration,
    /// For how long sessions are believed of which the store tells nothing: for
    /// so long, an end at another sidecar may go unnoticed.
    pub blind: Duration,
    /// After how long without use a session ends. Above zero.
    pub idle: Duration,
    /// How many sessions there may be at once. More are refused.
    pub most: NonZeroUsize,
    /// How many one person may have. The oldest ends for another.
    pub most_per_person: NonZeroUsize,
    /// For how long a session outlives what its provider said last, while that
    /// one cannot be asked.
    pub refresh_grace: Duration,
}

impl Default for Limits {
    /// A working day with an hour's pause in it; some megabytes; a few browsers, each
    /// with a session for each host. A provider that restarts signs nobody out, and neither does a database.
    fn default() -> Self {
        Self {
            absolute: Duration::from_secs(12 * 3600),
            blind: Duration::from_secs(60),
            idle: Duration::from_secs(3600),
            most: NonZeroUsize::MIN.saturating_add(19_999),
            most_per_person: NonZeroUsize::MIN.saturating_add(49),
            refresh_grace: Duration::from_secs(600),
        }
    }
}
