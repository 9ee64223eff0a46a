//! What the parts of an authority have in common, and how each is made of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::audit;
use crate::authority::Lent;
use crate::authority::admin_service::AdminService;
use crate::authority::board::Board;
use crate::authority::entry::Entries;
use crate::authority::federation;
use crate::authority::federation::Federation;
use crate::authority::host::Host;
use crate::authority::istio::Istio;
use crate::authority::keyring::Keyring;
use crate::authority::ledger;
use crate::authority::ledger::Ledger;
use crate::authority::metrics::Metrics;
use crate::authority::minting::Mint;
use crate::authority::notary::Notary;
use crate::authority::office::Limiter;
use crate::authority::office::Office;
use crate::authority::opening;
use crate::authority::opening::OpenError;
use crate::authority::orders::Orders;
use crate::authority::policy_status::PolicyStatus;
use crate::authority::programs;
use crate::authority::programs::Keeper;
use crate::authority::programs::Programs;
use crate::authority::publisher::Publisher;
use crate::authority::service::Service;
use crate::authority::settings::Settings;
use crate::authority::settled::Settled;
use crate::authority::steward::Steward;
use crate::identity::Live;
use crate::identity::Watchlist;
use crate::policy::Groups;
use crate::store::Database;
use crate::time::Clock;

/// What the parts of an authority have in common.
#[derive(Debug)]
pub(super) struct Plan {
    board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    entries: watch::Sender<Arc<Entries>>,
    groups: watch::Sender<Arc<Groups>>,
    in_force: watch::Sender<i64>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) ledger: Ledger,
    log: audit::Shard,
    metrics: Metrics,
    /// How it stands with the policies.
    pub(super) policies: watch::Sender<PolicyStatus>,
    revoked: Arc<Watchlist>,
    pub(super) settings: Settings,
}

impl Plan {
    /// Opens the database, and unseals or makes the keys.
    pub(super) async fn draw(settings: Settings, lent: Lent) -> Result<Self, OpenError> {
        let Lent {
            clock,
            log,
            metrics,
            ..
        } = lent;
        let database = Database::open(settings.database.clone(), ledger::SCHEMA)
            .await
            .map_err(|cause| OpenError::Database { cause })?;
        let ledger = Ledger::new(Arc::new(database));
        let keyring = opening::open_keyring(&settings, &ledger, &clock).await?;
        Ok(Self {
            board: Arc::new(Board::new()),
            clock,
            entries: watch::Sender::new(Arc::new(Entries::default())),
            groups: watch::Sender::default(),
            in_force: watch::Sender::new(0),
            keyring,
            ledger,
            log,
            metrics,
            policies: watch::Sender::default(),
            revoked: Arc::new(Watchlist::default()),
            settings,
        })
    }

    /// Whoever names.
    pub(super) fn office(&self) -> Result<Office, OpenError> {
        let roots = self.settings.possession.iter().map(opening::open_roots);
        Ok(Office {
            clock: Arc::clone(&self.clock),
            clusters: opening::open_clusters(&self.settings, &self.clock)?,
            entries: self.entries.clone(),
            groups: self.groups.subscribe(),
            keyring: Arc::clone(&self.keyring),
            ledger: self.ledger.clone(),
            limiter: Limiter::new(self.settings.issues_per_second),
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            possession: roots.collect::<Result<_, _>>()?,
            revoked: Arc::clone(&self.revoked),
            settled: self.settled(),
            svid_ttl: self.settings.svid_ttl,
            users: Limiter::new(self.settings.issues_per_second),
        })
    }

    /// Whoever makes tokens.
    pub(super) fn mint(&self) -> Mint {
        Mint {
            addresses: Limiter::new(self.settings.issues_per_second),
            clock: Arc::clone(&self.clock),
            keyring: Arc::clone(&self.keyring),
            lifetime: self.settings.jwt_svid_ttl,
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            revoked: Arc::clone(&self.revoked),
            trust_domain: self.settings.trust_domain.clone(),
            users: Limiter::new(self.settings.issues_per_second),
        }
    }

    /// Whoever names the programs of this machine, and keeps their names fresh.
    pub(super) fn programs(&self, office: &Arc<Office>, mint: &Arc<Mint>) -> (Programs, Keeper) {
        programs::open(programs::Parts {
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock),
            mint: Arc::clone(mint),
            office: Arc::clone(office),
        })
    }

    /// Whoever keeps things up to date.
    pub(super) fn steward(&self) -> Result<Steward, OpenError> {
        Ok(Steward {
            board: Arc::clone(&self.board),
            bundle_file: None,
            clock: Arc::clone(&self.clock),
            entries: self.entries.clone(),
            federated: self.settings.federation.trust_domains(),
            files: opening::open_entry_files(&self.settings)?,
            groups: self.groups.clone(),
            in_force: self.in_force.clone(),
            keyring: Arc::clone(&self.keyring),
            keys: self.keyring.follow(),
            ledger: self.ledger.clone(),
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            notary: Notary {
                clock: Arc::clone(&self.clock),
                ledger: self.ledger.clone(),
                live: None,
                metrics: self.metrics.clone(),
                signed: None,
                status: self.policies.clone(),
            },
            renewal_grace: self.settings.renewal_grace,
            revoked: Arc::clone(&self.revoked),
            trust_domain: self.settings.trust_domain.clone(),
        })
    }

    /// Whoever publishes policies, if there are any to be.
    pub(super) fn publisher(&self) -> Option<Publisher> {
        let settings = self.settings.policy.clone()?;
        Some(Publisher {
            clock: Arc::clone(&self.clock),
            groups: self.groups.subscribe(),
            is_behind: false,
            ledger: self.ledger.clone(),
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            seen: None,
            settings,
            status: self.policies.clone(),
        })
    }

    /// All that answers, as whoever `live` says we are.
    pub(super) fn host(&self, office: Arc<Office>, mint: Arc<Mint>, live: Arc<Live>) -> Host {
        let reception = opening::reception(&self.settings, live, Arc::clone(&self.clock));
        Host {
            admin: AdminService {
                admins: self.settings.admins.clone().into(),
                orders: Arc::new(self.orders()),
                revoked: Arc::clone(&self.revoked),
            },
            clock: Arc::clone(&self.clock),
            istio: Istio {
                office: Arc::clone(&office),
            },
            metrics: self.metrics.clone(),
            reception: Arc::new(reception),
            revoked: Arc::clone(&self.revoked),
            service: Service {
                board: Arc::clone(&self.board),
                mint,
                office,
            },
        }
    }

    /// Whoever tells other trust domains of ours, and asks for theirs, as
    /// whoever `live` says we are.
    pub(super) fn federation(&self, live: Arc<Live>) -> Result<Federation, OpenError> {
        Federation::open(federation::Parts {
            board: &self.board,
            clock: &self.clock,
            keyring: &self.keyring,
            ledger: &self.ledger,
            live,
            log: &self.log,
            metrics: &self.metrics,
            revoked: &self.revoked,
            settings: &self.settings,
        })
    }

    fn settled(&self) -> Settled {
        Settled {
            in_force: self.in_force.subscribe(),
            ledger: self.ledger.clone(),
        }
    }

    fn orders(&self) -> Orders {
        Orders {
            clock: Arc::clone(&self.clock),
            entries: self.entries.subscribe(),
            join_token_ttl: self.settings.join_token_ttl,
            keyring: Arc::clone(&self.keyring),
            ledger: self.ledger.clone(),
            log: self.log.clone(),
            policies: self.policies.subscribe(),
            settled: self.settled(),
            trust_domain: self.settings.trust_domain.clone(),
        }
    }
}
