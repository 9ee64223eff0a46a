//! The door for other workloads, as the file has it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::file::OneOrMany;
use crate::config::file::Route;
use crate::config::file::defaults;

/// The door for other workloads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbound {
    /// Where other sidecars connect to us, such as `0.0.0.0:15006`.
    pub(super) listen: String,
    /// What our application is called in policies.
    pub(super) service: String,
    /// Where our application listens, such as `127.0.0.1:8080` or `unix:/run/app.sock`.
    pub(super) app: String,
    /// What it speaks. Default: `http1`.
    #[serde(default)]
    pub(super) app_protocol: AppProtocol,
    /// How long an unused connection to it is kept, in milliseconds. Default: 4000.
    #[serde(default = "defaults::app_idle_ms")]
    pub(super) app_idle_ms: u64,
    /// How it is asked whether it is ready for requests; without it, it is not asked.
    pub(super) app_ready: Option<AppReady>,
    /// How many requests it may have at a time, of all workers: 1 to 1000000. Default: as many as come.
    pub(super) concurrent_requests: Option<usize>,
    /// How often callers may ask: the first that is for a caller counts. Default: as often as they like.
    #[serde(default)]
    pub(super) rate_limits: Vec<RateLimit>,
    /// A door in the clear for whoever only asks whether our application is well, such as a kubelet; without it, there is none.
    pub(super) probes: Option<Probes>,
    /// Whether paths may have `%2F`, a slash inside a segment: only for what does not decode paths before it looks for what is asked. Default: false.
    pub(super) allow_encoded_slashes: Option<bool>,
    /// Whether paths may have `;`. Default: false.
    #[serde(default)]
    pub(super) allow_semicolons: bool,
    /// Balancers that must say by the PROXY protocol, version 2, whom a connection is from: networks such as `10.0.0.0/8`.
    #[serde(default)]
    pub(super) proxy_protocol_from: Vec<String>,
    /// Route templates, with the groups they are in.
    #[serde(default)]
    pub(super) routes: Vec<Route>,
}

/// What an application speaks in the clear.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AppProtocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge (h2c), as gRPC servers do.
    Http2,
}

/// How our application is asked whether it is ready for requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppReady {
    /// What it is asked for by GET, such as `/healthz`: it is ready if it answers with 200 to 399. Default: it is enough that it takes connections.
    pub(super) path: Option<String>,
    /// How long to wait between two questions, in milliseconds: 100 to 3600000. Default: 1000.
    #[serde(default = "a_second")]
    pub(super) interval_ms: u64,
    /// How long an answer may take, in milliseconds: 1 to 3600000. Default: 1000.
    #[serde(default = "a_second")]
    pub(super) timeout_ms: u64,
    /// After how many bad answers in a row it is taken for not ready: 1 to 100. Default: 3.
    #[serde(default = "failures")]
    pub(super) failures: u32,
}

/// A door in the clear for whoever only asks whether our application is well.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Probes {
    /// Where it is, such as `0.0.0.0:9901`.
    pub(super) listen: String,
    /// What may be asked for there, by GET and HEAD: paths such as `/healthz`, each as it is written.
    pub(super) paths: Vec<String>,
}

/// How often each of some callers may ask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    /// Whom it is for: SPIFFE IDs, in whose paths `*` is a segment and a final `/**` the rest. Default: everybody.
    pub(super) callers: Option<OneOrMany>,
    /// How many requests each of them is granted in a period: 1 to 1000000.
    pub(super) requests: u32,
    /// How long the period is, in seconds: 1 to 86400. Default: 1.
    #[serde(default = "one_second")]
    pub(super) period_s: u64,
    /// How many may come at once after a time without any: 1 to 1000000. Default: as many as `requests`.
    pub(super) burst: Option<u32>,
}

/// A new pod serves at most this much later than it could.
const fn a_second() -> u64 {
    1_000
}

/// The kubelet's own: one lost answer is no outage.
const fn failures() -> u32 {
    3
}

/// What people mean by a rate.
const fn one_second() -> u64 {
    1
}
