//! How many there are now, on the way of a request.

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
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

/// Gauges by label, of which each worker has its own part.
#[derive(Clone, Debug)]
pub struct ShardedGaugeVec<const LABELS: usize>(Family<Level, LABELS>);

impl<const LABELS: usize> ShardedGaugeVec<LABELS> {
    /// Adds the gauges to `registry`.
    ///
    /// # Errors
    ///
    /// If the name is taken, or is no name.
    pub fn register(registry: &Registry, about: About<LABELS>) -> Result<Self, prometheus::Error> {
        Family::register(registry, about).map(Self)
    }

    /// This thread's part of the gauge with these label `values`, in the order
    /// of [`About::labels`].
    ///
    /// Takes a lock: ask once, and keep it.
    #[must_use]
    pub fn gauge(&self, values: [&str; LABELS]) -> Gauge {
        Gauge {
            level: self.0.cell(values, Level::default),
            here: PhantomData,
        }
    }

    /// The sum of all gauges, over all labels and threads.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.0
            .fold(0, |sum, level| sum + level.0.load(Ordering::Relaxed))
    }
}

/// One thread's part of a gauge. It stays on its thread.
#[derive(Clone, Debug)]
pub struct Gauge {
    level: Arc<Level>,
    here: PhantomData<Rc<()>>,
}

impl Gauge {
    /// Counts one more until the answer is dropped.
    #[must_use = "what is not held is not counted"]
    pub fn hold(&self) -> Held {
        self.add(1);
        Held(self.clone())
    }

    fn add(&self, more: i64) {
        // INVARIANT: this thread is the only one that writes.
        let before = self.level.0.load(Ordering::Relaxed);
        self.level
            .0
            .store(before.wrapping_add(more), Ordering::Relaxed);
    }
}

/// One that is counted.
#[derive(Debug)]
pub struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

#[derive(Debug, Default)]
struct Level(AtomicI64);

impl Cell for Level {
    const KIND: MetricType = MetricType::GAUGE;

    fn sum(cells: &[Arc<Self>], metric: &mut Metric) {
        let level = cells.iter().fold(0_i64, |sum, cell| {
            sum.wrapping_add(cell.0.load(Ordering::Relaxed))
        });
        let mut gauge = proto::Gauge::default();
        gauge.set_value(as_value(level));
        metric.set_gauge(gauge);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus counts in floating point"
)]
const fn as_value(level: i64) -> f64 {
    level as f64
}

#[cfg(test)]
mod tests {
    use super::ShardedGaugeVec;
    use crate::metrics::About;
    use prometheus::Registry;
    use prometheus::TextEncoder;
    use std::thread;

    #[test]
    fn counts_what_is_held_on_all_threads() {
        let registry = Registry::new();
        let about = About {
            name: "portreeve_guests",
            help: "Guests.",
            labels: ["door"],
            most_series: 3,
        };
        let guests = ShardedGaugeVec::register(&registry, about).unwrap();
        let here = guests.gauge(["inbound"]);
        let (first, second) = (here.hold(), here.hold());
        drop(first);
        thread::scope(|scope| {
            scope.spawn(|| drop(guests.gauge(["inbound"]).hold()));
        });
        let expected = "# HELP portreeve_guests Guests.\n\
            # TYPE portreeve_guests gauge\n\
            portreeve_guests{door=\"inbound\"} 1\n";
        let text = TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        assert_eq!((text.as_str(), guests.sum()), (expected, 1));
        drop(second);
        assert_eq!(guests.sum(), 0);
    }
}
