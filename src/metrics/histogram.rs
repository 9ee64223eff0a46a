//! How long things take, on the way of a request.

use crate::metrics::family::About;
use crate::metrics::family::Cell;
use crate::metrics::family::Family;
use prometheus::Registry;
use prometheus::proto;
use prometheus::proto::Bucket;
use prometheus::proto::Metric;
use prometheus::proto::MetricType;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bounds for how long a request takes: 100 µs to a minute.
pub const SECONDS: &[Duration] = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Histograms of durations by label, of which each worker has its own part.
#[derive(Clone, Debug)]
pub struct ShardedHistogramVec<const LABELS: usize> {
    family: Family<Spread, LABELS>,
    bounds: &'static [Duration],
}

impl<const LABELS: usize> ShardedHistogramVec<LABELS> {
    /// Adds the histograms to `registry`. Each bucket takes what is not above
    /// its bound; `bounds` ascend.
    ///
    /// # Errors
    ///
    /// If the name is taken, or is no name.
    pub fn register(
        registry: &Registry,
        about: About<LABELS>,
        bounds: &'static [Duration],
    ) -> Result<Self, prometheus::Error> {
        let family = Family::register(registry, about)?;
        Ok(Self { family, bounds })
    }

    /// This thread's part of the histogram with these label `values`, in the
    /// order of [`About::labels`].
    ///
    /// Takes a lock: ask once, and keep it.
    #[must_use]
    pub fn histogram(&self, values: [&str; LABELS]) -> Histogram {
        let spread = self.family.cell(values, || Spread::new(self.bounds));
        Histogram {
            spread,
            here: PhantomData,
        }
    }
}

/// One thread's part of a histogram. It stays on its thread.
#[derive(Clone, Debug)]
pub struct Histogram {
    spread: Arc<Spread>,
    here: PhantomData<Rc<()>>,
}

impl Histogram {
    /// Counts one that took `duration`.
    pub fn observe(&self, duration: Duration) {
        let nth = self
            .spread
            .bounds
            .partition_point(|bound| *bound < duration);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.spread.buckets.get(nth) {
            add(bucket, 1);
        }
        add(&self.spread.nanos, nanos);
    }
}

fn add(cell: &AtomicU64, more: u64) {
    // INVARIANT: this thread is the only one that writes.
    let before = cell.load(Ordering::Relaxed);
    cell.store(before.wrapping_add(more), Ordering::Relaxed);
}

#[derive(Debug)]
struct Spread {
    bounds: &'static [Duration],
    /// One per bound, and one for what is above the last.
    buckets: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

impl Spread {
    fn new(bounds: &'static [Duration]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            nanos: AtomicU64::new(0),
        }
    }
}

impl Cell for Spread {
    const KIND: MetricType = MetricType::HISTOGRAM;

    fn sum(cells: &[Arc<Self>], metric: &mut Metric) {
        let bounds = cells.first().map_or(&[] as &[Duration], |cell| cell.bounds);
        let in_bucket = |nth: usize| -> u64 {
            let buckets = cells.iter().filter_map(|cell| cell.buckets.get(nth));
            buckets.map(|bucket| bucket.load(Ordering::Relaxed)).sum()
        };
        let mut below = 0;
        let mut buckets = Vec::with_capacity(bounds.len());
        for (nth, bound) in bounds.iter().enumerate() {
            below += in_bucket(nth);
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound.as_secs_f64());
            bucket.set_cumulative_count(below);
            buckets.push(bucket);
        }
        let seconds = cells
            .iter()
            .map(|cell| Duration::from_nanos(cell.nanos.load(Ordering::Relaxed)).as_secs_f64())
            .sum();
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(below + in_bucket(bounds.len()));
        histogram.set_sample_sum(seconds);
        metric.set_histogram(histogram);
    }
}

#[cfg(test)]
mod tests {
    use super::ShardedHistogramVec;
    use crate::metrics::About;
    use prometheus::Registry;
    use prometheus::TextEncoder;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_bucket_takes_what_is_not_above_its_bound() {
        const BOUNDS: &[Duration] = &[Duration::from_micros(100), Duration::from_secs(1)];
        let registry = Registry::new();
        let about = About {
            name: "portreeve_wait_seconds",
            help: "Waits.",
            labels: ["door"],
            most_series: 3,
        };
        let waits = ShardedHistogramVec::register(&registry, about, BOUNDS).unwrap();
        let here = waits.histogram(["edge"]);
        here.observe(Duration::from_micros(100));
        here.observe(Duration::from_nanos(100_001));
        thread::scope(|scope| {
            scope.spawn(|| waits.histogram(["edge"]).observe(Duration::from_secs(2)));
        });
        let expected = "# HELP portreeve_wait_seconds Waits.\n\
            # TYPE portreeve_wait_seconds histogram\n\
            portreeve_wait_seconds_bucket{door=\"edge\",le=\"0.0001\"} 1\n\
            portreeve_wait_seconds_bucket{door=\"edge\",le=\"1\"} 2\n\
            portreeve_wait_seconds_bucket{door=\"edge\",le=\"+Inf\"} 3\n\
            portreeve_wait_seconds_sum{door=\"edge\"} 2.000200001\n\
            portreeve_wait_seconds_count{door=\"edge\"} 3\n";
        let text = TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        assert_eq!(text, expected);
    }
}
