//! What is counted, and the text that Prometheus reads.
//!
//! An [`Exposition`] owns the registry. What happens seldom is counted with the
//! `prometheus` crate's own types. What happens per request is counted by
//! *sharded* families: each worker has its own cells, which nobody else writes,
//! and a scrape adds them up. Counting is then a load and a store on the
//! worker's own core.
//!
//! A family has at most as many series as it is told, whatever its callers
//! do: what comes later is counted under labels that all say `other`.

mod build;
mod counter;
mod family;
mod gauge;
mod histogram;
mod process;

pub use counter::{Counter, ShardedCounterVec};
pub use family::About;
pub use gauge::{Gauge, Held, ShardedGaugeVec};
pub use histogram::{Histogram, SECONDS, ShardedHistogramVec};

use crate::time::Clock;
use prometheus::Registry;
use prometheus::TextEncoder;
use std::sync::Arc;

/// The registry, and what stands in it from the start.
#[derive(Clone, Debug)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// The media type of [`encode`](Self::encode)'s text.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// A registry with `portreeve_build_info` and the process's own metrics.
    ///
    /// # Errors
    ///
    /// Only if the metrics contradict each other.
    pub fn new(clock: &Arc<dyn Clock>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        build::register(&registry)?;
        process::register(&registry, Arc::clone(clock))?;
        Ok(Self { registry })
    }

    /// Where modules register what they count.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything as it is now, in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    ///
    /// Only if a module registered what is no metric.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::Exposition;
    use crate::time::Clock;
    use std::sync::Arc;
    use std::time::Duration;
    use std::time::SystemTime;

    #[derive(Debug)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_014_400)
        }
    }

    #[test]
    fn says_which_program_runs_and_since_when() {
        let clock: Arc<dyn Clock> = Arc::new(Noon);
        let text = Exposition::new(&clock).unwrap().encode().unwrap();
        let build = concat!(
            "# HELP portreeve_build_info The program's version. Always 1.\n",
            "# TYPE portreeve_build_info gauge\n",
            "portreeve_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1\n",
        );
        assert!(text.starts_with(build), "{text}");
        assert!(
            text.contains("\nprocess_start_time_seconds 1800014400\n"),
            "{text}"
        );
        assert_eq!(text.matches("# TYPE process_").count(), 6, "{text}");
    }
}
