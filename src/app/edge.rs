//! What the door for people needs besides a worker, put together.

use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::app::worker::Common;
use crate::audit;
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
use crate::session::Sessions;
use crate::time::Clock;
use crate::tls;
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
    office: Office,
    pub(super) sessions: Arc<Sessions>,
}

impl Household {
    /// Does what is to be done, for ever.
    pub(super) async fn run(self) {
        let Self { office, sessions } = self;
        tokio::join!(office.run(), sessions.follow());
    }
}

/// Both, as `config` wants them.
pub(super) fn open(
    config: &EdgeConfig,
    clock: &Arc<dyn Clock>,
    settings: tls::Settings,
    metrics: EdgeMetrics,
    runtime: &Runtime,
) -> Result<(Edge, Household), OpenError> {
    let shows = Shows::Files {
        certificate: config.certificate.clone(),
        key: config.key.clone(),
    };
    let reception = OpenReception::for_people(shows, settings)?;
    let sessions = Sessions::open(config.sessions.clone(), Arc::clone(clock));
    let sessions = Arc::new(runtime.block_on(sessions)?);
    let providers = config.providers.iter();
    let providers = providers.map(|settings| Provider::open(settings.clone(), Arc::clone(clock)));
    let providers = providers.collect::<Result<Vec<_>, _>>()?;
    let names = config.providers.iter().map(|one| one.name.clone());
    let (counter, errands) = proxy::counter(names, config.door.sign_in_rate);
    let office = Office::open(
        (errands, metrics),
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
    Ok((edge, Household { office, sessions }))
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
