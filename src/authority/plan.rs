//! What the parts of an authority have in common, and how each is made of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::audit;
use crate::authority::Lent;
use crate::authority::admin_service::AdminService;
use crate::authority::board::Board;
use crate::authority::entry::Entries;
use crate::authority::host::Host;
use crate::authority::istio::Istio;
use crate::authority::keyring::Keyring;
use crate::authority::ledger;
use crate::authority::ledger::Ledger;
use crate::authority::metrics::Metrics;
use crate::authority::notary::Notary;
use crate::authority::office::Limiter;
use crate::authority::office::Office;
use crate::authority::opening;
use crate::authority::opening::OpenError;
use crate::authority::orders::Orders;
use crate::authority::policy_status::PolicyStatus;
use crate::authority::publisher::Publisher;
use crate::authority::service::Service;
use crate::authority::settings::Settings;
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
            clusters: opening::open_clusters(&self.settings)?,
            entries: self.entries.clone(),
            groups: self.groups.subscribe(),
            keyring: Arc::clone(&self.keyring),
            ledger: self.ledger.clone(),
            limiter: Limiter::new(self.settings.issues_per_second),
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            possession: roots.collect::<Result<_, _>>()?,
            revoked: Arc::clone(&self.revoked),
            svid_ttl: self.settings.svid_ttl,
        })
    }

    /// Whoever keeps things up to date.
    pub(super) fn steward(&self) -> Result<Steward, OpenError> {
        Ok(Steward {
            board: Arc::clone(&self.board),
            bundle_file: None,
            clock: Arc::clone(&self.clock),
            entries: self.entries.clone(),
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
    pub(super) fn host(&self, office: Arc<Office>, live: Arc<Live>) -> Host {
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
                office,
            },
        }
    }

    fn orders(&self) -> Orders {
        Orders {
            clock: Arc::clone(&self.clock),
            entries: self.entries.subscribe(),
            in_force: self.in_force.subscribe(),
            join_token_ttl: self.settings.join_token_ttl,
            keyring: Arc::clone(&self.keyring),
            ledger: self.ledger.clone(),
            log: self.log.clone(),
            policies: self.policies.subscribe(),
            trust_domain: self.settings.trust_domain.clone(),
        }
    }
}
