//! What keeps a sidecar from starting.

use std::io;

use crate::admin;
use crate::app::edge;
use crate::app::policies::PolicyMistakes;
use crate::app::policy_feed::NoPolicy;
use crate::audit;
use crate::ca;
use crate::enrol::EnrolError;
use crate::identity;
use crate::net;

/// Why a sidecar cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The operator's window cannot be opened.
    #[error("the operator's window cannot be opened")]
    Admin {
        /// Why.
        #[source]
        cause: admin::BindError,
    },
    /// There is no log, so there can be no request.
    #[error("no decision could be recorded")]
    Audit {
        /// Why.
        #[source]
        cause: audit::OpenError,
    },
    /// The embedded CA cannot be opened.
    #[error("the embedded CA cannot be opened")]
    Authority {
        /// Why.
        #[source]
        cause: ca::OpenError,
    },
    /// A door's port cannot be had.
    #[error("a door cannot be opened")]
    Bind {
        /// Which, and why.
        #[source]
        cause: net::BindError,
    },
    /// There can be no door for people.
    #[error("the door for people cannot be opened")]
    Edge {
        /// Why.
        #[source]
        cause: edge::OpenError,
    },
    /// The authority cannot be asked for a name.
    #[error("the authority cannot be asked for a name")]
    Enrol {
        /// Why not.
        #[source]
        cause: EnrolError,
    },
    /// The operators' socket cannot be made.
    #[error("the operators' socket (`admin.socket`) cannot be opened")]
    Hatch {
        /// Why.
        #[source]
        cause: net::UnixBindError,
    },
    /// There is no identity to show.
    #[error("there is no identity to show")]
    Identity {
        /// Why.
        #[source]
        cause: identity::SourceError,
    },
    /// Two metrics have one name, which is a mistake of ours.
    #[error("the metrics cannot be registered")]
    Metrics {
        /// Which.
        #[source]
        cause: prometheus::Error,
    },
    /// The authority's policies cannot be put in force.
    #[error("the authority's policies cannot be put in force")]
    NoPolicy {
        /// Why not.
        #[source]
        cause: NoPolicy,
    },
    /// The policy has mistakes.
    #[error("the policy is refused")]
    Policy {
        /// All of them.
        #[source]
        cause: PolicyMistakes,
    },
    /// The system gives us no event loop.
    #[error("no event loop can be made")]
    Runtime {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The Workload API's socket cannot be made.
    #[error("the Workload API cannot be opened")]
    WorkloadApi {
        /// Why.
        #[source]
        cause: net::UnixBindError,
    },
}
