//! How often each caller may ask.
//!
//! Every caller has a bucket of its own, which fills at a steady rate and costs
//! one for each request. Whoever it is was proven by its certificate, so nobody
//! can take another's, nor get a second one by calling from elsewhere. A
//! connection looks its bucket up once; a request then costs one atomic step.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use governor::Quota;
use governor::RateLimiter;
use governor::clock;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::NotKeyed;
use tokio::time::Instant;

use crate::id::SpiffeId;
use crate::id::SpiffeIdPattern;

/// How often each of some callers may ask.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// How many requests may come at once after a time without any.
    pub burst: NonZeroU32,
    /// Whom it is for; empty for everybody.
    pub callers: Vec<SpiffeIdPattern>,
    /// How many requests are granted in each `period`.
    pub requests: NonZeroU32,
    /// What `requests` are counted in. Above zero.
    pub period: Duration,
}

impl RateLimit {
    fn is_for(&self, caller: &SpiffeId) -> bool {
        self.callers.is_empty() || self.callers.iter().any(|pattern| pattern.fits(caller))
    }

    /// How long one request's worth takes.
    fn interval(&self) -> Duration {
        (self.period / self.requests.get()).max(Duration::from_nanos(1))
    }
}

/// The buckets of all callers, for all workers together.
#[derive(Debug)]
pub(super) struct Paces {
    buckets: Mutex<Buckets>,
    limits: Vec<RateLimit>,
    most: usize,
    now: Now,
    /// For callers beyond `most`, one for each limit.
    rest: Vec<Arc<Bucket>>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_caller: HashMap<SpiffeId, Arc<Bucket>>,
    /// How many there may be before those that are full are looked for.
    until_swept: usize,
}

impl Paces {
    pub(super) fn new(limits: Vec<RateLimit>) -> Self {
        Self::with_room_for(MOST_CALLERS, limits)
    }

    fn with_room_for(most: usize, limits: Vec<RateLimit>) -> Self {
        let now = Now {
            start: Instant::now(),
        };
        let rest = limits.iter().map(|limit| Bucket::new(limit, now)).collect();
        Self {
            buckets: Mutex::default(),
            limits,
            most,
            now,
            rest,
        }
    }

    /// The bucket of `caller`; none if it may ask as often as it likes. The
    /// first limit that is for it counts.
    pub(super) fn of(&self, caller: &SpiffeId) -> Option<Arc<Bucket>> {
        let mut limits = self.limits.iter().zip(&self.rest);
        let (limit, rest) = limits.find(|(limit, _)| limit.is_for(caller))?;
        // No step under the lock leaves the buckets half done.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.by_caller.get(caller) {
            return Some(Arc::clone(bucket));
        }
        buckets.sweep(self.now, self.most);
        if buckets.by_caller.len() >= self.most {
            return Some(Arc::clone(rest));
        }
        let bucket = Bucket::new(limit, self.now);
        buckets
            .by_caller
            .insert(caller.clone(), Arc::clone(&bucket));
        drop(buckets);
        Some(bucket)
    }
}

impl Buckets {
    /// Makes room now and then: a bucket that is full again, of a caller without
    /// a connection, is as good as a new one.
    fn sweep(&mut self, now: Now, most: usize) {
        if self.by_caller.len() < self.until_swept.max(FEW) {
            return;
        }
        let now = now.now();
        self.by_caller
            .retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
        self.until_swept = most.min(2 * self.by_caller.len());
    }
}

/// What one caller may still ask.
#[derive(Debug)]
pub(in crate::proxy) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Now, NoOpMiddleware<Duration>>,
    /// How long an empty one takes to be full.
    fills_in: Duration,
    /// When it last granted something, in nanoseconds of the clock.
    granted: AtomicU64,
    now: Now,
}

impl Bucket {
    fn new(limit: &RateLimit, now: Now) -> Arc<Self> {
        let interval = limit.interval();
        // There is one: the interval is above zero.
        let quota = Quota::with_period(interval);
        let quota = quota.unwrap_or_else(|| Quota::per_second(limit.requests));
        Arc::new(Self {
            limiter: RateLimiter::direct_with_clock(quota.allow_burst(limit.burst), now),
            fills_in: interval * limit.burst.get(),
            granted: AtomicU64::new(now.nanos()),
            now,
        })
    }

    /// One request more.
    ///
    /// # Errors
    ///
    /// How long it is until one is granted.
    pub(super) fn take(&self) -> Result<(), Duration> {
        match self.limiter.check() {
            Ok(()) => {
                self.granted.store(self.now.nanos(), Ordering::Relaxed);
                Ok(())
            }
            Err(not_until) => Err(not_until.wait_time_from(self.now.now())),
        }
    }

