//! From a configuration to a sidecar that is ready to start.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use prometheus::Registry;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::acme;
use crate::admin::Hatch;
use crate::admin::Orders;
use crate::admin::Readiness;
use crate::admin::Window;
use crate::app::build_error::BuildError;
use crate::app::callers;
use crate::app::control::Control;
use crate::app::doors::Doors;
use crate::app::edge;
use crate::app::gatehouse::Gatehouse;
use crate::app::names;
use crate::app::overview;
use crate::app::overview::Overview;
use crate::app::policies::Policies;
use crate::app::policy_origin::PolicyKeeper;
use crate::app::policy_origin::PolicyOrigin;
use crate::app::running::Addresses;
use crate::app::running::Running;
use crate::app::source;
use crate::app::thread::spawn;
use crate::app::worker::Bounds;
use crate::app::worker::Common;
use crate::app::worker::Worker;
use crate::app::worker::tls_settings;
use crate::audit;
use crate::audit::Log;
use crate::config::Config;
use crate::drain;
use crate::enrol::Follower;
use crate::identity;
use crate::identity::Renewal;
use crate::metrics::Exposition;
use crate::net;
use crate::net::Names;
use crate::policy;
use crate::proxy;
use crate::time::Clock;
use crate::tls::Leases;
use crate::workload_api;

/// A sidecar that has taken its ports and read its files, and serves nobody yet.
#[derive(Debug)]
pub struct App {
    addresses: Addresses,
    control: Control,
    control_stop: drain::Trigger,
    cut: drain::Trigger,
    drain: drain::Trigger,
    log: Log,
    reload: Arc<Notify>,
    runtime: Runtime,
    /// How long the writer may take to write what is left.
    stop_timeout: Duration,
    workers: Vec<Worker>,
    writer: audit::Writer,
}

impl App {
    /// Builds all of it.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names what is missing, wrong or taken.
    pub fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let ground = Ground::lay(&config, &clock)?;
        let (drain, watch) = drain::channel();
        let (control_stop, stop) = drain::channel();
        let (cut, cut_off) = drain::channel();
        let config = Arc::new(config);
        let common = ground.common(&config, clock, [&cut_off, &watch]);
        let readiness = overview::readiness(&common.identity, &ground.log, &common.clock);
        ground.gatehouse.tell(&readiness);
        if let Some(household) = &ground.household {
            household.tell(&readiness, &common.clock);
        }
        let window = ground.open_window(&common, &readiness)?;
        let api = ground.open_api(&common)?;
        let hatch = ground.open_hatch(&common)?;
        let Ground {
            doors,
            follower,
            gatehouse,
            household,
            log,
            names,
            policies,
            renewal,
            runtime,
            writer,
            ..
        } = ground;
        let mut addresses = doors.addresses();
        addresses.admin = window.as_ref().map(Window::address);
        let workers = doors.into_workers(&common, &log);
        let reload = Arc::new(Notify::new());
        let control = Control {
            api,
            drain: watch,
            follower,
            hatch,
            household,
            log: log.clone(),
            names,
            policies,
            readiness,
            reload: Arc::clone(&reload),
            renewal,
            stop,
            watch: gatehouse.watch,
            window,
        };
        Ok(Self {
            addresses,
            control,
            control_stop,
            cut,
            drain,
            log,
            reload,
            runtime,
            stop_timeout: config.audit.stop_timeout,
            workers,
            writer,
        })
    }

    /// Where it will listen.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves, on threads of its own.
    ///
    /// # Errors
    ///
    /// If the system gives us no threads.
    pub fn start(self) -> io::Result<Running> {
        let Self {
            addresses,
            control,
            control_stop,
            cut,
            drain,
            log,
            reload,
            runtime,
            stop_timeout,
            workers,
            writer,
        } = self;
        let (bell, ended) = drain::channel();
        let bell = Arc::new(bell);
        let (tell, written) = mpsc::sync_channel(1);
        spawn("audit", &bell, move || {
            let _too_late = tell.send(writer.run());
        })?;
        let control = spawn("control", &bell, move || control.run(&runtime))?;
        let workers = workers.into_iter().enumerate();
        let workers = workers
            .map(|(at, worker)| spawn(&format!("worker-{at}"), &bell, move || worker.run()))
            .collect::<io::Result<_>>()?;
        Ok(Running {
            addresses,
            control,
            control_stop,
            cut: Arc::new(cut),
            drain,
            ended,
            log,
            patience: stop_timeout + LAST_WRITE,
            reload,
            workers,
            written,
        })
    }
}

/// What must be there before anything is put together.
struct Ground {
    calls: workload_api::Metrics,
    counted: proxy::Metrics,
    doors: Doors,
    edge: Option<edge::Edge>,
    exposition: Exposition,
    follower: Option<Follower>,
    gatehouse: Gatehouse,
    household: Option<edge::Household>,
    log: Log,
    names: Names,
    policies: PolicyKeeper,
    renewal: Renewal,
    runtime: Runtime,
    tcp_counted: proxy::TcpMetrics,
    whereabouts: names::Places,
    writer: audit::Writer,
}

