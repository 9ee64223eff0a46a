//! What the door for people needs to know, already checked.

use std::net::SocketAddr;
use std::time::Duration;

use crate::net::AppAddress;
use crate::policy::ProviderName;
use crate::policy::ServiceName;
use crate::proxy::balancers::Balancers;
use crate::proxy::gates::Rate;
use crate::proxy::path::Latitude;
use crate::proxy::settings::Limits;
use crate::tls::Protocol;

/// The door for people.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Who may say that a connection is from somebody else.
    pub balancers: Balancers,
    /// The door's limits.
    pub limits: Limits,
    /// Where browsers connect to us. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where requests go. Never empty.
    pub routes: Vec<EdgeRoute>,
    /// How often one address may want something of ourselves.
    pub sign_in_rate: Rate,
}

/// Where requests go that are for one host and begin with one path.
#[derive(Clone, Debug)]
pub struct EdgeRoute {
    /// Whose bearer tokens let programs in; none if `authorization` is the application's own business.
    pub bearer: Option<ProviderName>,
    /// The host, lower case, without port.
    pub host: String,
    /// The beginning of the path: whole segments.
    pub prefix: String,
    /// Who signs people in; none if there is but one, or if they may choose.
    pub provider: Option<ProviderName>,
    /// What paths may have.
    pub latitude: Latitude,
    /// What the far side is called in policies.
    pub service: ServiceName,
    /// The far side.
    pub to: EdgeTarget,
}

/// Where requests of one route go.
#[derive(Clone, Debug)]
pub enum EdgeTarget {
    /// An application that we reach as it is.
    App {
        /// Where it is.
        address: AppAddress,
        /// How long an unused connection to it is kept.
        idle: Duration,
        /// What it speaks.
        protocol: Protocol,
    },
    /// Another workload, by the number of the door that our own application has to it.
    Outbound(usize),
}
