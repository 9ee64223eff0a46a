//! How busy an endpoint seems: what an answer takes, and what is under way.
//!
//! Peak-EWMA, as Finagle and Linkerd have it: a slow answer counts at once and
//! in full, a fast one only bit by bit, and what is long ago counts less and
//! less. So whoever gets slow is spared at once, and tried again after a while.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// What an endpoint's answers have taken lately.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// None before the first answer.
    peak: Cell<Option<Peak>>,
}

#[derive(Clone, Copy, Debug)]
struct Peak {
    /// In seconds.
    latency: f64,
    at: Instant,
}

impl Load {
    /// An answer took from `begun` until `now`.
    pub(super) fn answered(&self, begun: Instant, now: Instant) {
        let sample = now.duration_since(begun).as_secs_f64();
        let latency = match self.peak.get() {
            Some(peak) if sample < peak.latency => {
                let old = weight(now.duration_since(peak.at));
                peak.latency.mul_add(old, sample * (1.0 - old))
            }
            _ => sample,
        };
        self.set(latency, now);
    }

    /// An attempt failed, however fast: who fails fast must not look idle.
    pub(super) fn failed(&self, begun: Instant, now: Instant) {
        let took = now.duration_since(begun).as_secs_f64();
        let before = self.latency(now).unwrap_or(LEAST_PENALTY);
        self.set((before * 2.0).max(took).min(MOST_PENALTY), now);
    }

    /// The load with `under_way` requests; none if nothing was measured yet.
    pub(super) fn cost(&self, under_way: usize, now: Instant) -> Option<f64> {
        let under_way = u32::try_from(under_way).unwrap_or(u32::MAX);
        let latency = self.latency(now)?.max(LEAST);
        Some(latency * (f64::from(under_way) + 1.0))
    }

    fn latency(&self, now: Instant) -> Option<f64> {
        let peak = self.peak.get()?;
        Some(peak.latency * weight(now.saturating_duration_since(peak.at)))
    }

    fn set(&self, latency: f64, at: Instant) {
        self.peak.set(Some(Peak { latency, at }));
    }
}

/// What a measurement still counts after `age`.
fn weight(age: Duration) -> f64 {
    (-age.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

/// Finagle's and Linkerd's.
const DECAY: Duration = Duration::from_secs(10);
/// A microsecond: nothing costs nothing, or what is under way would not count.
const LEAST: f64 = 1e-6;
/// What the first failure costs, in seconds.
const LEAST_PENALTY: f64 = 0.05;
/// What failures cost at the most, in seconds.
const MOST_PENALTY: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let (load, start) = (Load::default(), Instant::now());
        assert_eq!(load.cost(0, start), None);
        load.answered(start, start + ms(1));
        let fast = load.cost(0, start + ms(1)).unwrap();
        assert!((fast - 0.001).abs() < 1e-9, "{fast}");
        load.answered(start, start + ms(100));
        let peak = load.cost(0, start + ms(100)).unwrap();
        assert!((peak - 0.1).abs() < 1e-9, "{peak}");
        // One fast answer does not hide it.
        load.answered(start + ms(100), start + ms(101));
        assert!(load.cost(0, start + ms(101)).unwrap() > 0.09);
        let later = load.cost(0, start + ms(60_000)).unwrap();
        assert!(later < 0.001, "{later}");
        assert!(load.cost(0, start + ms(3_600_000)).unwrap() > 0.0);
    }

    #[test]
    fn what_is_under_way_counts() {
        let (load, start) = (Load::default(), Instant::now());
        load.answered(start, start + ms(10));
        let cost = |under_way| load.cost(under_way, start + ms(10)).unwrap();
        assert!((cost(9) / cost(0) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn failing_fast_does_not_look_idle() {
        let (load, start) = (Load::default(), Instant::now());
        load.answered(start, start + ms(100));
        let before = load.cost(0, start + ms(101)).unwrap();
        load.failed(start + ms(101), start + ms(101));
        assert!(load.cost(0, start + ms(101)).unwrap() > before);
        for _ in 0..100 {
            load.failed(start + ms(101), start + ms(101));
        }
        assert!(load.cost(0, start + ms(101)).unwrap() <= MOST_PENALTY);
    }
}
