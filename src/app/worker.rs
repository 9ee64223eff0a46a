//! One worker: a thread, a runtime, and the doors that are open on it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio::time::timeout;

use crate::app::edge;
use crate::app::edge::Edge;
use crate::app::names::Places;
use crate::app::tcp_doors;
use crate::app::transparent;
use crate::audit;
use crate::audit::Shard;
use crate::config::Config;
use crate::config::Handshakes;
use crate::drain::Watch;
use crate::identity::Live;
use crate::net::Bound;
use crate::net::Listener;
use crate::net::OwnConnections;
use crate::net::Sources;
use crate::net::Whereabouts;
use crate::policy;
use crate::proxy;
use crate::proxy::Beyond;
use crate::proxy::Desk;
use crate::proxy::FarSide;
use crate::proxy::InboundDoor;
use crate::proxy::InboundEquipment;
use crate::proxy::OutboundDoor;
use crate::proxy::ProbesDoor;
use crate::proxy::Scratch;
use crate::time::Clock;
use crate::tls;
use crate::workload_api;

/// What all workers have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) bounds: Bounds,
    pub(super) calls: workload_api::Metrics,
    pub(super) clock: Arc<dyn Clock>,
    /// Pulled when even the drain must end.
    pub(super) cut: Watch,
    pub(super) config: Arc<Config>,
    pub(super) drain: Watch,
    /// None without a door for people.
    pub(super) edge: Option<Edge>,
    /// None without an inbound door.
    pub(super) gates: Option<proxy::Gates>,
    pub(super) identity: Arc<Live>,
    /// A caller's next connection may come to another worker than its last.
    pub(super) leases: tls::Leases,
    pub(super) metrics: proxy::Metrics,
    pub(super) own: OwnConnections,
    pub(super) policy: Arc<policy::Current>,
    pub(super) tcp_metrics: proxy::TcpMetrics,
    pub(super) whereabouts: Places,
}

/// What callers may have of all workers before they have proved a name.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) handshakes: tls::HandshakeSlots,
    pub(super) sources: Sources,
}

impl Bounds {
    pub(super) fn of(settings: &Handshakes) -> Self {
        let slots = tls::HandshakeSlots::new(settings.most);
        Self {
            handshakes: slots.of_one_source(settings.of_source),
            sources: Sources::new(settings.sources),
        }
    }
}

impl Common {
    /// What handshakes may cost.
    pub(super) fn tls_settings(&self) -> tls::Settings {
        tls_settings(&self.config)
    }
}

/// What handshakes may cost.
pub(super) fn tls_settings(config: &Config) -> tls::Settings {
    tls::Settings {
        handshake_timeout: config.handshakes.timeout,
        ..tls::Settings::default()
    }
}

/// What one worker has for itself. It may change threads until it runs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) common: Common,
    pub(super) edge: Option<Bound>,
    pub(super) inbound: Option<Bound>,
    pub(super) log: Shard,
    pub(super) outbound: Vec<Option<Bound>>,
    pub(super) probes: Option<Bound>,
    pub(super) tcp_inbound: Vec<Option<Bound>>,
    pub(super) tcp_outbound: Vec<Option<Bound>>,
    pub(super) transparent: Vec<Option<Bound>>,
}

