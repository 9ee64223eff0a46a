//! The door for people.
//!
//! accept → TLS (nobody proves anything by it) → one passage for each request,
//! which finds out who asks → the application of its route.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::uri::Scheme;
use tokio::net::TcpStream;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Room;
use crate::net::Listener;
use crate::net::StallGuard;
use crate::policy::ServiceName;
use crate::proxy::balancers::Balancers;
use crate::proxy::canonical::Rules;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::doorway::Received;
use crate::proxy::edge::assertion::Asserter;
use crate::proxy::edge::errand::Counter;
use crate::proxy::edge::passage::Passage;
use crate::proxy::edge::routes::Routes;
use crate::proxy::edge::settings::Edge;
use crate::proxy::edge::settings::EdgeRoute;
use crate::proxy::edge::settings::EdgeTarget;
use crate::proxy::edge::who::Seen;
use crate::proxy::guest::Visit;
use crate::proxy::lifetime::Fate;
use crate::proxy::meters::DoorMeters;
use crate::proxy::outbound::OutboundDoor;
use crate::proxy::path::Latitude;
use crate::proxy::serve::Connection;
use crate::proxy::settings::Limits;
use crate::proxy::threshold::Threshold;
use crate::proxy::upstream::Keeping;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Upstream;
use crate::session;
use crate::session::Board;
use crate::tls::HandshakeSlots;
use crate::tls::OpenReception;

/// One worker's door for people.
#[derive(Debug)]
pub struct EdgeDoor {
    house: Rc<House>,
    reception: Arc<OpenReception>,
    settings: Edge,
    slots: HandshakeSlots,
}

/// What a door for people has of its worker.
#[derive(Debug)]
pub struct EdgeEquipment {
    /// What tells applications who asks.
    pub asserter: Arc<Asserter>,
    /// Who is signed in.
    pub board: Arc<Board>,
    /// Where errands are handed in.
    pub counter: Counter,
    /// The worker's desk.
    pub desk: Rc<Desk>,
    /// The doors of our own application, as the settings number them.
    pub outbound: Vec<Rc<OutboundDoor>>,
    /// What is shown to browsers.
    pub reception: Arc<OpenReception>,
    /// What handshakes may be under way.
    pub slots: HandshakeSlots,
}

/// What all connections of a worker's door share.
#[derive(Debug)]
pub(super) struct House {
    pub(super) asserter: Arc<Asserter>,
    pub(super) counter: Counter,
    pub(super) desk: Rc<Desk>,
    pub(super) limits: Limits,
    /// Of connections, and of requests that are on no route.
    pub(super) meters: Rc<DoorMeters>,
    /// Who is signed in.
    pub(super) people: RefCell<session::Desk>,
    pub(super) places: Vec<Place>,
    pub(super) routes: Routes,
    pub(super) rules: Rules,
    /// Bearer tokens that are good.
    pub(super) seen: RefCell<Seen>,
}

/// Where the requests of one route go.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) meters: Rc<DoorMeters>,
    pub(super) scheme: Scheme,
    pub(super) settings: EdgeRoute,
    pub(super) upstream: Rc<Upstream>,
}

impl EdgeDoor {
    /// A door that nobody comes through yet. `meters` counts what is for a
    /// service, `own` connections and what is for ourselves.
    #[must_use]
    pub fn new(
        settings: Edge,
        equipment: EdgeEquipment,
        meters: &impl Fn(&ServiceName) -> DoorMeters,
        own: DoorMeters,
    ) -> Self {
        let EdgeEquipment {
            asserter,
            board,
            counter,
            desk,
            outbound,
            reception,
            slots,
        } = equipment;
        let places = settings.routes.iter().filter_map(|route| {
            let meters = Rc::new(meters(&route.service));
            let (scheme, upstream) = match &route.to {
                EdgeTarget::App { .. } => (
                    Scheme::HTTP,
                    application(route, &desk, &meters, settings.limits)?,
                ),
                EdgeTarget::Outbound(at) => {
                    (Scheme::HTTPS, Rc::clone(outbound.get(*at)?.upstream()))
                }
            };
            Some(Place {
                meters,
                scheme,
                settings: route.clone(),
                upstream,
            })
        });
        let routes = settings.routes.iter();
        let all = routes.clone().map(|route| route.latitude);
        let latitude = all.fold(Latitude::default(), Latitude::or);
        let house = House {
            asserter,
            counter,
            limits: settings.limits,
            meters: Rc::new(own),
            people: RefCell::new(session::Desk::new(board)),
            places: places.collect(),
            routes: Routes::new(routes.map(|route| (&*route.host, &*route.prefix))),
            rules: Rules::new(&settings.limits, latitude),
            desk,
            seen: RefCell::default(),
        };
        Self {
            house: Rc::new(house),
            reception,
            settings,
            slots,
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self, listener: Listener) {
        doorway::open(Rc::new(self), listener).await;
    }

    /// A connection with somebody; none if TLS came to nothing, which is recorded.
    async fn receive(
        &self,
        mut stream: TcpStream,
        source: SocketAddr,
        spare: Room,
    ) -> Option<Received> {
        let introduced = doorway::introduced(self, &mut stream, source, spare).await?;
        let source = introduced.source;
        let welcomed = self.reception.welcome(&self.slots, stream, source.ip());
        let (stream, protocol) = match welcomed.await {
            Ok(Some(welcomed)) => welcomed,
            Ok(None) => {
                tracing::info!(%source, "a CA has looked at the answer to its challenge");
                self.house.meters.handshake("acme_validation");
                return None;
            }
            Err(why) => {
                doorway::unproved(self, &why, source, introduced.spare);
                return None;
            }
        };
        self.house.meters.handshake("ok");
        let visit = Visit {
            fate: Fate::within(self.house.desk.fate()),
            meters: Rc::clone(&self.house.meters),
            origin: Origin::new(Door::Edge, None, Some(source)),
        };
        let limits = self.settings.limits;
        let lifetime = self.house.desk.lifetime(None, None);
        let connection = Connection {
            fate: visit.fate.clone(),
            lifetime: lifetime.clone(),
            limits,
            protocol,
            wire: Box::new(StallGuard::new(stream, limits.write_stall)),
        };
        let origin = visit.origin.clone();
        let passage = Passage::new(Rc::clone(&self.house), lifetime, source, visit);
        Some(Received {
            introduced,
            origin,
            serving: connection.serve(passage),
        })
    }
}

/// The way to the application of `route`; none where it has no address.
fn application(
    route: &EdgeRoute,
    desk: &Rc<Desk>,
    meters: &Rc<DoorMeters>,
    limits: Limits,
) -> Option<Rc<Upstream>> {
    let EdgeTarget::App {
        address,
        idle,
        protocol,
    } = &route.to
    else {
        return None;
    };
    let reach = Reach::app(desk, meters, limits, address.clone());
    let keeping = Keeping {
        idle: *idle,
        most_idle: MOST_IDLE,
        protocol: *protocol,
    };
    Some(Rc::new(Upstream::new(reach, keeping)))
}

impl Doorway for EdgeDoor {
    fn desk(&self) -> &Desk {
        &self.house.desk
    }

    fn threshold(&self) -> &Threshold {
        self.house.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.settings.limits.connections
    }

    fn balancers(&self) -> Option<&Balancers> {
        Some(&self.settings.balancers)
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        // Boxed: what a handshake needs is given back when it is over.
        let received = Box::pin(self.receive(stream, source, spare)).await;
        doorway::see_off(self, received).await;
    }
}

/// Kept-alive connections to one application.
const MOST_IDLE: usize = 64;
