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
use crate::time::Clock;

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
    /// Fetches the first identity, and prepares to keep it fresh.
    ///
    /// # Errors
    ///
    /// What the source says, if it has no identity for us.
    pub async fn start(
        mut source: Box<dyn Source>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, SourceError> {
        let live = Arc::new(Live::new(source.fetch().await?));
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
        loop {
            self.wait_until_due().await;
            let mut failures = 0;
            while !self.renew().await {
                failures += 1;
                self.wait_after_failure(failures).await;
            }
        }
    }

    async fn renew(&mut self) -> bool {
        match self.source.fetch().await {
            Ok(identity) => {
                self.live.replace(identity);
                self.since = self.clock.now();
                let current = self.live.current();
                self.metrics.renewals.inc();
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
        tokio::select! {
            () = wait_for(due, self.clock.as_ref()) => {}
            () = self.source.changed() => {}
        }
    }

    /// A source that tells of changes is not asked again in vain before one.
    async fn wait_after_failure(&mut self, failures: u32) {
        let pause = sleep(back_off(failures, draw()));
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

/// Ends when the calendar shows `due`; never, if there is no such date.
///
/// Looks at the calendar again and again: it may jump, and the machine may
/// sleep, which stops timers.
async fn wait_for(due: Option<SystemTime>, clock: &dyn Clock) {
    let Some(due) = due else {
        return std::future::pending().await;
    };
    while let Ok(left) = due.duration_since(clock.now()) {
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK_AT_CALENDAR_EVERY)).await;
    }
}

const LOOK_AT_CALENDAR_EVERY: Duration = Duration::from_secs(30);

/// Renewals are at least this far apart.
const SOONEST: Duration = Duration::from_secs(1);
