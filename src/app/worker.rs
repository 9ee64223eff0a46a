//! One worker: a thread, a runtime, and the doors that are open on it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio::time::timeout;

use crate::audit;
use crate::audit::Shard;
use crate::config::Config;
use crate::drain::Watch;
use crate::identity::Live;
use crate::net::Bound;
use crate::net::Listener;
use crate::policy;
use crate::proxy;
use crate::proxy::Desk;
use crate::proxy::InboundDoor;
use crate::proxy::OutboundDoor;
use crate::time::Clock;
use crate::tls;
use crate::workload_api;

/// What all workers have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) calls: workload_api::Metrics,
    pub(super) clock: Arc<dyn Clock>,
    /// Pulled when even the drain must end.
    pub(super) cut: Watch,
    pub(super) config: Arc<Config>,
    pub(super) drain: Watch,
    pub(super) handshakes: tls::HandshakeSlots,
    pub(super) identity: Arc<Live>,
    pub(super) metrics: proxy::Metrics,
    pub(super) policy: Arc<policy::Current>,
}

/// What one worker has for itself. It may change threads until it runs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) common: Common,
    pub(super) inbound: Option<Bound>,
    pub(super) log: Shard,
    pub(super) outbound: Vec<Bound>,
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
        let Self {
            common,
            inbound,
            log,
            outbound,
        } = self;
        let view = policy::View::new(Arc::clone(&common.policy));
        let desk = Rc::new(Desk::new(
            view,
            log,
            Arc::clone(&common.clock),
            common.drain.clone(),
        ));
        let doors = FuturesUnordered::new();
        if let (Some(settings), Some(bound)) = (&common.config.inbound, inbound) {
            let door = inbound_door(&common, settings.clone(), Rc::clone(&desk));
            let listener = Listener::new(bound)?;
            doors.push(futures_util::future::Either::Left(door.open(listener)));
        }
        for (settings, bound) in common.config.outbound.iter().zip(outbound) {
            let door = outbound_door(&common, settings.clone(), Rc::clone(&desk));
            let listener = Listener::new(bound)?;
            doors.push(futures_util::future::Either::Right(door.open(listener)));
        }
        let mut cut = common.cut.clone();
        let all_served = async {
            let () = doors.collect().await;
            timeout(deadline, desk.tasks().idle()).await.is_ok()
        };
        let in_good_order = tokio::select! {
            biased;
            done = all_served => done,
            () = cut.draining() => false,
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
}

fn inbound_door(common: &Common, settings: proxy::Inbound, desk: Rc<Desk>) -> InboundDoor {
    let acceptor = tls::Acceptor::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        tls::Settings {
            handshake_timeout: common.config.handshakes.timeout,
            ..tls::Settings::default()
        },
        common.handshakes.clone(),
    );
    let meters = common.metrics.door(audit::Door::Inbound, &settings.service);
    InboundDoor::new(
        settings,
        desk,
        meters,
        Arc::clone(&common.identity),
        acceptor,
    )
}

fn outbound_door(common: &Common, settings: proxy::Outbound, desk: Rc<Desk>) -> OutboundDoor {
    let connector = tls::Connector::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        settings.expect.clone(),
        tls::Settings {
            handshake_timeout: common.config.handshakes.timeout,
            ..tls::Settings::default()
        },
    );
    let meters = common
        .metrics
        .door(audit::Door::Outbound, &settings.service);
    OutboundDoor::new(
        settings,
        desk,
        meters,
        Arc::clone(&common.identity),
        connector,
    )
}
