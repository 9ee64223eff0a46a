//! What is to be redirected, and what is not.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use crate::net::Network;

/// A plan that keeps nothing from working: our own connections and loopback
/// are never redirected.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) exclusions: Exclusions,
    /// By the application's port, the door's.
    pub(super) inbound: BTreeMap<u16, u16>,
    /// The door for whatever comes from outside to another port.
    pub(super) otherwise: Option<u16>,
    /// The door for what leaves.
    pub(super) outbound: Option<u16>,
    /// Where we listen for others ourselves.
    pub(super) own: BTreeSet<u16>,
    /// The user that we run as, whose connections are our own.
    pub(super) uid: u32,
}

/// What goes its way as if there were no rules.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    /// Destinations of what leaves.
    pub networks: Vec<Network>,
    /// Ports of ours that may be reached from outside without a sidecar.
    pub inbound_ports: Vec<NonZeroU16>,
    /// Ports of others that are reached without a sidecar.
    pub outbound_ports: Vec<NonZeroU16>,
    /// Users whose connections leave without a sidecar.
    pub uids: Vec<u32>,
}

/// One door for others.
#[derive(Clone, Copy, Debug)]
pub struct Inward {
    /// The port of the application behind it, if it has one.
    pub app: Option<u16>,
    /// Where it listens.
    pub listen: SocketAddr,
}

impl Plan {
    /// A plan that brings what leaves to `outward`, all of one port, and what
    /// comes from outside to the doors in `inward`, each by its application's
    /// port; what comes to any other port goes to the first of them, but not
    /// what is for an address in `own`, where we listen for other things.
    /// `uid` is the user that the sidecar runs as.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if connections would be brought where nobody is.
    pub fn new(
        uid: u32,
        outward: &[SocketAddr],
        inward: &[Inward],
        own: &[SocketAddr],
        exclusions: Exclusions,
    ) -> Result<Self, PlanError> {
        let outbound = outward.first().map(SocketAddr::port);
        if outward.iter().any(|other| Some(other.port()) != outbound) {
            return Err(PlanError::SeveralPorts);
        }
        if outward.is_empty() && inward.is_empty() {
            return Err(PlanError::Nothing);
        }
        let listens = inward.iter().map(|door| door.listen);
        if outward
            .iter()
            .copied()
            .chain(listens)
            .any(|at| at.port() == 0)
        {
            return Err(PlanError::NoPort);
        }
        let mut inbound = BTreeMap::new();
        for &Inward { app, listen } in inward {
            if listen.ip().is_loopback() {
                return Err(PlanError::OnLoopback { listen });
            }
            let shared = app.filter(|app| inbound.insert(*app, listen.port()).is_some());
            if let Some(app) = shared {
                return Err(PlanError::SharedApp { app });
            }
        }
        // On loopback nobody from outside is meant.
        let own = own.iter().filter(|at| !at.ip().is_loopback());
        let doors = inward.iter().map(|door| door.listen.port());
        let own = own.map(SocketAddr::port).chain(doors).collect();
        Ok(Self {
            exclusions,
            inbound,
            otherwise: inward.first().map(|door| door.listen.port()),
            outbound,
            own,
            uid,
        })
    }
}

/// Why there are no rules.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The system would choose a port that nobody knows yet.
    #[error("a door listens on port 0: choose one, since rules must name it")]
    NoPort,
    /// No door takes redirected connections.
    #[error(
        "nothing to redirect: the configuration has neither `transparent` nor `inbound` nor `tcp.inbound`"
    )]
    Nothing,
    /// What comes from outside is redirected to the address that it came to.
    #[error(
        "the door at `{listen}` is on loopback: redirected connections reach only an address of the network, so let it listen on 0.0.0.0 or [::]"
    )]
    OnLoopback {
        /// Where it listens.
        listen: SocketAddr,
    },
    /// Rules tell connections apart by port.
    #[error("`transparent.listen` has several ports: all its addresses must have one")]
    SeveralPorts,
    /// The same.
    #[error("two doors lead to an application on port {app}: rules cannot tell which is meant")]
    SharedApp {
        /// The port.
        app: u16,
    },
}
