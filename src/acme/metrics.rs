//! What is counted of certificates from a CA.

use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;

/// The metrics of hosts' certificates. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    expiry: IntGaugeVec,
    orders: IntCounterVec,
}

impl Metrics {
    /// Makes them, in `registry`.
    ///
    /// # Errors
    ///
    /// If a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let expiry = IntGaugeVec::new(
            Opts::new(
                "portreeve_edge_certificate_expiry_timestamp_seconds",
                "When a host's certificate expires, in seconds since 1970; nothing while there is none.",
            ),
            &["host"],
        )?;
        let orders = IntCounterVec::new(
            Opts::new(
                "portreeve_acme_orders_total",
                "Certificates that were ordered here, by what became of that.",
            ),
            &["host", "result"],
        )?;
        registry.register(Box::new(expiry.clone()))?;
        registry.register(Box::new(orders.clone()))?;
        Ok(Self { expiry, orders })
    }

    /// The certificate of `host` that is shown now ends at `ends`.
    pub(super) fn shown(&self, host: &str, ends: u64) {
        let ends = i64::try_from(ends).unwrap_or(i64::MAX);
        self.expiry.with_label_values(&[host]).set(ends);
    }

    /// An order for `host` has ended.
    pub(super) fn ordered(&self, host: &str, result: &str) {
        self.orders.with_label_values(&[host, result]).inc();
    }
}
