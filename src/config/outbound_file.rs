//! The doors for our own application, as the file has them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::file::OneOrMany;

/// A door for our own application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbound {
    /// Where our application connects to us: a loopback address. May be left out where there are `captures`.
    pub(super) listen: Option<String>,
    /// The destinations for which redirected connections come here, such as `10.96.0.12:80`, `10.96.0.0/16:*`, `[fd00::/8]:80` or, wherever it leads, `orders.shop.svc:80`.
    #[serde(default)]
    pub(super) captures: Vec<String>,
    /// Where the other sidecar is, `host:port`. All addresses of a name are used.
    pub(super) to: String,
    /// The SPIFFE IDs that may answer there: one, or a list.
    pub(super) expect: OneOrMany,
    /// What the other workload is called in policies. Default: the first label of `to`.
    pub(super) service: Option<String>,
    /// Whether paths may have `%2F`, a slash inside a segment: only for what does not decode paths before it looks for what is asked. Default: false.
    pub(super) allow_encoded_slashes: Option<bool>,
    /// Whether paths may have `;`. Default: false.
    #[serde(default)]
    pub(super) allow_semicolons: bool,
    /// How long reaching one of its addresses may take, in milliseconds. Default: `limits.connect_timeout_ms`.
    pub(super) connect_timeout_ms: Option<u64>,
    /// How long the head of its response may take, in milliseconds. Default: `limits.response_timeout_ms`.
    pub(super) response_timeout_ms: Option<u64>,
    /// How long a connection to it without streams is kept, in milliseconds. Default: `limits.idle_timeout_ms`.
    pub(super) idle_timeout_ms: Option<u64>,
    /// After how long a silence a connection to it is pinged, and how long it may take to answer, in milliseconds, from
    /// 100 to 10000. Default: 8000.
    #[serde(default = "ping_interval_ms")]
    pub(super) ping_interval_ms: u64,
    /// When a request is tried again.
    #[serde(default)]
    pub(super) retries: Retries,
    /// When one of its addresses is left out for a while.
    #[serde(default)]
    pub(super) ejection: Ejection,
}

/// When a request is tried again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Retries {
    /// How often, at the most, from 0 to 10. 0: never. Default: 2.
    pub(super) most: u32,
    /// How many retries there may be for a hundred requests, from 0 to 100. Default: 20.
    pub(super) budget_percent: u32,
    /// How many there may be in ten seconds, however few requests there are, from 0 to 1000. Default: 10.
    pub(super) budget_floor: u32,
}

/// When an address is left out for a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ejection {
    /// How often in a row it must break off, take too long, or answer 502, 503 or 504. 0: never left out. Default: 5.
    pub(super) failures: u32,
    /// For how long it is left out, in milliseconds, above 0; the n-th time, n times as long. Default: 30000.
    pub(super) base_ms: u64,
    /// For how long at the most, in milliseconds, at least `base_ms`. Default: 300000.
    pub(super) longest_ms: u64,
    /// The largest share of the addresses that may be left out, in percent, from 0 to 100; one may be in any case. Default: 50.
    pub(super) most_percent: u32,
    /// If fewer of them are left, in percent, from 0 to 100, all are used. Default: 50.
    pub(super) panic_percent: u32,
}

/// How names are looked up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Names {
    /// The name servers, `address:port`. Default: those of `/etc/resolv.conf`.
    pub(super) servers: Vec<String>,
    /// How long the last good answer holds while the name servers give none, in milliseconds. Default: 600000.
    pub(super) stale_ms: u64,
}

/// Whoever vanishes is found out after three times as long: within 24 s.
const fn ping_interval_ms() -> u64 {
    8_000
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            // Two other addresses: what fails thrice will fail again.
            most: 2,
            // Envoy's and Finagle's: a destination that fails gets no flood on top.
            budget_percent: 20,
            // One a second, for whoever asks rarely.
            budget_floor: 10,
        }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            // Envoy's, as the next two.
            failures: 5,
            base_ms: 30_000,
            longest_ms: 300_000,
            // Half of them can carry the load for a moment; fewer could not.
            most_percent: 50,
            panic_percent: 50,
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            // Longer than a name service is ever down, shorter than addresses
            // take to be given to somebody else; who is there must prove its name.
            stale_ms: 600_000,
        }
    }
}
