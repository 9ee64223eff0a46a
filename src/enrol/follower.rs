//! Listens to what the authority says to all.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;

use crate::enrol::EnrolError;
use crate::enrol::Minter;
use crate::enrol::Settings;
use crate::enrol::answer::State;
use crate::enrol::channel;
use crate::enrol::news::News;
use crate::identity::Live;
use crate::identity::draw;
use crate::rpc::authority as rpc;
use crate::time::Clock;

/// Follows the authority, for as long as we are somebody.
#[derive(Debug)]
pub struct Follower {
    clock: Arc<dyn Clock>,
    news: Arc<News>,
    /// When connections are to be made anew, because keys were tainted.
    refresh_at: Cell<Option<Instant>>,
    settings: Arc<Settings>,
    /// How many keys were tainted when we last heard.
    tainted: Cell<usize>,
}

impl Follower {
    pub(super) const fn new(
        settings: Arc<Settings>,
        news: Arc<News>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock,
            news,
            refresh_at: Cell::new(None),
            settings,
            tainted: Cell::new(0),
        }
    }

    /// Whoever gets tokens from the same authority, as whoever `live` says we are.
    #[must_use]
    pub fn minter(&self, live: Arc<Live>) -> Minter {
        let (settings, news) = (Arc::clone(&self.settings), Arc::clone(&self.news));
        Minter::new(settings, news, Arc::clone(&self.clock), live)
    }

    /// Follows for ever, as whoever `live` says we are.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point; what was heard stays in force.
    pub async fn run(self, live: Arc<Live>) {
        if let Some(state) = self.news.latest() {
            live.revoked().replace(state.revocations);
        }
        let mut failures = 0;
        loop {
            match self.follow(&live, &mut failures).await {
                // Connections end with certificates; that is nothing to complain about.
                Ok(()) => {}
                Err(error) => {
                    failures += 1;
                    let error: &dyn std::error::Error = &error;
                    if failures == COMPLAIN_AFTER {
                        tracing::warn!(
                            error,
                            authorities = ?self.settings.authorities,
                            "the authority does not tell of changes"
                        );
                    } else {
                        tracing::debug!(error, "the authority does not tell of changes");
                    }
                }
            }
            // Never in step with others, and never long: a revocation waits.
            sleep(FIRST_PAUSE.mul_f64(1.0 + draw())).await;
        }
    }

    async fn follow(&self, live: &Live, failures: &mut u32) -> Result<(), EnrolError> {
        let identity = live.current();
        let svid = Arc::clone(identity.svid());
        let bundles = Arc::clone(identity.bundles());
        let mut open = channel::open(&self.settings, bundles, Some(svid), &self.clock).await?;
        let mut states = open
            .client
            .follow(rpc::FollowRequest {})
            .await?
            .into_inner();
        loop {
            let told = tokio::select! {
                told = states.message() => told?,
                () = until(self.refresh_at.get()) => {
                    self.refresh_at.set(None);
                    // Everybody has renewed by now; whoever we reached before
                    // that has shown us what will soon be believed no longer.
                    live.refresh();
                    tracing::info!("a key was tainted: connections are made anew");
                    continue;
                }
            };
            let Some(told) = told else {
                return Ok(());
            };
            if *failures >= COMPLAIN_AFTER {
                tracing::info!("the authority tells of changes again");
            }
            *failures = 0;
            let state = State::read(told)?;
            self.heard(state, live).await;
        }
    }

    async fn heard(&self, state: State, live: &Live) {
        if live.revoked().replace(state.revocations.clone()) {
            tracing::info!(revoked = state.revocations.len(), "revocations changed");
        }
        let identity = live.current();
        let is_tainted = state.taints(identity.svid().leaf());
        let is_news = !state.bundles.are(identity.bundles());
        if state.tainted.len() > self.tainted.replace(state.tainted.len()) {
            self.refresh_at.set(Some(Instant::now() + SPREAD * 2));
        }
        self.news.told(state);
        if is_tainted {
            // Everybody hears it at once; not everybody may ask at once.
            sleep(SPREAD.mul_f64(draw())).await;
        }
        if is_tainted || is_news {
            self.news.call_for_fetch();
        }
    }
}

/// Ends at `moment`; never without one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Between one connection and the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Some failures in a row are a renewal or a restart; this many are an outage.
const COMPLAIN_AFTER: u32 = 5;

/// Over how long the renewals are spread that a tainted key makes necessary.
const SPREAD: Duration = Duration::from_secs(2);
