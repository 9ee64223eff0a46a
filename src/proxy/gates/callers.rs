//! How often each caller may ask.
//!
//! Whoever it is was proven by its certificate, so nobody can take another's
//! bucket, nor get a second one by calling from elsewhere. A connection looks its
//! bucket up once; a request then costs one atomic step.

use std::sync::Arc;

use crate::id::SpiffeId;
use crate::id::SpiffeIdPattern;
use crate::proxy::gates::pace::Bucket;
use crate::proxy::gates::pace::Paces;
use crate::proxy::gates::pace::Rate;

/// How often each of some callers may ask.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Whom it is for; empty for everybody.
    pub callers: Vec<SpiffeIdPattern>,
    /// How often each of them may.
    pub rate: Rate,
}

impl RateLimit {
    fn is_for(&self, caller: &SpiffeId) -> bool {
        self.callers.is_empty() || self.callers.iter().any(|pattern| pattern.fits(caller))
    }
}

/// The buckets of all callers, for all workers together.
#[derive(Debug)]
pub(super) struct Callers(Vec<(RateLimit, Paces<SpiffeId>)>);

impl Callers {
    pub(super) fn new(limits: Vec<RateLimit>) -> Self {
        let limits = limits.into_iter();
        let paces = limits.map(|limit| {
            let paces = Paces::new(limit.rate);
            (limit, paces)
        });
        Self(paces.collect())
    }

    /// The bucket of `caller`; none if it may ask as often as it likes. The
    /// first limit that is for it counts.
    pub(super) fn of(&self, caller: &SpiffeId) -> Option<Arc<Bucket>> {
        let mut all = self.0.iter();
        let (_, paces) = all.find(|(limit, _)| limit.is_for(caller))?;
        Some(paces.of(caller))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limit(burst: u32, callers: &[&str]) -> RateLimit {
        RateLimit {
            callers: callers.iter().map(|text| text.parse().unwrap()).collect(),
            rate: Rate {
                burst: burst.try_into().unwrap(),
                period: Duration::from_secs(60),
                requests: 1.try_into().unwrap(),
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_limit_that_is_for_a_caller_counts() {
        let batch = "spiffe://a/batch/**";
        let callers = Callers::new(vec![limit(1, &[batch]), limit(5, &["spiffe://a/*", batch])]);
        for (name, burst) in [("batch/x", 1), ("web", 5)] {
            let caller = format!("spiffe://a/{name}").parse().unwrap();
            let bucket = callers.of(&caller).unwrap();
            let granted = (0..9).take_while(|_| bucket.take().is_ok()).count();
            assert_eq!(granted, burst, "{name}");
        }
        assert!(callers.of(&"spiffe://a/other/x".parse().unwrap()).is_none());
    }
}
