//! Keeps the identity in force fresh.
//!
//! A failure never takes away what works: the old identity stays in force, even
//! past its end (peers will refuse it then, and say so), and the next attempt
//! comes after a back-off.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::time::sleep;

use crate::identity::live::Live;
use crate::identity::metrics::Metrics;
use crate::identity::schedule::back_off;
use crate::identity::schedule::draw;
use crate::identity::schedule::renew_at;
use crate::identity::source::Renews;
use crate::identity::source::Source;
use crate::identity::source::SourceError;
use crate::identity::svid::Identity;
use crate::time::Clock;
use crate::x509::Limits;

/// The work of renewing one identity. Whoever makes it must [`run`](Self::run) it.
#[derive(Debug)]
pub struct Renewal {
    source: Box<dyn Source>,
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// When the identity in force came. Its certificate says earlier: it is back-dated.
    since: SystemTime,
}

impl Renewal {
    /// Fetches the first identity, and prepares to keep it fresh. While the
    /// source cannot be reached it is asked again: whoever is started together
    /// with its authority need not be started in order.
    ///
    /// # Errors
    ///
    /// What the source says, if it has no identity for us.
    pub async fn start(
        mut source: Box<dyn Source>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, SourceError> {
        let live = Arc::new(Live::new(first(source.as_mut()).await?));
        metrics.show(&live.current());
        let since = clock.now();
        Ok(Self {
            source,
            live,
            clock,
            metrics,
            since,
        })
    }

    /// The identity that is kept fresh.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// Renews for ever.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point; the identity in force stays as it is.
    pub async fn run(mut self) {
        let metrics = self.metrics.clone();
        let mut swaps = self.live.changed();
        // A swap that is not ours: connections are made anew.
        let shown = async {
            while swaps.changed().await.is_ok() {
                metrics.show(&swaps.borrow_and_update());
            }
        };
        let renewed = async {
            loop {
                self.wait_until_due().await;
                let mut failures = 0;
                while !self.renew().await {
                    failures += 1;
                    self.wait_after_failure(failures).await;
                }
            }
        };
        tokio::join!(shown, renewed);
    }

    async fn renew(&mut self) -> bool {
        match self.source.fetch().await {
            Ok(identity) => {
                let before = self.live.current();
                self.live.replace(identity);
                let current = self.live.current();
                // With other roots only, the certificate is as old as it was.
                if current.svid().chain() != before.svid().chain() {
                    self.since = self.clock.now();
                }
                self.metrics.renewals.inc();
                // Whoever sees the new identity may rely on what is shown of it.
                self.metrics.show(&current);
                tracing::info!(
                    id = %current.svid().id(),
                    serial = current.svid().leaf().serial(),
                    generation = current.generation(),
                    source = self.source.name(),
                    "identity renewed"
                );
                true
            }
            Err(error) => {
                self.metrics.failures.inc();
                tracing::error!(
                    error = &error as &(dyn std::error::Error + 'static),
                    source = self.source.name(),
                    "identity not renewed, the old one stays"
                );
                false
            }
        }
    }

    async fn wait_until_due(&mut self) {
        let due = match self.source.renews() {
            Renews::WhenChanged => None,
            Renews::AtHalfLife => {
                let ends = self.live.current().svid().not_after();
                let left = ends.duration_since(self.since).unwrap_or(Duration::ZERO);
                // A certificate that is almost over must not keep us from everything else.
                let soonest = self.since + SOONEST;
                renew_at(self.since, left, draw())
                    .ok()
                    .map(|due| due.max(soonest))
            }
        };
        let begins = self.live.current().svid().not_before();
        tokio::select! {
            () = wait_for(due, begins, self.clock.as_ref()) => {}
            () = self.source.changed() => {}
        }
    }

    /// A source that tells of changes is not asked again in vain before one.
    async fn wait_after_failure(&mut self, failures: u32) {
        let mut pause = back_off(failures, draw());
        if self.live.current().svid().not_after() < self.clock.now() {
            // Nobody believes us: there is nothing that a long pause would spare.
            pause = pause.min(MOST_PAUSE_WHEN_ENDED);
        }
        let pause = sleep(pause);
        match self.source.renews() {
            Renews::AtHalfLife => pause.await,
            Renews::WhenChanged => {
                tokio::select! {
                    () = pause => {}
                    () = self.source.changed() => {}
                }
            }
        }
    }
}

async fn first(source: &mut dyn Source) -> Result<Identity, SourceError> {
    let mut failures = 0;
    loop {
        match source.fetch().await {
            Err(error) if error.may_pass() => {
                tracing::warn!(
                    error = &error as &(dyn std::error::Error + 'static),
                    source = source.name(),
                    "no identity yet; asking again"
                );
            }
            outcome => return outcome,
        }
        failures += 1;
        sleep(back_off(failures, draw()).min(MOST_PAUSE_WHEN_ENDED)).await;
    }
}

/// Ends when the calendar shows `due`; never, if there is no such date.
///
/// Looks at the calendar again and again: it may jump, and the machine may
/// sleep, which stops timers. Where it was set back to before the certificate
/// `begins`, peers would not believe that until it does, so it is due at once.
pub async fn wait_for(due: Option<SystemTime>, begins: SystemTime, clock: &dyn Clock) {
    let Some(due) = due else {
        return std::future::pending().await;
    };
    let skew = Limits::default().clock_skew;
    while let Ok(left) = due.duration_since(clock.now()) {
        let is_too_early = begins
            .duration_since(clock.now())
            .is_ok_and(|until| until > skew);
        if left.is_zero() || is_too_early {
            return;
        }
        sleep(left.min(LOOK_AT_CALENDAR_EVERY)).await;
    }
}

/// How soon we are somebody again when the source is back.
const MOST_PAUSE_WHEN_ENDED: Duration = Duration::from_secs(3);

const LOOK_AT_CALENDAR_EVERY: Duration = Duration::from_secs(30);

/// Renewals are at least this far apart.
const SOONEST: Duration = Duration::from_secs(1);