impl Ground {
    fn lay(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, BuildError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| BuildError::Runtime { cause })?;
        let workers = NonZeroUsize::new(config.workers).unwrap_or(NonZeroUsize::MIN);
        let exposition = Exposition::new(clock).map_err(metrics)?;
        let registry = exposition.registry();
        let shown = policy::Metrics::register(registry).map_err(metrics)?;
        let source::Opened {
            bulletin,
            source,
            follower,
        } = source::open(config, clock)?;
        let origin = PolicyOrigin::open(config, bulletin.as_ref())?;
        let renewals = identity::Metrics::register(registry).map_err(metrics)?;
        let renewal = runtime
            .block_on(Renewal::start(source, Arc::clone(clock), renewals))
            .map_err(|cause| BuildError::Identity { cause })?;
        let live = renewal.live();
        if let Some(follower) = &follower {
            follower.heed_what_is_known(&live);
        }
        let first = origin.first(bulletin.as_deref(), follower.as_ref(), &live);
        let first = runtime.block_on(first)?;
        let policies = Policies::new(first, bulletin, Arc::clone(clock), shown);
        let doors =
            Doors::bind(config, workers.get()).map_err(|cause| BuildError::Bind { cause })?;
        let (log, writer) = Log::open(&config.audit, workers, Arc::clone(clock))
            .map_err(|cause| BuildError::Audit { cause })?;
        log.register(registry).map_err(metrics)?;
        let gatehouse = Gatehouse::build(config, registry).map_err(metrics)?;
        let counted = proxy::Metrics::register(registry).map_err(metrics)?;
        let tcp_counted = proxy::TcpMetrics::register(registry).map_err(metrics)?;
        let calls = workload_api::Metrics::register(registry).map_err(metrics)?;
        let (names, whereabouts) = names::follow(config);
        let (edge, household) = people(config, clock, registry, &runtime)?;
        Ok(Self {
            calls,
            counted,
            doors,
            edge,
            exposition,
            follower,
            gatehouse,
            household,
            log,
            names,
            policies: PolicyKeeper {
                origin,
                policies: Arc::new(policies),
            },
            renewal,
            runtime,
            tcp_counted,
            whereabouts,
            writer,
        })
    }
}

impl Ground {
    /// What all workers have in common, which end by `cut` and `drain`.
    fn common(
        &self,
        config: &Arc<Config>,
        clock: Arc<dyn Clock>,
        [cut, drain]: [&drain::Watch; 2],
    ) -> Common {
        Common {
            bounds: Bounds::of(&config.handshakes),
            calls: self.calls.clone(),
            clock,
            cut: cut.clone(),
            config: Arc::clone(config),
            drain: drain.clone(),
            edge: self.edge.clone(),
            gates: self.gatehouse.gates.clone(),
            identity: self.renewal.live(),
            leases: Leases::default(),
            metrics: self.counted.clone(),
            own: net::OwnConnections::default(),
            policy: Arc::clone(self.policies.policies.current()),
            tcp_metrics: self.tcp_counted.clone(),
            whereabouts: self.whereabouts.clone(),
        }
    }

    /// Opens the operators' socket, if there is to be one.
    fn open_hatch(&self, common: &Common) -> Result<Option<Hatch>, BuildError> {
        // Orders are few: they share the first worker's part.
        let (Some(path), Some(log)) = (common.config.hatch.as_deref(), self.log.shard(0)) else {
            return Ok(None);
        };
        let household = self.household.as_ref();
        let orders = Orders {
            clock: Arc::clone(&common.clock),
            log,
            sessions: household.map(|household| Arc::clone(&household.sessions)),
            signals: Arc::<Policies>::clone(&self.policies.policies),
        };
        let hatch = Hatch::bind(path, orders).map_err(|cause| BuildError::Hatch { cause })?;
        Ok(Some(hatch))
    }

    /// Opens the socket for the programs beside us, if there is to be one.
    fn open_api(&self, common: &Common) -> Result<Option<workload_api::Server>, BuildError> {
        callers::open(common, self.follower.as_ref())
            .map_err(|cause| BuildError::WorkloadApi { cause })
    }

    /// Opens the operator's window, if there is to be one.
    fn open_window(
        &self,
        common: &Common,
        readiness: &Readiness,
    ) -> Result<Option<Window>, BuildError> {
        let Some(settings) = common.config.admin else {
            return Ok(None);
        };
        let report = Arc::new(Overview {
            identity: Arc::clone(&common.identity),
            listeners: self.doors.listeners(&common.config),
            log: self.log.clone(),
            metrics: common.metrics.clone(),
            policies: Arc::clone(&self.policies.policies),
        });
        let window = Window::bind(settings, self.exposition.clone(), readiness.clone(), report);
        let window = self
            .runtime
            .block_on(window)
            .map_err(|cause| BuildError::Admin { cause })?;
        Ok(Some(window))
    }
}

/// What the door for people needs, if there is to be one.
fn people(
    config: &Config,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
    runtime: &Runtime,
) -> Result<(Option<edge::Edge>, Option<edge::Household>), BuildError> {
    let Some(written) = &config.edge else {
        return Ok((None, None));
    };
    let counted = edge::Metrics {
        certificates: acme::Metrics::register(registry).map_err(metrics)?,
        people: proxy::EdgeMetrics::register(registry).map_err(metrics)?,
    };
    let people = edge::open(written, clock, tls_settings(config), counted, runtime);
    let (edge, household) = people.map_err(|cause| BuildError::Edge { cause })?;
    Ok((Some(edge), Some(household)))
}

const fn metrics(cause: prometheus::Error) -> BuildError {
    BuildError::Metrics { cause }
}

/// What the writer's own deadline leaves open: one write that is under way.
const LAST_WRITE: Duration = Duration::from_secs(1);
