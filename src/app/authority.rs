//! The authority as a process: built, started, drained.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::admin;
use crate::admin::Window;
use crate::app::RunError;
use crate::app::authority_overview::AuthorityOverview;
use crate::app::hosted::Hosted;
use crate::app::overview;
use crate::audit;
use crate::audit::Log;
use crate::authority;
use crate::authority::Lent;
use crate::authority::TownHall;
use crate::config::AuthorityConfig;
use crate::identity;
use crate::metrics::Exposition;
use crate::store::StoreError;
use crate::time::Clock;
use crate::workload_api;

/// An authority that has taken its ports and unsealed its keys, and serves
/// nobody yet.
#[derive(Debug)]
pub struct AuthorityApp {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    bundle_endpoint: Option<SocketAddr>,
    hall: TownHall,
    log: Log,
    runtime: Runtime,
    window: Option<Window>,
    writer: audit::Writer,
}

impl AuthorityApp {
    /// Builds all of it.
    ///
    /// # Errors
    ///
    /// [`AuthorityBuildError`] names what is missing, wrong or taken.
    pub fn build(
        config: AuthorityConfig,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AuthorityBuildError> {
        use AuthorityBuildError::{Admin, Audit, Authority, Metrics};

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("authority")
            .enable_all()
            .build()
            .map_err(|cause| AuthorityBuildError::Runtime { cause })?;
        let metrics = |cause| Metrics { cause };
        let exposition = Exposition::new(clock).map_err(metrics)?;
        let registry = exposition.registry();
        let (log, writer) = Log::open(&config.audit, NonZeroUsize::MIN, Arc::clone(clock))
            .map_err(|cause| Audit { cause })?;
        log.register(registry).map_err(metrics)?;
        let lent = Lent {
            clock: Arc::clone(clock),
            log: log.shard(0).ok_or(AuthorityBuildError::NoShard)?,
            metrics: authority::Metrics::register(registry).map_err(metrics)?,
            programs: workload_api::Metrics::register(registry).map_err(metrics)?,
            renewals: identity::Metrics::register(registry).map_err(metrics)?,
        };
        let mut hall = runtime
            .block_on(TownHall::open(config.authority, lent))
            .map_err(|cause| Authority {
                cause: Box::new(cause),
            })?;
        if let Some(path) = config.bundle_file {
            hall.publish_bundle(path)
                .map_err(|cause| AuthorityBuildError::BundleFile { cause })?;
        }
        let identity = hall.identity();
        let readiness = overview::readiness(&identity, &log, clock);
        let report = Arc::new(AuthorityOverview {
            address: hall.address(),
            bundle_endpoint: hall.bundle_endpoint(),
            identity,
            log: log.clone(),
            policies: hall.policies(),
        });
        let window = config
            .admin
            .map(|settings| {
                let window = Window::bind(settings, exposition, readiness, report);
                runtime.block_on(window).map_err(|cause| Admin { cause })
            })
            .transpose()?;
        Ok(Self {
            address: hall.address(),
            bundle_endpoint: hall.bundle_endpoint(),
            admin: window.as_ref().map(Window::address),
            hall,
            log,
            runtime,
            window,
            writer,
        })
    }

    /// Serves, on threads of its own.
    ///
    /// # Errors
    ///
    /// If the system gives us no threads.
    pub fn start(self) -> io::Result<AuthorityRunning> {
        let Self {
            address,
            admin,
            bundle_endpoint,
            hall,
            log,
            runtime,
            window,
            writer,
        } = self;
        let hosted = Hosted::start(runtime, (log, writer), |watch| async move {
            let mut until = watch.clone();
            let window = async {
                match window {
                    Some(window) => window.serve(until.draining()).await,
                    None => until.draining().await,
                }
            };
            let (served, ()) = tokio::join!(hall.serve(watch), window);
            served.map_err(|cause| RunError::Authority { cause })
        })?;
        Ok(AuthorityRunning {
            address,
            admin,
            bundle_endpoint,
            hosted,
        })
    }
}

/// An authority that serves.
#[derive(Debug)]
pub struct AuthorityRunning {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    bundle_endpoint: Option<SocketAddr>,
    hosted: Hosted,
}

impl AuthorityRunning {
    /// Where sidecars call, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's window is, if there is one.
    #[must_use]
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where other trust domains ask for our bundle, if they may.
    #[must_use]
    pub const fn bundle_endpoint(&self) -> Option<SocketAddr> {
        self.bundle_endpoint
    }

    /// Opens the audit file again, because it was moved away.
    pub fn reopen_log(&self) {
        self.hosted.reopen_log();
    }

    /// Whether it has ended, which it does not by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.hosted.has_ended()
    }

    /// Lets what is under way end, for a short while, and every record be written.
    ///
    /// # Errors
    ///
    /// [`RunError`] if it had failed, or records could not be written.
    pub fn stop(self) -> Result<(), RunError> {
        self.hosted.stop(STOP_TIMEOUT, "authority")
    }
}

/// Why an authority cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityBuildError {
    /// The operator's window cannot be opened.
    #[error("the operator's window cannot be opened")]
    Admin {
        /// Why.
        #[source]
        cause: admin::BindError,
    },
    /// There is no log, so nobody can be named.
    #[error("nothing that is done could be recorded")]
    Audit {
        /// Why.
        #[source]
        cause: audit::OpenError,
    },
    /// The authority itself.
    #[error("the authority cannot be opened")]
    Authority {
        /// Why.
        #[source]
        cause: Box<authority::OpenError>,
    },
    /// The file for the roots cannot be written.
    #[error("the roots cannot be written")]
    BundleFile {
        /// Which file, and why.
        #[source]
        cause: StoreError,
    },
    /// Two metrics have one name, which is a mistake of ours.
    #[error("the metrics cannot be registered")]
    Metrics {
        /// Which.
        #[source]
        cause: prometheus::Error,
    },
    /// The log has no part for us, which is a mistake of ours.
    #[error("the log has no part for the authority")]
    NoShard,
    /// The system gives us no event loop.
    #[error("no event loop can be made")]
    Runtime {
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The authority gives what is under way a second, and its database the rest.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