impl Worker {
    /// Serves until the drain, and then until all is served or the deadline passed.
    ///
    /// # Errors
    ///
    /// If the system gives us no runtime, or will not watch a socket.
    pub(super) fn run(self) -> io::Result<()> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?;
        let deadline = self.common.config.drain_deadline;
        runtime.block_on(self.serve(deadline))
    }

    async fn serve(self, deadline: Duration) -> io::Result<()> {
        let common = self.common.clone();
        let view = policy::View::new(Arc::clone(&common.policy));
        let desk = Desk::new(
            (view, common.metrics.live()),
            self.log.clone(),
            Arc::clone(&common.clock),
            common.drain.clone(),
            common.bounds.sources.clone(),
        );
        let desk = Rc::new(match &common.edge {
            Some(edge) => desk.knowing(Arc::clone(&edge.board)),
            None => desk,
        });
        let doors = self.open(&desk)?;
        let mut cut = common.cut.clone();
        let all_served = async {
            let () = doors.collect().await;
            timeout(deadline, desk.tasks().idle()).await.is_ok()
        };
        let in_good_order = tokio::select! {
            biased;
            done = all_served => done,
            () = cut.draining() => false,
            never = desk.keep_deciding() => match never {},
        };
        if !in_good_order {
            tracing::warn!(
                left = desk.tasks().running(),
                "the drain is over; what is left is cut"
            );
            desk.cut();
        }
        Ok(())
    }

    /// All doors, each open until the drain begins.
    fn open(self, desk: &Rc<Desk>) -> io::Result<FuturesUnordered<LocalBoxFuture<'static, ()>>> {
        let (common, desk) = (&self.common, || Rc::clone(desk));
        let config = &common.config;
        let doors = FuturesUnordered::new();
        let inbound = config.inbound.as_ref().zip(common.gates.as_ref());
        if let (Some((settings, gates)), Some(bound)) = (inbound, self.inbound) {
            let door = inbound_door(common, settings.clone(), gates.clone(), desk());
            doors.push(door.open(Listener::new(bound)?).boxed_local());
        }
        let probes = config
            .inbound
            .as_ref()
            .and_then(|door| Some((door, door.probes.as_ref()?)));
        if let (Some((inbound, settings)), Some(bound)) = (probes, self.probes) {
            let meters = common.metrics.door(audit::Door::Probes, &inbound.service);
            let door = ProbesDoor::new(settings.clone(), inbound, desk(), meters);
            doors.push(door.open(Listener::new(bound)?).boxed_local());
        }
        let scratch = Scratch::new();
        for (settings, bound) in config.tcp_inbound.iter().zip(self.tcp_inbound) {
            let door = tcp_doors::inbound(common, settings.clone(), desk(), scratch.clone());
            if let Some(bound) = bound {
                doors.push(door.open(Listener::new(bound)?).boxed_local());
            }
        }
        let mut beyond = transparent::in_the_clear(common, &desk(), &scratch);
        let mut workloads = Vec::new();
        let places = &common.whereabouts;
        let outbound = config.outbound.iter().zip(&*places.outbound);
        for ((settings, whereabouts), bound) in outbound.zip(self.outbound) {
            let door = outbound_door(common, settings.clone(), whereabouts.clone(), desk());
            let door = Rc::new(door);
            workloads.push(Rc::clone(&door));
            let captured = Beyond::Http(Rc::clone(&door));
            transparent::add(&mut beyond, common, &settings.captures, captured);
            if let Some(bound) = bound {
                doors.push(door.open(Listener::new(bound)?).boxed_local());
            }
        }
        let tcp = config.tcp_outbound.iter().zip(&*places.tcp_outbound);
        for ((settings, whereabouts), bound) in tcp.zip(self.tcp_outbound) {
            let to = (settings.clone(), whereabouts.clone());
            let door = tcp_doors::outbound(common, to, desk(), scratch.clone());
            let door = Rc::new(door);
            let captured = Beyond::Tcp(Rc::clone(&door));
            transparent::add(&mut beyond, common, &settings.captures, captured);
            if let Some(bound) = bound {
                doors.push(door.open(Listener::new(bound)?).boxed_local());
            }
        }
        if let (Some(door), Some(bound)) = (edge::door(common, workloads, desk()), self.edge) {
            doors.push(door.open(Listener::new(bound)?).boxed_local());
        }
        if let Some(door) = transparent::door(common, beyond, desk()) {
            for bound in self.transparent.into_iter().flatten() {
                let door = Rc::clone(&door);
                doors.push(door.open(Listener::new(bound)?).boxed_local());
            }
        }
        Ok(doors)
    }
}

fn inbound_door(
    common: &Common,
    settings: proxy::Inbound,
    gates: proxy::Gates,
    desk: Rc<Desk>,
) -> InboundDoor {
    let acceptor = tls::Acceptor::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        common.tls_settings(),
        common.bounds.handshakes.clone(),
    )
    .leasing(common.leases.clone());
    let meters = common.metrics.door(audit::Door::Inbound, &settings.service);
    let equipment = InboundEquipment {
        acceptor,
        desk,
        gates,
        identity: Arc::clone(&common.identity),
        meters,
    };
    InboundDoor::new(settings, equipment)
}

fn outbound_door(
    common: &Common,
    settings: proxy::Outbound,
    whereabouts: Whereabouts,
    desk: Rc<Desk>,
) -> OutboundDoor {
    let connector = tls::Connector::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        settings.expect.clone(),
        common.tls_settings(),
    );
    let meters = common
        .metrics
        .door(audit::Door::Outbound, &settings.service);
    OutboundDoor::new(
        settings,
        desk,
        meters,
        Arc::clone(&common.identity),
        FarSide {
            connector,
            whereabouts,
        },
    )
}