    fn is_full(&self, now: Duration) -> bool {
        let granted = Duration::from_nanos(self.granted.load(Ordering::Relaxed));
        now.saturating_sub(granted) >= self.fills_in
    }
}

/// The clock of the buckets, which tests can move.
#[derive(Clone, Copy, Debug)]
struct Now {
    start: Instant,
}

impl Now {
    fn nanos(self) -> u64 {
        u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl clock::Clock for Now {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Callers that are told apart: three megabytes of them. Those beyond share.
const MOST_CALLERS: usize = 10_000;
/// So many may stay that nobody needs.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn limit(requests: u32, period_s: u64, burst: u32, callers: &[&str]) -> RateLimit {
        RateLimit {
            burst: burst.try_into().unwrap(),
            callers: callers.iter().map(|text| text.parse().unwrap()).collect(),
            requests: requests.try_into().unwrap(),
            period: Duration::from_secs(period_s),
        }
    }

    fn caller(name: &str) -> SpiffeId {
        format!("spiffe://a/{name}").parse().unwrap()
    }

    /// How many requests are granted at once, and how long it is to the next.
    fn granted(bucket: &Bucket) -> (u32, Duration) {
        for count in 0..1_000 {
            if let Err(wait) = bucket.take() {
                return (count, wait);
            }
        }
        panic!("it grants whatever is asked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_is_emptied_at_once_and_fills_steadily() {
        let paces = Paces::new(vec![limit(10, 60, 3, &[])]);
        let bucket = paces.of(&caller("web")).unwrap();
        assert_eq!(granted(&bucket), (3, Duration::from_secs(6)));
        advance(Duration::from_secs(5)).await;
        assert_eq!(granted(&bucket), (0, Duration::from_secs(1)));
        advance(Duration::from_secs(1)).await;
        assert_eq!(granted(&bucket), (1, Duration::from_secs(6)));
        advance(Duration::from_secs(600)).await;
        assert_eq!(granted(&bucket), (3, Duration::from_secs(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_its_own_on_all_its_connections() {
        let paces = Paces::new(vec![limit(1, 60, 2, &[])]);
        let [web, again, cron] =
            ["web", "web", "cron"].map(|name| paces.of(&caller(name)).unwrap());
        assert_eq!(granted(&web).0, 2);
        assert_eq!(granted(&again).0, 0);
        drop((web, again));
        assert_eq!(granted(&paces.of(&caller("web")).unwrap()).0, 0);
        assert_eq!(granted(&cron).0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_limit_that_is_for_a_caller_counts() {
        let batch = "spiffe://a/batch/**";
        let paces = Paces::new(vec![
            limit(1, 60, 1, &[batch]),
            limit(1, 60, 5, &["spiffe://a/*", batch]),
        ]);
        for (name, burst) in [("batch/x", 1), ("web", 5)] {
            assert_eq!(
                granted(&paces.of(&caller(name)).unwrap()).0,
                burst,
                "{name}"
            );
        }
        assert!(paces.of(&caller("other/x")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_are_forgotten_only_when_they_are_full_and_nobody_has_them() {
        let paces = Paces::new(vec![limit(1, 1, 60, &[])]);
        let held = paces.of(&caller("held")).unwrap();
        let count = || paces.buckets.lock().unwrap().by_caller.len();
        for at in 0..FEW - 1 {
            granted(&paces.of(&caller(&format!("c{at}"))).unwrap());
        }
        assert_eq!(count(), FEW);
        advance(Duration::from_secs(59)).await;
        paces.of(&caller("one-more"));
        assert_eq!(count(), FEW + 1);
        advance(Duration::from_secs(1)).await;
        for at in 0..FEW {
            paces.of(&caller(&format!("d{at}")));
        }
        // What is left are the last comers, and whom somebody holds.
        assert!(count() <= FEW + 2, "{}", count());
        assert_eq!(granted(&held).0, 60);
        assert_eq!(granted(&paces.of(&caller("held")).unwrap()).0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_beyond_the_last_share_one() {
        let paces = Paces::with_room_for(2, vec![limit(1, 60, 3, &[])]);
        let known = ["a", "b"].map(|name| paces.of(&caller(name)).unwrap());
        let [c, d] = ["c", "d"].map(|name| paces.of(&caller(name)).unwrap());
        assert_eq!((granted(&c).0, granted(&d).0), (3, 0));
        assert_eq!(known.map(|bucket| granted(&bucket).0), [3, 3]);
    }
}
