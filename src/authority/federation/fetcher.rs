//! Asks for one trust domain's bundle, again and again.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::time::sleep;

use crate::audit;
use crate::audit::Decision;
use crate::audit::Room;
use crate::authority::federation::due::due;
use crate::authority::federation::due::pause;
use crate::authority::federation::due::wait_for;
use crate::authority::federation::error::FetchError;
use crate::authority::federation::foreign::Foreign;
use crate::authority::federation::settings::RelationSettings;
use crate::authority::federation::terms::Terms;
use crate::authority::keyring::Keyring;
use crate::authority::ledger::ForeignRow;
use crate::authority::ledger::Kept;
use crate::authority::ledger::Ledger;
use crate::authority::metrics::Metrics;
use crate::https::Client;
use crate::https::Request;
use crate::https::Trust;
use crate::https::WebRoots;
use crate::identity::Watchlist;
use crate::time::Clock;
use crate::tls::rely_on;
use crate::x509::Bundle;

/// Keeps what one trust domain says of itself up to date.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) ledger: Ledger,
    pub(super) log: audit::Shard,
    pub(super) metrics: Metrics,
    pub(super) relation: RelationSettings,
    pub(super) revoked: Arc<Watchlist>,
    pub(super) roots: WebRoots,
}

impl Fetcher {
    /// Does so for ever.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point; what was fetched is kept.
    pub(super) async fn run(self) {
        let mut failures = 0;
        let mut interval = FIRST_INTERVAL;
        loop {
            match self.look(&mut interval).await {
                Ok(fetched_at) => {
                    failures = 0;
                    let due = due(fetched_at, interval);
                    wait_for(due, interval, self.clock.as_ref()).await;
                }
                Err(error) => {
                    failures += 1;
                    self.complain(&error);
                    sleep(pause(failures, interval)).await;
                }
            }
        }
    }

    /// Fetches, unless somebody has done so not long ago: another authority, or
    /// we ourselves before a restart. Tells when that was.
    async fn look(&self, interval: &mut Duration) -> Result<SystemTime, FetchError> {
        let terms = Terms::read(&self.relation)?;
        let known = self
            .ledger
            .foreign_bundle(&self.relation.trust_domain)
            .await?
            .filter(|row| row.terms == terms.digest);
        if let Some(row) = &known {
            *interval = row.foreign.interval();
            let age = self.clock.now().duration_since(row.fetched_at);
            if age.is_ok_and(|age| age < interval.mul_f64(0.9)) {
                self.show(row);
                return Ok(row.fetched_at);
            }
        }
        let room = self
            .log
            .begin()
            .map_err(|cause| FetchError::NoRoom { cause })?;
        match self.fetch(terms, known).await {
            Ok((row, kept)) => {
                *interval = row.foreign.interval();
                self.note(&row, kept, room);
                Ok(row.fetched_at)
            }
            Err(error) => {
                if error.is_refusal() {
                    self.refuse(&error, room);
                }
                Err(error)
            }
        }
    }

    async fn fetch(
        &self,
        terms: Terms,
        known: Option<ForeignRow>,
    ) -> Result<(ForeignRow, Kept), FetchError> {
        let digest = terms.digest.clone();
        let trust = self.trust(terms, known).await?;
        let request = Request {
            credentials: None,
            post: None,
            trust: &trust,
            url: &self.relation.url,
        };
        let answer = self
            .client
            .ask(request)
            .await
            .map_err(|cause| FetchError::Https { cause })?;
        let bad = |cause| FetchError::BadAnswer { cause };
        let foreign = Foreign::read(self.relation.trust_domain.clone(), &answer).map_err(bad)?;
        let row = ForeignRow {
            // What was read as JSON is UTF-8.
            document: String::from_utf8_lossy(&answer).into_owned(),
            foreign,
            terms: digest,
            fetched_at: self.clock.now(),
        };
        match self.ledger.keep_foreign_bundle(&row).await? {
            Kept::Older { known } => Err(FetchError::Older {
                found: row.foreign.sequence.unwrap_or(0),
                known,
            }),
            kept => Ok((row, kept)),
        }
    }

    /// Who must answer: by the latest bundle of its trust domain that we know
    /// (SPIFFE Federation 5.2.2.4).
    async fn trust(&self, terms: Terms, known: Option<ForeignRow>) -> Result<Trust, FetchError> {
        let Some((spiffe_id, first)) = terms.first else {
            return self
                .roots
                .trust()
                .map_err(|cause| FetchError::Trust { cause });
        };
        let latest = if spiffe_id.trust_domain() == &self.relation.trust_domain {
            known.map(|row| row.foreign.bundle)
        } else {
            self.latest_of_another(&first).await?
        };
        let (bundle, clock) = (latest.unwrap_or(first), Arc::clone(&self.clock));
        rely_on(spiffe_id, bundle, clock, &self.revoked)
            .map_err(|cause| FetchError::Reliance { cause })
    }

    /// The server is in a third trust domain: perhaps ours, perhaps one that we
    /// know by another relation.
    async fn latest_of_another(&self, first: &Bundle) -> Result<Option<Bundle>, FetchError> {
        let trust_domain = first.trust_domain();
        if let Some(own) = self.keyring.current().bundles().get(trust_domain) {
            return Ok(Some(own.clone()));
        }
        let row = self.ledger.foreign_bundle(trust_domain).await?;
        Ok(row.map(|row| row.foreign.bundle))
    }

    fn show(&self, row: &ForeignRow) {
        let trust_domain = self.relation.trust_domain.as_str();
        self.metrics.foreign_bundle(trust_domain, row.fetched_at);
    }

    fn note(&self, row: &ForeignRow, kept: Kept, room: Room) {
        self.show(row);
        let trust_domain = &self.relation.trust_domain;
        let is_news = kept == Kept::News;
        let result = if is_news { "changed" } else { "unchanged" };
        self.metrics.bundle_fetch(trust_domain.as_str(), result);
        if !is_news {
            return;
        }
        let roots = row.foreign.bundle.certificates().count();
        tracing::info!(%trust_domain, roots, sequence = row.foreign.sequence, "a foreign bundle changed");
        let mut event = room.event("bundle_fetched");
        event.fact("trust_domain", trust_domain.to_string());
        event.fact("url", self.relation.url.shown());
        event.fact("roots", roots.to_string());
        if let Some(sequence) = row.foreign.sequence {
            event.fact("sequence", sequence.to_string());
        }
        event.end(Decision::Permit, None);
    }

    fn refuse(&self, error: &FetchError, room: Room) {
        let mut event = room.event("bundle_refused");
        event.fact("trust_domain", self.relation.trust_domain.to_string());
        event.fact("url", self.relation.url.shown());
        event.end(Decision::Deny, Some(error.reason()));
    }

    fn complain(&self, error: &FetchError) {
        let trust_domain = &self.relation.trust_domain;
        self.metrics
            .bundle_fetch(trust_domain.as_str(), error.reason());
        let error: &dyn std::error::Error = error;
        tracing::warn!(
            error,
            %trust_domain,
            "a foreign bundle is not brought up to date; what was known before stays"
        );
    }
}

/// How long a pause may become while nothing is known.
const FIRST_INTERVAL: Duration = Duration::from_secs(60);
