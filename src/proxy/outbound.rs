//! A door for our own application, to one other workload.
//!
//! It is on loopback, so whoever comes is taken for our application; what is
//! proved is *its* identity to the other side, and theirs to us. The policy is
//! asked here, too: what is denied never leaves.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::uri::Scheme;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::audit::Door;
use crate::audit::Room;
use crate::identity::Live;
use crate::net::Dialer;
use crate::net::Listener;
use crate::net::StallGuard;
use crate::net::Whereabouts;
use crate::policy::Caller;
use crate::proxy::canonical::Rules;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::gates::Admission;
use crate::proxy::guest::Guest;
use crate::proxy::lifetime::Fate;
use crate::proxy::meters::DoorMeters;
use crate::proxy::passage::Passage;
use crate::proxy::serve::Connection;
use crate::proxy::settings::Outbound;
use crate::proxy::sniff;
use crate::proxy::threshold::Threshold;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Upstream;
use crate::proxy::upstream::Way;
use crate::tls::Connector;

/// One worker's outbound door to one destination.
#[derive(Debug)]
pub struct OutboundDoor {
    desk: Rc<Desk>,
    identity: Arc<Live>,
    meters: Rc<DoorMeters>,
    settings: Outbound,
    upstream: Rc<Upstream>,
}

/// The other workload, as a door is told of it.
#[derive(Debug)]
pub struct FarSide {
    /// Who must be there, and how we prove who we are.
    pub connector: Connector,
    /// Where it is.
    pub whereabouts: Whereabouts,
}

impl OutboundDoor {
    /// A door that nobody comes through yet.
    #[must_use]
    pub fn new(
        settings: Outbound,
        desk: Rc<Desk>,
        meters: DoorMeters,
        identity: Arc<Live>,
        far: FarSide,
    ) -> Self {
        let meters = Rc::new(meters);
        let reach = Reach {
            clock: Arc::clone(desk.clock()),
            limits: settings.limits,
            meters: Rc::clone(&meters),
            tasks: desk.tasks().clone(),
            way: Way::Peer {
                dialer: Dialer::new(&settings.to, settings.limits.connect),
                tls: Rc::new(far.connector),
            },
        };
        let upstream = Upstream::to_workload(reach, far.whereabouts, settings.balancing);
        let upstream = Rc::new(upstream);
        Self {
            desk,
            identity,
            meters,
            settings,
            upstream,
        }
    }

    /// The way to the other workload, for another door of ours.
    pub(super) const fn upstream(&self) -> &Rc<Upstream> {
        &self.upstream
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self: Rc<Self>, listener: Listener) {
        doorway::open(self, listener).await;
    }

    fn passage(&self, source: SocketAddr) -> Passage {
        let caller = Caller::workload(self.identity.current().svid().id());
        Passage {
            admission: Admission::default(),
            desk: Rc::clone(&self.desk),
            guest: Guest::new(
                (caller, self.settings.service.clone()),
                source,
                Door::Outbound,
                Rc::clone(&self.meters),
                Fate::within(self.desk.fate()),
            ),
            introduction: Rc::default(),
            belief: RefCell::new(None),
            lifetime: self.desk.lifetime(None, None),
            limits: self.settings.limits,
            recent: RefCell::default(),
            rules: Rules::new(&self.settings.limits, self.settings.latitude),
            scheme: Scheme::HTTPS,
            upstream: Rc::clone(&self.upstream),
        }
    }
}

impl Doorway for OutboundDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        self.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.settings.limits.connections
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        let limits = self.settings.limits;
        let Ok(Ok((protocol, stream))) = timeout(limits.header_read, sniff::protocol(stream)).await
        else {
            // It went away, or never said a word: there was no request.
            return;
        };
        let passage = self.passage(source);
        let connection = Connection {
            fate: passage.guest.fate().clone(),
            lifetime: passage.lifetime.clone(),
            limits,
            protocol,
            wire: Box::new(StallGuard::new(stream, limits.write_stall)),
        };
        let origin = passage.guest.origin().clone();
        let outcome = connection.serve(passage).await;
        doorway::follow(self, outcome, spare, source, origin);
    }
}
