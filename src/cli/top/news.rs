//! What `/traffic` tells.

use serde::Deserialize;

/// All that is told at once. What an older sidecar does not tell is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct News {
    pub(super) missed: u64,
    pub(super) pairs: Vec<Pair>,
    pub(super) seconds: u64,
    pub(super) status: Status,
}

/// Who calls whom.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pair {
    pub(super) denied: u64,
    pub(super) door: String,
    pub(super) errors: u64,
    pub(super) from: String,
    pub(super) p50_us: Option<u64>,
    pub(super) p99_us: Option<u64>,
    pub(super) refused: u64,
    pub(super) requests: u64,
    pub(super) route: String,
    pub(super) to: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) identity: Option<Identity>,
    pub(super) live: Live,
    pub(super) not_ready: Vec<Condition>,
    pub(super) policy: Option<Policy>,
    pub(super) ready: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Identity {
    /// RFC 3339.
    pub(super) not_after: Option<String>,
    pub(super) spiffe_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Policy {
    pub(super) revision: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Live {
    pub(super) connections: u64,
    pub(super) streams: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    pub(super) condition: String,
}

impl News {
    /// None if it is not what we know.
    pub(super) fn read(told: &[u8]) -> Option<Self> {
        serde_json::from_slice(told).ok()
    }
}
