//! The whole authority, put together.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::audit;
use crate::authority::federation::Federation;
use crate::authority::host::Host;
use crate::authority::metrics::Metrics;
use crate::authority::opening;
use crate::authority::opening::OpenError;
use crate::authority::plan::Plan;
use crate::authority::policy_status::PolicyStatus;
use crate::authority::programs::Keeper;
use crate::authority::publisher::Publisher;
use crate::authority::settings::Settings;
use crate::authority::steward::Steward;
use crate::drain;
use crate::identity;
use crate::identity::Live;
use crate::identity::Renewal;
use crate::net::Listener;
use crate::net::UnixPlace;
use crate::store::Database;
use crate::store::StoreError;
use crate::time::Clock;
use crate::workload_api;

/// An authority that has taken its ports and unsealed its keys.
#[derive(Debug)]
pub struct TownHall {
    address: SocketAddr,
    database: Arc<Database>,
    federation: Federation,
    host: Host,
    listener: Listener,
    /// Keeps the names of programs fresh.
    keeper: Keeper,
    operators: UnixListener,
    /// The file of the operators' socket.
    place: UnixPlace,
    programs: Option<workload_api::Server>,
    policies: watch::Receiver<PolicyStatus>,
    publisher: Option<Publisher>,
    renewal: Renewal,
    steward: Steward,
}

/// What the rest of the program lends to an authority.
#[derive(Debug)]
pub struct Lent {
    /// Tells the date.
    pub clock: Arc<dyn Clock>,
    /// Where deeds are recorded.
    pub log: audit::Shard,
    /// What it counts.
    pub metrics: Metrics,
    /// What it counts of programs' calls.
    pub programs: workload_api::Metrics,
    /// What it counts of its own SVID.
    pub renewals: identity::Metrics,
}

impl TownHall {
    /// Opens the database, unseals or makes the keys, reads the entries and
    /// listens.
    ///
    /// # Errors
    ///
    /// All of [`OpenError`].
    pub async fn open(settings: Settings, lent: Lent) -> Result<Self, OpenError> {
        let renewals = lent.renewals.clone();
        let calls = lent.programs.clone();
        let plan = Plan::draw(settings, lent).await?;
        let office = Arc::new(plan.office()?);
        let mut steward = plan.steward()?;
        let unreadable = |cause| OpenError::Steward { cause };
        steward.begin().await.map_err(unreadable)?;
        let ends = plan.keyring.current().signer_ends_at();
        if ends < plan.clock.now() {
            if !plan.settings.replace_ended_root {
                return Err(OpenError::RootEnded { ended_at: ends });
            }
            steward.replace_ended_root().await.map_err(unreadable)?;
        }
        let renewal =
            opening::name_ourselves(&plan.settings, &plan.keyring, &plan.clock, renewals).await?;
        let mint = Arc::new(plan.mint());
        let (registrar, keeper) = plan.programs(&office, &mint);
        let api = plan.settings.workload_api.clone().map(|settings| {
            let clock = Arc::clone(&plan.clock);
            workload_api::Server::bind(settings, Arc::new(registrar), clock, calls)
        });
        let programs = api.transpose();
        let programs = programs.map_err(|cause| OpenError::WorkloadApi { cause })?;
        let mut publisher = plan.publisher();
        if let Some(publisher) = &mut publisher {
            publisher.begin().await;
        }
        let signed = steward.sign_policies_as(renewal.live()).await;
        signed.map_err(unreadable)?;
        let host = plan.host(office, mint, renewal.live());
        let federation = plan.federation(renewal.live())?;
        let (address, listener) = opening::listen(plan.settings.listen)?;
        let (operators, place) = opening::listen_at(&plan.settings.socket)?;
        Ok(Self {
            address,
            database: Arc::clone(plan.ledger.database()),
            federation,
            host,
            keeper,
            listener,
            operators,
            place,
            programs,
            policies: plan.policies.subscribe(),
            publisher,
            renewal,
            steward,
        })
    }

    /// Where sidecars call, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where other trust domains ask for our bundle, if they may.
    #[must_use]
    pub fn bundle_endpoint(&self) -> Option<SocketAddr> {
        self.federation.address()
    }

    /// The authority's own identity, kept fresh while it serves.
    #[must_use]
    pub fn identity(&self) -> Arc<Live> {
        self.renewal.live()
    }

    /// How it stands with the policies that it gives to sidecars.
    #[must_use]
    pub fn policies(&self) -> watch::Receiver<PolicyStatus> {
        self.policies.clone()
    }

    /// Writes the roots that are published into a file, PEM: what a new sidecar
    /// must have. It is written again whenever they change.
    ///
    /// # Errors
    ///
    /// If the file cannot be written now.
    pub fn publish_bundle(&mut self, path: PathBuf) -> Result<(), StoreError> {
        self.steward.publish_bundle(path)
    }

    /// Serves until the drain; what is under way then ends.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if it cannot go on.
    pub async fn serve(self, mut drain: drain::Watch) -> Result<(), ServeError> {
        let Self {
            database,
            federation,
            host,
            keeper,
            listener,
            operators,
            place,
            programs,
            publisher,
            renewal,
            steward,
            ..
        } = self;
        let sidecars = host.serve_sidecars(listener, drain.clone());
        let operators = host.serve_operators(operators, drain.clone());
        let programs_drain = drain.clone();
        let programs = async {
            match programs {
                Some(api) => api.serve(programs_drain).await,
                None => Ok(()),
            }
        };
        let published = async {
            match publisher {
                Some(publisher) => publisher.run().await,
                None => std::future::pending().await,
            }
        };
        let served = async {
            let (sidecars, operators, programs) = tokio::join!(sidecars, operators, programs);
            let served = sidecars.and(operators);
            served.map_err(|cause| ServeError::Grpc { cause })?;
            programs.map_err(|cause| ServeError::WorkloadApi { cause })
        };
        let until = drain.clone();
        let kept = async {
            tokio::join!(
                steward.run(),
                renewal.run(),
                keeper.run(),
                federation.run(until),
                published
            );
        };
        let outcome = tokio::select! {
            served = served => served,
            // Whoever follows does not end by itself.
            () = async {
                drain.draining().await;
                sleep(GRACE).await;
            } => Ok(()),
            () = kept => Ok(()),
        };
        drop(place);
        database.close().await;
        outcome
    }
}

/// Why an authority cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot answer any more.
    #[error("the authority cannot go on")]
    Grpc {
        /// What gRPC says.
        #[source]
        cause: tonic::transport::Error,
    },
    /// It cannot watch the socket for programs.
    #[error("the Workload API cannot go on")]
    WorkloadApi {
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

/// What a request that is under way may still take when we are told to stop.
const GRACE: Duration = Duration::from_secs(1);
