//! How we are, in the form that `/status` shows.

use crate::admin::readiness::Unready;
use crate::audit;
use crate::id::SpiffeId;
use serde::Serialize;
use serde::Serializer;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// Tells how we are. Whoever builds the sidecar implements it.
pub trait Report: Debug + Send + Sync {
    /// How we are now. Must not wait for anything.
    fn status(&self) -> Status;

    /// How far the audit log had come when that was last signed, if it is. Must not wait for anything.
    fn checkpoint(&self) -> Option<Arc<str>>;

    /// Hears of each record of the audit log from now on.
    fn watch(&self) -> audit::Watcher;
}

/// How we are at one moment. Nothing of it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The identity that we show, if there is one.
    pub identity: Option<Identity>,
    /// The policy that decides, if there is one.
    pub policy: Option<Policy>,
    /// Where we listen.
    pub listeners: Vec<Listener>,
    /// What is under way.
    pub live: Live,
    /// The audit log.
    pub audit: AuditState,
}

/// The identity that we show.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// Who we are.
    #[serde(serialize_with = "display")]
    pub spiffe_id: SpiffeId,
    /// Since when our certificate is valid.
    #[serde(serialize_with = "date")]
    pub not_before: SystemTime,
    /// Until when our certificate is valid.
    #[serde(serialize_with = "date")]
    pub not_after: SystemTime,
    /// Why it was not renewed when that was last tried, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Trouble>,
}

/// The policy that decides.
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    /// Its hash, as in the records.
    pub revision: String,
    /// Its number, if an authority has given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// When it took effect.
    #[serde(serialize_with = "date")]
    pub loaded_at: SystemTime,
    /// Why the last change to it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Trouble>,
}

/// A door.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// Which one: `inbound`, `outbound`, `edge` or `admin`.
    pub door: &'static str,
    /// Where it is.
    #[serde(serialize_with = "display")]
    pub address: SocketAddr,
    /// Where it leads to: our application, or another service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What is under way.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Live {
    /// Open connections, from callers and from our own service.
    pub connections: u64,
    /// Requests that have not ended.
    pub streams: u64,
}

/// The audit log.
#[derive(Clone, Debug, Serialize)]
pub struct AuditState {
    /// Requests under way and records not yet written.
    pub taken_records: usize,
    /// How many of those there may be.
    pub room_records: usize,
    /// Records written since the start.
    pub written_records: u64,
    /// Why records cannot be written, if they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Trouble>,
    /// Why the file could not be opened again, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_failure: Option<Trouble>,
}

/// What is wrong, and since when.
#[derive(Clone, Debug, Serialize)]
pub struct Trouble {
    /// What is wrong, for a person.
    pub reason: String,
    /// Since when.
    #[serde(serialize_with = "date")]
    pub since: SystemTime,
}

impl From<audit::Failure> for Trouble {
    fn from(failure: audit::Failure) -> Self {
        Self {
            reason: failure.reason,
            since: failure.since,
        }
    }
}

impl From<audit::Status> for AuditState {
    fn from(status: audit::Status) -> Self {
        Self {
            taken_records: status.taken_records,
            room_records: status.room_records,
            written_records: status.written_records,
            failure: status.failure.map(Trouble::from),
            reopen_failure: status.reopen_failure.map(Trouble::from),
        }
    }
}

/// All of `/status`.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) version: &'static str,
    pub(super) ready: bool,
    pub(super) not_ready: Vec<Unready>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) remarks: Vec<Unready>,
    #[serde(flatten)]
    pub(super) status: Status,
}

fn display<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

/// Writes `at` as RFC 3339 in UTC, or as `null` if the calendar does not have it.
fn date<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let at = jiff::Timestamp::try_from(*at).ok();
    at.map(|at| at.to_string()).serialize(serializer)
}
