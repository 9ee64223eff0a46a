//! The injector as a process: built, started, drained.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::admin;
use crate::admin::Readiness;
use crate::admin::Window;
use crate::app::RunError;
use crate::app::hosted::Hosted;
use crate::audit;
use crate::audit::Log;
use crate::audit::Watcher;
use crate::config::Config;
use crate::config::InjectorConfig;
use crate::inject;
use crate::inject::Endpoint;
use crate::inject::Opening;
use crate::metrics::Exposition;
use crate::time::Clock;

/// An injector that has taken its ports and read its files, and answers nobody yet.
#[derive(Debug)]
pub struct InjectorApp {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    endpoint: Endpoint,
    log: Log,
    readiness: Readiness,
    runtime: Runtime,
    window: Option<Window>,
    writer: audit::Writer,
}

impl InjectorApp {
    /// Builds all of it.
    ///
    /// # Errors
    ///
    /// [`InjectorBuildError`] names what is missing, wrong or taken.
    pub fn build(
        config: InjectorConfig,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, InjectorBuildError> {
        use InjectorBuildError::{Admin, Audit, Injector, Metrics};

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("injector")
            .enable_all()
            .build()
            .map_err(|cause| InjectorBuildError::Runtime { cause })?;
        let metrics = |cause| Metrics { cause };
        let exposition = Exposition::new(clock).map_err(metrics)?;
        let registry = exposition.registry();
        let (log, writer) = Log::open(&config.audit, NonZeroUsize::MIN, Arc::clone(clock))
            .map_err(|cause| Audit { cause })?;
        log.register(registry).map_err(metrics)?;
        let lent = Opening {
            check,
            log: log.shard(0).ok_or(InjectorBuildError::NoShard)?,
            metrics: inject::Metrics::register(registry).map_err(metrics)?,
        };
        let endpoint = runtime.block_on(Endpoint::open(config.injector, lent));
        let endpoint = endpoint.map_err(|cause| Injector { cause })?;
        let readiness = readiness(&endpoint, &log, clock);
        let report = Arc::new(Overview {
            address: endpoint.address(),
            log: log.clone(),
        });
        let window = config
            .admin
            .map(|settings| {
                let window = Window::bind(settings, exposition, readiness.clone(), report);
                runtime.block_on(window).map_err(|cause| Admin { cause })
            })
            .transpose()?;
        Ok(Self {
            address: endpoint.address(),
            admin: window.as_ref().map(Window::address),
            endpoint,
            log,
            readiness,
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
    pub fn start(self) -> io::Result<InjectorRunning> {
        let Self {
            address,
            admin,
            endpoint,
            log,
            readiness,
            runtime,
            window,
            writer,
        } = self;
        let hosted = Hosted::start(runtime, (log, writer), |watch| async move {
            let mut until = watch.clone();
            let over = Notify::new();
            let told = async {
                until.draining().await;
                let _block = readiness.block("draining", "told to stop");
                over.notified().await;
            };
            let answering = async {
                endpoint.serve(watch).await;
                over.notify_one();
            };
            // The window says that we drain until nothing is left.
            match window {
                Some(window) => drop(tokio::join!(answering, window.serve(told))),
                None => drop(tokio::join!(answering, told)),
            }
            Ok(())
        })?;
        Ok(InjectorRunning {
            address,
            admin,
            hosted,
        })
    }
}

/// What is wrong with a sidecar's configuration, if something is.
fn check(config: &str) -> Vec<String> {
    match Config::parse(config, Path::new("/etc/portreeve")) {
        Ok(_config) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

fn readiness(endpoint: &Endpoint, log: &Log, clock: &Arc<dyn Clock>) -> Readiness {
    let readiness = Readiness::default();
    let (ends, now) = (endpoint.certificate_ends(), Arc::clone(clock));
    readiness.watch("certificate_expired", move || {
        let expired = ends().is_some_and(|ends| ends <= now.now());
        expired.then(|| "no API server believes us any more: make another certificate".to_owned())
    });
    let (ends, now) = (endpoint.certificate_ends(), Arc::clone(clock));
    readiness.remark("certificate_ends_soon", move || {
        let soon = now
            .now()
            .checked_add(SOON)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let ends = ends().filter(|ends| *ends <= soon).into_iter();
        let said = ends.map(|_ends| "in less than 30 days: make the next one".to_owned());
        said.collect()
    });
    let log = log.clone();
    readiness.watch("audit_sink_failing", move || {
        log.status().failure.map(|failure| failure.reason)
    });
    readiness
}

/// What an injector's operator sees through the window.
#[derive(Debug)]
struct Overview {
    address: SocketAddr,
    log: Log,
}

impl admin::Report for Overview {
    fn status(&self) -> admin::Status {
        admin::Status {
            identity: None,
            policy: None,
            listeners: vec![admin::Listener {
                door: "injector",
                address: self.address,
                to: None,
            }],
            live: admin::Live::default(),
            audit: self.log.status().into(),
        }
    }

    fn checkpoint(&self) -> Option<Arc<str>> {
        self.log.checkpoint()
    }

    fn watch(&self) -> Watcher {
        self.log.watch()
    }
}

/// An injector that answers.
#[derive(Debug)]
pub struct InjectorRunning {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    hosted: Hosted,
}

impl InjectorRunning {
    /// Where API servers call, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's window is, if there is one.
    #[must_use]
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.admin
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

    /// Lets what is under way end, and every record be written.
    ///
    /// # Errors
    ///
    /// [`RunError`] if it had failed, or records could not be written.
    pub fn stop(self) -> Result<(), RunError> {
        self.hosted.stop(STOP_TIMEOUT, "injector")
    }
}

/// Why an injector cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InjectorBuildError {
    /// The operator's window cannot be opened.
    #[error("the operator's window cannot be opened")]
    Admin {
        /// Why.
        #[source]
        cause: admin::BindError,
    },
    /// There is no log, so no pod can be changed.
    #[error("nothing that is done could be recorded")]
    Audit {
        /// Why.
        #[source]
        cause: audit::OpenError,
    },
    /// The injector itself.
    #[error("the injector cannot be opened")]
    Injector {
        /// Why.
        #[source]
        cause: inject::OpenError,
    },
    /// Two metrics have one name, which is a mistake of ours.
    #[error("the metrics cannot be registered")]
    Metrics {
        /// Which.
        #[source]
        cause: prometheus::Error,
    },
    /// The log has no part for us, which is a mistake of ours.
    #[error("the log has no part for the injector")]
    NoShard,
    /// The system gives us no event loop.
    #[error("no event loop can be made")]
    Runtime {
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// A review takes less than a millisecond.
const WORKERS: usize = 2;

/// Time for somebody to make another certificate.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The injector lingers for three seconds, and gives what is under way ten.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
