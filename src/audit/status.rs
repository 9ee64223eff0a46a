//! How the log is, for the operator.

use std::time::SystemTime;

/// How the log is at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Requests under way and records not yet written.
    pub taken_records: usize,
    /// How many of those there may be.
    pub room_records: usize,
    /// Records written since the start.
    pub written_records: u64,
    /// Why records cannot be written, if they cannot. No request is let in
    /// meanwhile.
    pub failure: Option<Failure>,
    /// Why the file could not be opened again when that was last asked for.
    /// Records still go to the old one.
    pub reopen_failure: Option<Failure>,
}

/// What is wrong, and since when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The system's words.
    pub reason: String,
    /// When it was first seen.
    pub since: SystemTime,
}
