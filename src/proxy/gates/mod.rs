//! What a request must get past besides the policy: how often its caller may
//! ask, how much the application can take, and whether it is there at all.
//!
//! The pace comes before the policy. A request that is malformed, or that the
//! policy would deny, costs us its reading and its record, and so counts: or
//! whoever may do nothing could do that without end.
//! The other two come after the policy, so that nobody who may not ask learns
//! how the application is.

mod callers;
mod crowd;
mod health;
mod pace;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::id::SpiffeId;
use crate::proxy::refusal::Refusal;
use crate::proxy::settings::Inbound;

pub use callers::RateLimit;
pub(super) use crowd::Place;
pub use health::AppHealth;
pub(super) use pace::Paces;
pub use pace::Rate;

use callers::Callers;
use crowd::Crowd;
use pace::Bucket;

/// The gates of the inbound doors of all workers. Cloning is cheap: clones share them.
#[derive(Clone, Debug)]
pub struct Gates {
    callers: Arc<Callers>,
    crowd: Option<Crowd>,
    health: Option<AppHealth>,
}

impl Gates {
    /// The gates that `settings` want.
    #[must_use]
    pub fn new(settings: &Inbound, health: Option<AppHealth>) -> Self {
        Self {
            callers: Arc::new(Callers::new(settings.rate_limits.clone())),
            crowd: settings.concurrent_requests.map(Crowd::new),
            health,
        }
    }

    /// One worker's.
    pub(super) fn into_worker(self) -> WorkerGates {
        WorkerGates {
            callers: self.callers,
            crowd: self.crowd.map(Rc::new),
            health: self.health,
        }
    }
}

/// One worker's gates.
#[derive(Debug)]
pub(super) struct WorkerGates {
    callers: Arc<Callers>,
    crowd: Option<Rc<Crowd>>,
    health: Option<AppHealth>,
}

impl WorkerGates {
    /// What the requests of `caller` must get past.
    pub(super) fn before(&self, caller: &SpiffeId) -> Admission {
        Admission {
            bucket: self.callers.of(caller),
            crowd: self.crowd.clone(),
            health: self.health.clone(),
        }
    }
}

/// What the requests of one connection must get past; nothing by default.
#[derive(Debug, Default)]
pub(super) struct Admission {
    bucket: Option<Arc<Bucket>>,
    crowd: Option<Rc<Crowd>>,
    health: Option<AppHealth>,
}

impl Admission {
    /// One request more of its caller.
    pub(super) fn pace(&self) -> Result<(), Refusal> {
        let taken = self.bucket.as_ref().map_or(Ok(()), |bucket| bucket.take());
        taken.map_err(|wait| Refusal::Shed {
            why: Shed::RateLimited,
            wait,
        })
    }

    /// A place in the application, if there must be one, for a request that is permitted.
    pub(super) fn enter(&self) -> Result<Option<Place>, Refusal> {
        let shed = |why| Refusal::Shed { why, wait: PAUSE };
        if !self.health.as_ref().is_none_or(AppHealth::is_ready) {
            return Err(shed(Shed::AppNotReady));
        }
        let Some(crowd) = &self.crowd else {
            return Ok(None);
        };
        crowd
            .enter()
            .map(Some)
            .ok_or_else(|| shed(Shed::Overloaded))
    }
}

/// Why a request was not let through, whatever the policy says of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Shed {
    /// The application does not answer as it does when it is ready.
    AppNotReady,
    /// The application has as many requests as it may have.
    Overloaded,
    /// Its caller asks too often.
    RateLimited,
}

impl Shed {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::AppNotReady, Self::Overloaded, Self::RateLimited];

    /// The word for records and metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AppNotReady => "app_not_ready",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// What is told to whoever should try again, of something that may be over any moment.
const PAUSE: Duration = Duration::from_secs(1);
