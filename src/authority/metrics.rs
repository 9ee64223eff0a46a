//! What an authority counts.

use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;

/// The authority's metrics. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    issued: IntCounterVec,
    handshakes: IntCounterVec,
    pub(super) entries: IntGauge,
    pub(super) entry_failures: IntCounter,
    pub(super) policy_failures: IntCounter,
    pub(super) policy_version: IntGauge,
    pub(super) revocations: IntGauge,
    pub(super) followers: IntGauge,
    pub(super) root_ends: IntGauge,
}

impl Metrics {
    /// Makes them, in `registry`.
    ///
    /// # Errors
    ///
    /// If one of that name is there already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            issued: IntCounterVec::new(
                Opts::new(
                    "portreeve_authority_svid_requests_total",
                    "Requests for certificates, by proof and by what became of them.",
                ),
                &["proof", "result"],
            )?,
            handshakes: IntCounterVec::new(
                Opts::new(
                    "portreeve_authority_handshakes_total",
                    "TLS handshakes with the authority.",
                ),
                &["result"],
            )?,
            entries: IntGauge::new(
                "portreeve_authority_entries",
                "Entries in force, from files and from the database.",
            )?,
            entry_failures: IntCounter::new(
                "portreeve_authority_entry_load_failures_total",
                "Times that the entries' files were refused.",
            )?,
            policy_failures: IntCounter::new(
                "portreeve_authority_policy_load_failures_total",
                "Times that the policies were refused.",
            )?,
            policy_version: IntGauge::new(
                "portreeve_authority_policy_version",
                "The policy set that sidecars are given; 0 for none.",
            )?,
            revocations: IntGauge::new(
                "portreeve_authority_revocations",
                "Workloads and certificates that are revoked.",
            )?,
            followers: IntGauge::new(
                "portreeve_authority_followers",
                "Workloads that follow what is true now.",
            )?,
            root_ends: IntGauge::new(
                "portreeve_authority_root_expiry_timestamp_seconds",
                "When the root that signs ends, in seconds since 1970.",
            )?,
        };
        registry.register(Box::new(metrics.issued.clone()))?;
        registry.register(Box::new(metrics.handshakes.clone()))?;
        for gauge in [
            &metrics.entries,
            &metrics.policy_version,
            &metrics.revocations,
            &metrics.followers,
            &metrics.root_ends,
        ] {
            registry.register(Box::new(gauge.clone()))?;
        }
        for counter in [&metrics.entry_failures, &metrics.policy_failures] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(metrics)
    }

    /// Counts an answer; no `refusal` means a certificate. Both words are from
    /// short lists of our own.
    pub(super) fn issued(&self, proof: &str, refusal: Option<&str>) {
        let result = refusal.unwrap_or("issued");
        self.issued.with_label_values(&[proof, result]).inc();
    }

    /// Counts a handshake.
    pub(super) fn handshake(&self, result: &str) {
        self.handshakes.with_label_values(&[result]).inc();
    }
}
