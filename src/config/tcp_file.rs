//! The doors for what is not HTTP, as the file has them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::file::OneOrMany;

/// Doors for what is not HTTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tcp {
    /// Doors for other workloads, each to one application of ours.
    #[serde(default)]
    pub(super) inbound: Vec<TcpInbound>,
    /// Doors for our own application, each to one other workload.
    #[serde(default)]
    pub(super) outbound: Vec<TcpOutbound>,
    /// How long a connection may be silent, in milliseconds. Default: 3600000.
    #[serde(default = "idle_timeout_ms")]
    pub(super) idle_timeout_ms: u64,
}

/// A door for other workloads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TcpInbound {
    /// Where other sidecars connect to us, such as `0.0.0.0:15432`.
    pub(super) listen: String,
    /// What our application is called in policies.
    pub(super) service: String,
    /// Where our application listens, such as `127.0.0.1:5432` or `unix:/run/db.sock`.
    pub(super) app: String,
    /// Balancers that must say by the PROXY protocol, version 2, whom a connection is from: networks such as `10.0.0.0/8`.
    #[serde(default)]
    pub(super) proxy_protocol_from: Vec<String>,
}

/// A door for our own application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TcpOutbound {
    /// Where our application connects to us: a loopback address. May be left out where there are `captures`.
    pub(super) listen: Option<String>,
    /// The destinations for which redirected connections come here, such as `10.96.0.12:5432` or `db.shop.svc:5432`.
    #[serde(default)]
    pub(super) captures: Vec<String>,
    /// Where the other sidecar is, `host:port`.
    pub(super) to: String,
    /// The SPIFFE IDs that may answer there: one, or a list.
    pub(super) expect: OneOrMany,
    /// What the other workload is called in policies. Default: the first label of `to`.
    pub(super) service: Option<String>,
}

/// An hour, as Envoy's: connections in a database's pool are silent for long.
pub(super) const fn idle_timeout_ms() -> u64 {
    3_600_000
}
