//! Counting up, on the way of a request.

use crate::metrics::family::About;
use crate::metrics::family::Cell;
use crate::metrics::family::Family;
use prometheus::Registry;
use prometheus::proto;
use prometheus::proto::Metric;
use prometheus::proto::MetricType;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counters by label, of which each worker has its own part.
#[derive(Clone, Debug)]
pub struct ShardedCounterVec<const LABELS: usize>(Family<Total, LABELS>);

impl<const LABELS: usize> ShardedCounterVec<LABELS> {
    /// Adds the counters to `registry`.
    ///
    /// # Errors
    ///
    /// If the name is taken, or is no name.
    pub fn register(registry: &Registry, about: About<LABELS>) -> Result<Self, prometheus::Error> {
        Family::register(registry, about).map(Self)
    }

    /// This thread's part of the counter with these label `values`, in the
    /// order of [`About::labels`].
    ///
    /// Takes a lock: ask once, and keep it.
    #[must_use]
    pub fn counter(&self, values: [&str; LABELS]) -> Counter {
        Counter {
            total: self.0.cell(values, Total::default),
            here: PhantomData,
        }
    }
}

/// One thread's part of a counter. It stays on its thread.
#[derive(Clone, Debug)]
pub struct Counter {
    total: Arc<Total>,
    here: PhantomData<Rc<()>>,
}

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `more`.
    pub fn add(&self, more: u64) {
        // INVARIANT: this thread is the only one that writes.
        let before = self.total.0.load(Ordering::Relaxed);
        self.total
            .0
            .store(before.wrapping_add(more), Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Total(AtomicU64);

impl Cell for Total {
    const KIND: MetricType = MetricType::COUNTER;

    fn sum(cells: &[Arc<Self>], metric: &mut Metric) {
        let total = cells.iter().fold(0_u64, |sum, cell| {
            sum.wrapping_add(cell.0.load(Ordering::Relaxed))
        });
        let mut counter = proto::Counter::default();
        counter.set_value(as_value(total));
        metric.set_counter(counter);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus counts in floating point"
)]
const fn as_value(total: u64) -> f64 {
    total as f64
}

#[cfg(test)]
mod tests {
    use super::ShardedCounterVec;
    use crate::metrics::About;
    use prometheus::Registry;
    use prometheus::TextEncoder;
    use std::thread;

    const ABOUT: About<2> = About {
        name: "portreeve_tries_total",
        help: "Tries.",
        labels: ["door", "code"],
        most_series: 2,
    };

    fn text(registry: &Registry) -> String {
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap()
    }

    #[test]
    fn a_scrape_adds_up_what_the_threads_counted() {
        let registry = Registry::new();
        let tries = ShardedCounterVec::register(&registry, ABOUT).unwrap();
        let count = |times: u64| {
            let counter = tries.counter(["inbound", "200"]);
            (0..times).for_each(|_| counter.inc());
            counter.add(times);
        };
        thread::scope(|scope| {
            scope.spawn(|| count(1_000));
            scope.spawn(|| count(234));
        });
        let expected = "# HELP portreeve_tries_total Tries.\n\
            # TYPE portreeve_tries_total counter\n\
            portreeve_tries_total{door=\"inbound\",code=\"200\"} 2468\n";
        assert_eq!(text(&registry), expected);
    }

    #[test]
    fn what_comes_after_the_last_series_is_counted_as_other() {
        let registry = Registry::new();
        let tries = ShardedCounterVec::register(&registry, ABOUT).unwrap();
        for code in ["200", "404", "500", "503", "200"] {
            tries.counter(["edge", code]).inc();
        }
        let expected = "# HELP portreeve_tries_total Tries.\n\
            # TYPE portreeve_tries_total counter\n\
            portreeve_tries_total{door=\"edge\",code=\"200\"} 2\n\
            portreeve_tries_total{door=\"edge\",code=\"404\"} 1\n\
            portreeve_tries_total{door=\"other\",code=\"other\"} 2\n";
        assert_eq!(text(&registry), expected);
    }

    #[test]
    fn a_part_that_nobody_holds_is_handed_on_with_its_count() {
        let registry = Registry::new();
        let tries = ShardedCounterVec::register(&registry, ABOUT).unwrap();
        for _ in 0..100 {
            tries.counter(["edge", "200"]).inc();
        }
        let parts = |tries: &ShardedCounterVec<2>| tries.0.fold(0, |parts, _total| parts + 1);
        assert_eq!(parts(&tries), 1);
        assert!(text(&registry).ends_with("{door=\"edge\",code=\"200\"} 100\n"));
        let held = [
            tries.counter(["edge", "200"]),
            tries.counter(["edge", "200"]),
        ];
        assert_eq!((parts(&tries), held.len()), (2, 2));
    }

    #[test]
    fn a_name_is_taken_once() {
        let registry = Registry::new();
        let _first = ShardedCounterVec::register(&registry, ABOUT).unwrap();
        let again = ShardedCounterVec::register(&registry, ABOUT);
        assert!(matches!(again, Err(prometheus::Error::AlreadyReg)));
    }
}
