//! The door for other workloads.
//!
//! accept → TLS (who calls) → one passage for each request → our application.
//! A caller that proves no identity is refused before it can say anything, and
//! that is recorded, too.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderName;
use http::HeaderValue;
use http::uri::Scheme;
use tokio::net::TcpStream;

use crate::audit::Door;
use crate::audit::Room;
use crate::identity::Live;
use crate::net::Listener;
use crate::net::StallGuard;
use crate::policy::Caller;
use crate::proxy::balancers::Balancers;
use crate::proxy::canonical::Rules;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::doorway::Received;
use crate::proxy::gates::Gates;
use crate::proxy::gates::WorkerGates;
use crate::proxy::guest::Guest;
use crate::proxy::introduction::Introduction;
use crate::proxy::lifetime::Fate;
use crate::proxy::lifetime::Grace;
use crate::proxy::meters::DoorMeters;
use crate::proxy::passage::Passage;
use crate::proxy::serve::Connection;
use crate::proxy::settings::Inbound;
use crate::proxy::threshold::Threshold;
use crate::proxy::upstream::Keeping;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Upstream;
use crate::tls::Acceptor;
use crate::tls::Arrival;
use crate::tls::Belief;
use crate::tls::Lease;
use crate::tls::Peer;

/// One worker's inbound door.
#[derive(Debug)]
pub struct InboundDoor {
    acceptor: Acceptor,
    desk: Rc<Desk>,
    gates: WorkerGates,
    identity: Arc<Live>,
    meters: Rc<DoorMeters>,
    settings: Inbound,
    upstream: Rc<Upstream>,
}

/// What a door for other workloads has of its worker.
#[derive(Debug)]
pub struct InboundEquipment {
    /// How callers prove who they are.
    pub acceptor: Acceptor,
    /// The worker's desk.
    pub desk: Rc<Desk>,
    /// What requests must get past besides the policy.
    pub gates: Gates,
    /// Who we are.
    pub identity: Arc<Live>,
    /// The door's part of the metrics.
    pub meters: DoorMeters,
}

impl InboundDoor {
    /// A door that nobody comes through yet.
    #[must_use]
    pub fn new(settings: Inbound, equipment: InboundEquipment) -> Self {
        let InboundEquipment {
            acceptor,
            desk,
            gates,
            identity,
            meters,
        } = equipment;
        let meters = Rc::new(meters);
        let reach = Reach::app(&desk, &meters, settings.limits, settings.app.clone());
        let keeping = Keeping {
            idle: settings.app_idle,
            most_idle: MOST_IDLE,
            protocol: settings.app_protocol,
        };
        let upstream = Rc::new(Upstream::new(reach, keeping));
        Self {
            acceptor,
            desk,
            gates: gates.into_worker(),
            identity,
            meters,
            settings,
            upstream,
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self, listener: Listener) {
        doorway::open(Rc::new(self), listener).await;
    }

    fn passage(&self, belief: Belief, lease: Lease, source: SocketAddr) -> Passage {
        let peer = belief.peer();
        let caller = Caller::over(peer.id(), peer.facts());
        let grace = self.settings.limits.certificate_grace;
        let grace = Grace::of(grace, &self.meters.threshold().leases);
        Passage {
            admission: self.gates.before(peer.id()),
            desk: Rc::clone(&self.desk),
            guest: Guest::new(
                (caller, self.settings.service.clone()),
                source,
                Door::Inbound,
                Rc::clone(&self.meters),
                Fate::within(self.desk.fate()),
            ),
            introduction: Rc::new(introduction(peer, &self.identity)),
            belief: RefCell::new(Some(belief)),
            lifetime: self.desk.lifetime(Some(lease), grace),
            limits: self.settings.limits,
            recent: RefCell::default(),
            rules: Rules::new(&self.settings.limits, self.settings.latitude),
            scheme: Scheme::HTTP,
            upstream: Rc::clone(&self.upstream),
        }
    }

    /// A caller that has proved its name; none if it did not, which is recorded.
    async fn receive(
        &self,
        mut stream: TcpStream,
        source: SocketAddr,
        spare: Room,
    ) -> Option<Received> {
        let introduced = doorway::introduced(self, &mut stream, source, spare).await?;
        let source = introduced.source;
        let arrival = match self.acceptor.receive(stream, source.ip()).await {
            Ok(arrival) => arrival,
            Err(why) => {
                doorway::unproved(self, &why, source, introduced.spare);
                return None;
            }
        };
        self.meters.handshake("ok");
        let accepted = match arrival {
            Arrival::Caller(accepted) => accepted,
            Arrival::Claimant(claimant) => {
                doorway::settle(self, claimant, source, introduced.spare).await;
                return None;
            }
        };
        let passage = self.passage(accepted.belief, accepted.lease, source);
        let connection = Connection {
            fate: passage.guest.fate().clone(),
            lifetime: passage.lifetime.clone(),
            limits: self.settings.limits,
            protocol: accepted.protocol,
            wire: Box::new(StallGuard::new(
                accepted.stream,
                self.settings.limits.write_stall,
            )),
        };
        let origin = passage.guest.origin().clone();
        Some(Received {
            introduced,
            origin,
            serving: connection.serve(passage),
        })
    }
}

impl Doorway for InboundDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        self.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.settings.limits.connections
    }

    fn balancers(&self) -> Option<&Balancers> {
        Some(&self.settings.balancers)
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        // Boxed: what a handshake needs is given back when it is over, and a
        // connection may be idle for long.
        let received = Box::pin(self.receive(stream, source, spare)).await;
        doorway::see_off(self, received).await;
    }
}

/// Tells our application who calls: in a field of ours, and in Envoy's form.
///
/// A SPIFFE ID and a hex digest have none of the characters that Envoy's form
/// would want escaped (`,`, `;`, `=`, `"`).
fn introduction(peer: &Peer, identity: &Live) -> Introduction {
    let us = identity.current();
    let certificate = format!(
        "By={};Hash={};URI={}",
        us.svid().id(),
        peer.fingerprint(),
        peer.id()
    );
    let fields = [
        ("x-portreeve-caller", peer.id().as_str()),
        ("x-forwarded-client-cert", certificate.as_str()),
        ("x-forwarded-proto", "https"),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_static(name),
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .collect()
}

/// Kept-alive connections to the application: as many as an HTTP/1 caller's
/// usual concurrency, so that a steady load never dials.
const MOST_IDLE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_output<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_takes_little_memory_besides_its_protocols() {
        let bytes = size_of_output(InboundDoor::serve);
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    }

    /// Each connection has one.
    const MOST_BYTES: usize = 512;
}
