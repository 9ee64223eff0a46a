//! The door that connections come to which were dialled elsewhere.
//!
//! Our application knows nothing of us: a rule of the firewall brings us what
//! it dials. Where it was going says which door it is for, and from there on
//! all is as if it had come to that door. What no door captures goes nowhere,
//! unless the operator lists it as a plain way out and the policy agrees.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Room;
use crate::audit::Start;
use crate::audit::Text;
use crate::identity::Live;
use crate::net::Captures;
use crate::net::Ending;
use crate::net::Found;
use crate::net::Listener;
use crate::net::OwnConnections;
use crate::net::Security;
use crate::net::end_by;
use crate::net::original_destination;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::meters::Metrics;
use crate::proxy::outbound::OutboundDoor;
use crate::proxy::settings::Limits;
use crate::proxy::tcp::PlainWay;
use crate::proxy::tcp::TcpOutboundDoor;
use crate::proxy::threshold::Threshold;

/// One worker's door for redirected connections.
#[derive(Debug)]
pub struct TransparentDoor {
    beyond: Captures<Beyond>,
    desk: Rc<Desk>,
    identity: Arc<Live>,
    limits: Limits,
    own: OwnConnections,
    threshold: Threshold,
}

/// What a redirected connection is for.
#[derive(Clone, Debug)]
pub enum Beyond {
    /// Another workload, in HTTP.
    Http(Rc<OutboundDoor>),
    /// Wherever it was going, in the clear.
    Plain(Rc<PlainWay>),
    /// Another workload, in its own way.
    Tcp(Rc<TcpOutboundDoor>),
}

impl Beyond {
    /// What a connection has there.
    #[must_use]
    pub const fn security(&self) -> Security {
        match self {
            Self::Http(_) | Self::Tcp(_) => Security::Proved,
            Self::Plain(_) => Security::Clear,
        }
    }
}

impl TransparentDoor {
    /// A door that nobody comes through yet, to what is `beyond`, for none of
    /// the connections that are our `own`.
    #[must_use]
    pub fn new(
        beyond: Captures<Beyond>,
        (limits, own): (Limits, OwnConnections),
        desk: Rc<Desk>,
        identity: Arc<Live>,
        metrics: &Metrics,
    ) -> Self {
        Self {
            beyond,
            desk,
            identity,
            limits,
            own,
            threshold: metrics.threshold(Door::Outbound),
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self: Rc<Self>, listener: Listener) {
        doorway::open(self, listener).await;
    }

    /// What is beyond for a connection to `destination`, or why nothing is.
    async fn find(&self, destination: SocketAddr) -> Result<&Beyond, &'static str> {
        let mut found = self.beyond.find(destination);
        if matches!(found, Found::Unsure) {
            // Only what comes before the names were ever looked up waits here.
            let told = timeout(self.limits.connect, self.beyond.told()).await;
            tracing::debug!(%destination, in_time = told.is_ok(), "waited for names");
            found = self.beyond.find(destination);
        }
        match found {
            Found::Captured(beyond) => Ok(beyond),
            Found::Disputed => {
                tracing::warn!(%destination, "captured names of two doors lead to one address");
                Err("destination_disputed")
            }
            Found::Nothing => Err("destination_not_captured"),
            Found::Unsure => Err("name_not_known"),
        }
    }

    /// Counts and records a connection that goes nowhere.
    fn turn_away(
        &self,
        [source, destination]: [Option<SocketAddr>; 2],
        reason: &'static str,
        spare: Room,
    ) {
        self.threshold.handshake(reason);
        let caller = self.identity.current().svid().id().to_shared();
        let origin = Origin::new(Door::Outbound, Some(&Text::Shared(caller)), source);
        let start = Start {
            host: destination.map(|address| Text::from(address.to_string())),
            protocol: Some(Text::Static("TCP")),
            ..Start::of(origin)
        };
        doorway::record_refusal(spare, start, reason);
    }
}

impl Doorway for TransparentDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    fn most_connections(&self) -> usize {
        self.limits.connections
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        let destination = match original_destination(&stream) {
            Ok(destination) => destination,
            Err(error) => {
                tracing::debug!(%source, error = &error as &dyn std::error::Error, "a connection was not redirected");
                end_by(&stream, Ending::Reset);
                return self.turn_away([Some(source), None], "not_redirected", spare);
            }
        };
        if self.own.include(source, destination) {
            end_by(&stream, Ending::Reset);
            return self.turn_away([Some(source), Some(destination)], "own_connection", spare);
        }
        match self.find(destination).await {
            Ok(Beyond::Http(door)) => door.serve(stream, source, spare).await,
            Ok(Beyond::Plain(way)) => way.serve(stream, [source, destination], spare).await,
            Ok(Beyond::Tcp(door)) => {
                let dialled = Some(destination);
                door.receive(stream, source, dialled, spare).await;
            }
            Err(reason) => {
                end_by(&stream, Ending::Reset);
                self.turn_away([Some(source), Some(destination)], reason, spare);
            }
        }
    }
}
