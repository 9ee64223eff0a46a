//! What an operator may see of our identity.

use std::time::SystemTime;

use prometheus::Gauge;
use prometheus::IntCounter;
use prometheus::IntGauge;
use prometheus::Registry;

use crate::identity::svid::Identity;

/// Numbers about our identity and its renewal.
#[derive(Clone, Debug)]
pub struct Metrics {
    expiry: Gauge,
    generation: IntGauge,
    pub(super) renewals: IntCounter,
    pub(super) failures: IntCounter,
}

impl Metrics {
    /// Makes the numbers and enters them in `registry`.
    ///
    /// # Errors
    ///
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            expiry: Gauge::new(
                "portreeve_identity_svid_expiry_timestamp_seconds",
                "When our certificate expires, in seconds since 1970.",
            )?,
            generation: IntGauge::new(
                "portreeve_identity_generation",
                "How many times our identity has been replaced.",
            )?,
            renewals: IntCounter::new(
                "portreeve_identity_renewals_total",
                "Identities that were fetched and put in force.",
            )?,
            failures: IntCounter::new(
                "portreeve_identity_renewal_failures_total",
                "Attempts to fetch an identity that failed; the one in force stayed.",
            )?,
        };
        registry.register(Box::new(metrics.expiry.clone()))?;
        registry.register(Box::new(metrics.generation.clone()))?;
        registry.register(Box::new(metrics.renewals.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        Ok(metrics)
    }

    pub(super) fn show(&self, identity: &Identity) {
        let expiry = identity
            .svid()
            .not_after()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.expiry.set(expiry.as_secs_f64());
        self.generation
            .set(i64::try_from(identity.generation()).unwrap_or(i64::MAX));
    }
}
