//! How often each of many may ask, each known by a key.
//!
//! Every key has a bucket of its own, which fills at a steady rate and costs one
//! for each request. There are so many of them at most; whoever comes beyond
//! shares one with others, until buckets that are full again are forgotten.

use std::collections::HashMap;
use std::hash::Hash;
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

/// How often somebody may ask.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many requests may come at once after a time without any.
    pub burst: NonZeroU32,
    /// What `requests` are counted in. Above zero.
    pub period: Duration,
    /// How many requests are granted in each `period`.
    pub requests: NonZeroU32,
}

impl Rate {
    /// So many times as often.
    #[must_use]
    pub const fn times(self, times: NonZeroU32) -> Self {
        Self {
            burst: self.burst.saturating_mul(times),
            requests: self.requests.saturating_mul(times),
            ..self
        }
    }

    /// How long one request's worth takes.
    fn interval(&self) -> Duration {
        (self.period / self.requests.get()).max(Duration::from_nanos(1))
    }
}

/// The buckets of all who ask at one rate, for all workers together.
#[derive(Debug)]
pub(in crate::proxy) struct Paces<K> {
    buckets: Mutex<Buckets<K>>,
    most: usize,
    now: Now,
    rate: Rate,
    /// For those beyond `most`.
    rest: Arc<Bucket>,
}

#[derive(Debug)]
struct Buckets<K> {
    by_key: HashMap<K, Arc<Bucket>>,
    /// How many there may be before those that are full are looked for.
    until_swept: usize,
}

impl<K: Clone + Eq + Hash> Paces<K> {
    pub(in crate::proxy) fn new(rate: Rate) -> Self {
        Self::with_room_for(MOST_KEYS, rate)
    }

    pub(super) fn with_room_for(most: usize, rate: Rate) -> Self {
        let now = Now {
            start: Instant::now(),
        };
        let buckets = Buckets {
            by_key: HashMap::new(),
            until_swept: 0,
        };
        Self {
            buckets: Mutex::new(buckets),
            most,
            now,
            rate,
            rest: Bucket::new(rate, now),
        }
    }

    /// The bucket of `key`.
    pub(in crate::proxy) fn of(&self, key: &K) -> Arc<Bucket> {
        // No step under the lock leaves the buckets half done.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.by_key.get(key) {
            return Arc::clone(bucket);
        }
        buckets.sweep(self.now, self.most);
        if buckets.by_key.len() >= self.most {
            return Arc::clone(&self.rest);
        }
        let bucket = Bucket::new(self.rate, self.now);
        buckets.by_key.insert(key.clone(), Arc::clone(&bucket));
        drop(buckets);
        bucket
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Makes room now and then: a bucket that is full again, and that nobody
    /// holds, is as good as a new one.
    fn sweep(&mut self, now: Now, most: usize) {
        if self.by_key.len() < self.until_swept.max(FEW) {
            return;
        }
        let now = now.now();
        self.by_key
            .retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
        self.until_swept = most.min(2 * self.by_key.len());
    }
}

/// What one of them may still ask.
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
    fn new(rate: Rate, now: Now) -> Arc<Self> {
        let interval = rate.interval();
        // There is one: the interval is above zero.
        let quota = Quota::with_period(interval);
        let quota = quota.unwrap_or_else(|| Quota::per_second(rate.requests));
        Arc::new(Self {
            limiter: RateLimiter::direct_with_clock(quota.allow_burst(rate.burst), now),
            fills_in: interval * rate.burst.get(),
            granted: AtomicU64::new(now.nanos()),
            now,
        })
    }

    /// One request more.
    ///
    /// # Errors
    ///
    /// How long it is until one is granted.
    pub(in crate::proxy) fn take(&self) -> Result<(), Duration> {
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

/// Those that are told apart: three megabytes of them. Those beyond share.
const MOST_KEYS: usize = 10_000;
/// So many may stay that nobody needs.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn rate(requests: u32, period_s: u64, burst: u32) -> Rate {
        Rate {
            burst: burst.try_into().unwrap(),
            period: Duration::from_secs(period_s),
            requests: requests.try_into().unwrap(),
        }
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
        let bucket = Paces::new(rate(10, 60, 3)).of(&"web");
        assert_eq!(granted(&bucket), (3, Duration::from_secs(6)));
        advance(Duration::from_secs(5)).await;
        assert_eq!(granted(&bucket), (0, Duration::from_secs(1)));
        advance(Duration::from_secs(1)).await;
        assert_eq!(granted(&bucket), (1, Duration::from_secs(6)));
        advance(Duration::from_secs(600)).await;
        assert_eq!(granted(&bucket), (3, Duration::from_secs(6)));
        let twice = rate(10, 60, 3).times(NonZeroU32::new(2).unwrap());
        assert_eq!(
            granted(&Paces::new(twice).of(&"web")),
            (6, Duration::from_secs(3))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_own() {
        let paces = Paces::new(rate(1, 60, 2));
        let [web, again, cron] = ["web", "web", "cron"].map(|name| paces.of(&name));
        assert_eq!(granted(&web).0, 2);
        assert_eq!(granted(&again).0, 0);
        drop((web, again));
        assert_eq!(granted(&paces.of(&"web")).0, 0);
        assert_eq!(granted(&cron).0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_are_forgotten_only_when_they_are_full_and_nobody_has_them() {
        let paces = Paces::new(rate(1, 1, 60));
        let held = paces.of(&"held".to_owned());
        let count = || paces.buckets.lock().unwrap().by_key.len();
        for at in 0..FEW - 1 {
            granted(&paces.of(&format!("c{at}")));
        }
        assert_eq!(count(), FEW);
        advance(Duration::from_secs(59)).await;
        paces.of(&"one-more".to_owned());
        assert_eq!(count(), FEW + 1);
        advance(Duration::from_secs(1)).await;
        for at in 0..FEW {
            paces.of(&format!("d{at}"));
        }
        // What is left are the last comers, and whom somebody holds.
        assert!(count() <= FEW + 2, "{}", count());
        assert_eq!(granted(&held).0, 60);
        assert_eq!(granted(&paces.of(&"held".to_owned())).0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn those_beyond_the_last_share_one() {
        let paces = Paces::with_room_for(2, rate(1, 60, 3));
        let known = ["a", "b"].map(|name| paces.of(&name));
        let [c, d] = ["c", "d"].map(|name| paces.of(&name));
        assert_eq!((granted(&c).0, granted(&d).0), (3, 0));
        assert_eq!(known.map(|bucket| granted(&bucket).0), [3, 3]);
    }
}
