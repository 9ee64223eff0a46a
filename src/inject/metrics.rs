//! What an injector counts.

use std::time::SystemTime;

use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;

use crate::time::seconds;

/// The injector's metrics. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    certificate_ends: IntGauge,
    handshakes: IntCounterVec,
    reviews: IntCounterVec,
}

impl Metrics {
    /// Makes them, in `registry`.
    ///
    /// # Errors
    ///
    /// If one of that name is there already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            certificate_ends: IntGauge::new(
                "portreeve_injector_certificate_expiry_timestamp_seconds",
                "When the certificate that API servers are shown ends, in seconds since 1970.",
            )?,
            handshakes: counters(
                "portreeve_injector_handshakes_total",
                "TLS handshakes with the injector.",
            )?,
            reviews: counters(
                "portreeve_injector_reviews_total",
                "What was asked of the injector, by what became of it.",
            )?,
        };
        registry.register(Box::new(metrics.certificate_ends.clone()))?;
        registry.register(Box::new(metrics.handshakes.clone()))?;
        registry.register(Box::new(metrics.reviews.clone()))?;
        Ok(metrics)
    }

    /// Shows when the certificate ends.
    pub(super) fn certificate(&self, ends_at: SystemTime) {
        let ends = i64::try_from(seconds(ends_at)).unwrap_or(i64::MAX);
        self.certificate_ends.set(ends);
    }

    /// Counts a handshake.
    pub(super) fn handshake(&self, result: &str) {
        self.handshakes.with_label_values(&[result]).inc();
    }

    /// Counts an answer, or why there is none.
    pub(super) fn review(&self, result: &str) {
        self.reviews.with_label_values(&[result]).inc();
    }
}

fn counters(name: &str, help: &str) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), &["result"])
}
