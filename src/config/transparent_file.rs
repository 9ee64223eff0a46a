//! Redirected connections, as the file has them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::file::OneOrMany;

/// Where connections come that our application dialled elsewhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Transparent {
    /// Where the firewall redirects them to: a loopback address, or a list.
    pub(super) listen: OneOrMany,
    /// What may leave in the clear, if the policy agrees.
    #[serde(default)]
    pub(super) passthrough: Vec<Passthrough>,
}

/// Destinations in the clear.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Passthrough {
    /// Which, such as `10.96.0.10:53` or `192.0.2.0/24:*`.
    pub(super) captures: Vec<String>,
    /// What policies call them.
    pub(super) service: String,
}
