//! Listens to what the authority says to all.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tonic::Streaming;

use crate::enrol::Bulletin;
use crate::enrol::EnrolError;
use crate::enrol::Minter;
use crate::enrol::Settings;
use crate::enrol::SignedPolicy;
use crate::enrol::answer::State;
use crate::enrol::channel;
use crate::enrol::news::News;
use crate::identity::Live;
use crate::identity::Revocations;
use crate::identity::draw;
use crate::rpc::authority as rpc;
use crate::time::Clock;

/// Follows the authority, for as long as we are somebody.
#[derive(Debug)]
pub struct Follower {
    bulletin: Arc<Bulletin>,
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
        bulletin: Arc<Bulletin>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            bulletin,
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

    /// Believes nobody who was revoked when we last heard, in this life or in
    /// the one before.
    pub fn heed_what_is_known(&self, live: &Live) {
        let revoked = self.news.revoked().current();
        live.revoked().replace(Revocations::clone(&revoked));
    }

    /// Follows for ever, as whoever `live` says we are.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point; what was heard stays in force.
    pub async fn run(self, live: Arc<Live>) {
        self.heed_what_is_known(&live);
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

    /// Hears what the authority has to say now, once.
    ///
    /// # Errors
    ///
    /// [`EnrolError`] if it cannot be reached, or says nothing in time.
    pub async fn hear_once(&self, live: &Live) -> Result<(), EnrolError> {
        let silent = || EnrolError::Patience {
            authority: self.settings.authorities.join(", "),
        };
        let first = async { Ok(self.listen(live).await?.message().await?) };
        let first: Result<_, EnrolError> = timeout(self.settings.patience, first)
            .await
            .map_err(|_elapsed| silent())?;
        let state = State::read(first?.ok_or_else(silent)?)?;
        drop(self.heard(state, live).await);
        Ok(())
    }

    async fn listen(&self, live: &Live) -> Result<Streaming<rpc::State>, EnrolError> {
        let identity = live.current();
        let svid = Arc::clone(identity.svid());
        let bundles = Arc::clone(identity.bundles());
        let (settings, revoked) = (&self.settings, self.news.revoked());
        let mut open = channel::open(settings, bundles, revoked, Some(svid), &self.clock).await?;
        let request = rpc::FollowRequest {
            policy: self.bulletin.wish(),
        };
        Ok(open.client.follow(request).await?.into_inner())
    }

    async fn follow(&self, live: &Live, failures: &mut u32) -> Result<(), EnrolError> {
        let mut states = self.listen(live).await?;
        let mut doubtful: Option<Doubtful> = None;
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
                () = until(doubtful.as_ref().map(|doubtful| doubtful.until)) => {
                    if let Some(Doubtful { set, .. }) = doubtful.take() {
                        let version = set.version();
                        tracing::warn!(version, "the authority sticks to an older policy set");
                        self.bulletin.insist(set);
                    }
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
            let older = self.heard(state, live).await;
            // It has said so since then.
            doubtful = older.map(|older| Doubtful {
                until: doubtful.map_or(older.until, |doubtful| doubtful.until),
                ..older
            });
        }
    }

    async fn heard(&self, mut state: State, live: &Live) -> Option<Doubtful> {
        if live.revoked().replace(state.revocations.clone()) {
            tracing::info!(revoked = state.revocations.len(), "revocations changed");
        }
        let identity = live.current();
        let is_tainted = state.taints(identity.svid().leaf());
        let is_news = !state.bundles.are(identity.bundles());
        if state.tainted.len() > self.tainted.replace(state.tainted.len()) {
            self.refresh_at.set(Some(Instant::now() + SPREAD * 2));
        }
        let (policy, groups) = (state.policy.take(), std::mem::take(&mut state.groups));
        let bundles = Arc::clone(&state.bundles);
        // First who is revoked: it may be who has signed the policies.
        self.news.told(state);
        self.bulletin.hear_groups(groups);
        let older = self.bulletin.hear(policy, &bundles);
        if is_tainted {
            // Everybody hears it at once; not everybody may ask at once.
            sleep(SPREAD.mul_f64(draw())).await;
        }
        if is_tainted || is_news {
            self.news.call_for_fetch();
        }
        older.map(|set| Doubtful {
            set,
            until: Instant::now() + STICKS_FOR,
        })
    }
}

/// A set that is older than the one in force.
///
/// Of two authorities one may have heard of the newest set later, and says so
/// soon. One whose database was put back from a copy will not: what it has is
/// what there is. Whoever could only bring us an old set, signed as it is,
/// cannot be the authority on this connection.
#[derive(Debug)]
struct Doubtful {
    set: SignedPolicy,
    until: Instant,
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

/// How long an authority must say on one connection that an older policy set is
/// the newest. Authorities that share a database hear of each other's changes
/// within five seconds.
const STICKS_FOR: Duration = Duration::from_secs(7);

/// Over how long the renewals are spread that a tainted key makes necessary.
const SPREAD: Duration = Duration::from_secs(2);
