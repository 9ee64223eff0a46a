//! What the door for people needs besides a worker, put together.

use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::acme;
use crate::acme::Keeper;
use crate::admin::Readiness;
use crate::app::worker::Common;
use crate::audit;
use crate::config::EdgeCertificate;
use crate::config::EdgeConfig;
use crate::oidc;
use crate::oidc::Provider;
use crate::proxy;
use crate::proxy::Asserter;
use crate::proxy::Counter;
use crate::proxy::Desk;
use crate::proxy::EdgeDoor;
use crate::proxy::EdgeEquipment;
use crate::proxy::EdgeMetrics;
use crate::proxy::NoKeys;
use crate::proxy::Office;
use crate::proxy::OutboundDoor;
use crate::session;
use crate::session::Board;
use crate::session::KeepError;
use crate::session::Sessions;
use crate::time::Clock;
use crate::time::seconds;
use crate::tls;
use crate::tls::HostCertificates;
use crate::tls::OpenReception;
use crate::tls::ShowError;
use crate::tls::Shows;

/// What all workers have of it in common.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    asserter: Arc<Asserter>,
    pub(super) board: Arc<Board>,
    counter: Counter,
    reception: Arc<OpenReception>,
}

/// What the control thread has of it.
#[derive(Debug)]
pub(super) struct Household {
    /// None where files are shown.
    keeper: Option<Keeper>,
    office: Office,
    pub(super) sessions: Arc<Sessions>,
}

impl Household {
    /// Does what is to be done, for ever.
    pub(super) async fn run(self) {
        let Self {
            keeper,
            office,
            sessions,
        } = self;
        let keep = async {
            if let Some(keeper) = keeper {
                keeper.run().await;
            }
        };
        // Boxed: each is large, and they live as long as the control thread.
        let (office, follow) = (Box::pin(office.run()), Box::pin(sessions.follow()));
        tokio::join!(office, follow, Box::pin(keep));
    }

    /// Lets `readiness` tell of hosts that have no certificate. Nobody is sent
    /// elsewhere for that: a balancer that kept people away would keep away the CA
    /// that must look at our door before there is one.
    pub(super) fn tell(&self, readiness: &Readiness, clock: &Arc<dyn Clock>) {
        let Some(keeper) = &self.keeper else {
            return;
        };
        let (standing, clock) = (Arc::clone(keeper.standing()), Arc::clone(clock));
        readiness.remark("edge_certificate", move || {
            standing.complaints(seconds(clock.now()))
        });
    }
}

/// What is counted of it.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) certificates: acme::Metrics,
    pub(super) people: EdgeMetrics,
}

/// Both, as `config` wants them.
pub(super) fn open(
    config: &EdgeConfig,
    clock: &Arc<dyn Clock>,
    settings: tls::Settings,
    metrics: Metrics,
    runtime: &Runtime,
) -> Result<(Edge, Household), OpenError> {
    let sessions = Sessions::open(config.sessions.clone(), Arc::clone(clock));
    let sessions = Arc::new(runtime.block_on(sessions)?);
    let (shows, keeper) = match &config.certificate {
        EdgeCertificate::Acme(acme) => {
            let hosts = Arc::new(HostCertificates::new(&acme.hosts));
            let (shown, sessions) = (Arc::clone(&hosts), Arc::clone(&sessions));
            let acme = acme::Settings::clone(acme);
            let clock = Arc::clone(clock);
            let keeper = Keeper::open(acme, sessions, shown, clock, metrics.certificates);
            let keeper = runtime.block_on(keeper);
            let keeper = keeper.map_err(|cause| OpenError::Certificates { cause })?;
            (Shows::Hosts(hosts), Some(keeper))
        }
        EdgeCertificate::Files { certificate, key } => {
            let (certificate, key) = (certificate.clone(), key.clone());
            (Shows::Files { certificate, key }, None)
        }
    };
    let reception = OpenReception::for_people(shows, settings)?;
    let providers = config.providers.iter();
    let providers = providers.map(|settings| Provider::open(settings.clone(), Arc::clone(clock)));
    let providers = providers.collect::<Result<Vec<_>, _>>()?;
    let names = config.providers.iter().map(|one| one.name.clone());
    let (counter, errands) = proxy::counter(names, config.door.sign_in_rate);
    let office = Office::open(
        (errands, metrics.people),
        providers,
        Arc::clone(&sessions),
        Arc::clone(clock),
    );
    let office = runtime.block_on(office)?;
    let edge = Edge {
        asserter: Arc::clone(office.asserter()),
        board: Arc::clone(sessions.board()),
        counter,
        reception: Arc::new(reception),
    };
    let household = Household {
        keeper,
        office,
        sessions,
    };
    Ok((edge, household))
}

/// Why there can be no door for people.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing to show to browsers.
    #[error("there is no certificate for `edge`")]
    Certificate {
        /// Why.
        #[from]
        #[source]
        cause: ShowError,
    },
    /// What the CA has given cannot be read.
    #[error("the certificates that were kept for `edge` cannot be read")]
    Certificates {
        /// Why.
        #[source]
        cause: KeepError,
    },
    /// There is no key to sign with.
    #[error("there is no key for assertions")]
    Key {
        /// Why.
        #[from]
        #[source]
        cause: NoKeys,
    },
    /// A provider's settings cannot be used.
    #[error("a provider of `edge` cannot be used")]
    Provider {
        /// Which, and why.
        #[from]
        #[source]
        cause: oidc::OpenError,
    },
    /// Sessions cannot be kept.
    #[error("the sessions of `edge` cannot be kept")]
    Sessions {
        /// Why.
        #[from]
        #[source]
        cause: session::OpenError,
    },
}

/// What is for ourselves is counted as.
const OWN: &str = "edge";

/// A worker's door for people; none if there is to be none.
pub(super) fn door(
    common: &Common,
    outbound: Vec<Rc<OutboundDoor>>,
    desk: Rc<Desk>,
) -> Option<EdgeDoor> {
    let settings = common.config.edge.as_ref()?.door.clone();
    let edge = common.edge.as_ref()?;
    let equipment = EdgeEquipment {
        asserter: Arc::clone(&edge.asserter),
        board: Arc::clone(&edge.board),
        counter: edge.counter.clone(),
        desk,
        outbound,
        reception: Arc::clone(&edge.reception),
        slots: common.bounds.handshakes.clone(),
    };
    let meters = |service: &_| common.metrics.door(audit::Door::Edge, service);
    let own = meters(&OWN.parse().ok()?);
    Some(EdgeDoor::new(settings, equipment, &meters, own))
}
