//! Trust domains that believe each other's names.
//!
//! What our own roots are is told to whoever asks (`endpoint`); what others say
//! of theirs is asked of them again and again (`fetcher`), kept in the database,
//! and told to our workloads, each trust domain's bundle by itself. A bundle is
//! believed because of who served it, never because of what is in it; one that
//! is no longer configured is forgotten (SPIFFE Federation).

mod due;
mod endpoint;
mod error;
mod fetcher;
mod foreign;
mod settings;
mod terms;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join;
use futures_util::future::join_all;

use crate::audit;
use crate::audit::Decision;
use crate::authority::board::Board;
use crate::authority::keyring::Keyring;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::metrics::Metrics;
use crate::authority::opening;
use crate::authority::opening::OpenError;
use crate::authority::settings::Settings;
use crate::drain;
use crate::https::Client;
use crate::https::Limits;
use crate::https::WebRoots;
use crate::id::TrustDomain;
use crate::identity::Live;
use crate::identity::Watchlist;
use crate::time::Clock;
use crate::tls;
use crate::tls::OpenReception;
use crate::tls::Shows;

pub use error::FetchError;
pub(super) use foreign::Foreign;
pub use foreign::{ForeignError, read_foreign_bundle};
pub use settings::{
    EndpointProfile, EndpointSettings, FederationSettings, RelationProfile, RelationSettings,
};

use endpoint::Desk;
use endpoint::Endpoint;
use fetcher::Fetcher;
use terms::Terms;

/// What of federation is under way.
#[derive(Debug)]
pub(super) struct Federation {
    endpoint: Option<Endpoint>,
    fetchers: Vec<Fetcher>,
}

/// What federation needs of an authority.
pub(super) struct Parts<'a> {
    pub(super) board: &'a Arc<Board>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) keyring: &'a Arc<Keyring>,
    pub(super) ledger: &'a Ledger,
    pub(super) live: Arc<Live>,
    pub(super) log: &'a audit::Shard,
    pub(super) metrics: &'a Metrics,
    pub(super) revoked: &'a Arc<Watchlist>,
    pub(super) settings: &'a Settings,
}

impl Federation {
    /// Takes the endpoint's port, if there is to be one. Asks nobody yet.
    pub(super) fn open(parts: Parts<'_>) -> Result<Self, OpenError> {
        let settings = parts.settings;
        for relation in &settings.federation.relations {
            look_at_one(relation, parts.clock)?;
        }
        let relations = settings.federation.relations.iter();
        let fetchers = relations.map(|relation| Fetcher {
            client: Client::new(Limits {
                body_bytes: MOST_BYTES,
                ..Limits::default()
            }),
            clock: Arc::clone(parts.clock),
            keyring: Arc::clone(parts.keyring),
            ledger: parts.ledger.clone(),
            log: parts.log.clone(),
            metrics: parts.metrics.clone(),
            relation: relation.clone(),
            revoked: Arc::clone(parts.revoked),
            roots: WebRoots::new(relation.profile.roots(), Arc::clone(parts.clock)),
        });
        let fetchers = fetchers.collect();
        let endpoint = match &settings.federation.endpoint {
            None => None,
            Some(endpoint) => {
                let reception = opening::open_reception(endpoint, parts.live)?;
                let (address, listener) = opening::listen(endpoint.listen)?;
                let desk = Desk {
                    board: Arc::clone(parts.board),
                    metrics: parts.metrics.clone(),
                    reception,
                    refresh_hint: endpoint.refresh_hint,
                    trust_domain: settings.trust_domain.clone(),
                };
                Some(Endpoint {
                    address,
                    desk: Arc::new(desk),
                    listener,
                })
            }
        };
        Ok(Self { endpoint, fetchers })
    }

    /// Where others ask for our bundle, with the port that the system chose.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.endpoint.as_ref().map(|endpoint| endpoint.address)
    }

    /// Answers until the drain, and asks for ever.
    pub(super) async fn run(self, drain: drain::Watch) {
        let asks = join_all(self.fetchers.into_iter().map(Fetcher::run));
        let answers = async {
            if let Some(endpoint) = self.endpoint {
                endpoint.serve(drain).await;
            }
        };
        join(asks, answers).await;
        // Without relations there is nothing to end.
        std::future::pending::<()>().await;
    }
}

/// What is wrong with the files that `settings` name.
pub(super) fn look_at(settings: &FederationSettings, clock: &Arc<dyn Clock>) -> Vec<OpenError> {
    let relations = settings.relations.iter();
    let mut wrong: Vec<_> = relations
        .filter_map(|relation| look_at_one(relation, clock).err())
        .collect();
    if let Some(EndpointSettings {
        profile: EndpointProfile::Web { certificate, key },
        ..
    }) = &settings.endpoint
    {
        let (certificate, key) = (certificate.clone(), key.clone());
        let shown = OpenReception::new(Shows::Files { certificate, key }, tls::Settings::default());
        wrong.extend(shown.err().map(|cause| OpenError::BundleEndpoint { cause }));
    }
    wrong
}

fn look_at_one(relation: &RelationSettings, clock: &Arc<dyn Clock>) -> Result<(), OpenError> {
    let terms = Terms::read(relation);
    let looked = terms.and_then(|_| match &relation.profile {
        RelationProfile::Spiffe { .. } => Ok(()),
        RelationProfile::Web { roots } => WebRoots::new(roots.clone(), Arc::clone(clock))
            .trust()
            .map(drop)
            .map_err(|cause| FetchError::Trust { cause }),
    });
    looked.map_err(|cause| OpenError::Federation {
        trust_domain: relation.trust_domain.clone(),
        cause,
    })
}

/// Forgets the bundles of trust domains that are not `wanted` any more.
pub(super) async fn forget_others(
    ledger: &Ledger,
    wanted: &BTreeSet<TrustDomain>,
    log: &audit::Shard,
) -> Result<(), LedgerError> {
    for trust_domain in ledger.forget_foreign_bundles_but(wanted).await? {
        tracing::info!(trust_domain, "a trust domain is believed no longer");
        if let Ok(room) = log.begin() {
            let mut event = room.event("bundle_forgotten");
            event.fact("trust_domain", trust_domain);
            event.fact("operator", "configuration");
            event.end(Decision::Permit, None);
        }
    }
    Ok(())
}

/// A hundred roots. Every sidecar is told all bundles whenever one changes.
const MOST_BYTES: usize = 256 * 1024;
