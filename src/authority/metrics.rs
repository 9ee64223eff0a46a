//! What an authority counts.

use std::time::SystemTime;

use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;

/// The authority's metrics. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    issued: IntCounterVec,
    bundle_fetches: IntCounterVec,
    bundle_requests: IntCounterVec,
    foreign_bundles: IntGaugeVec,
    handshakes: IntCounterVec,
    minted: IntCounterVec,
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
        let metrics = Self::new()?;
        metrics.enter(registry)?;
        Ok(metrics)
    }

    fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            issued: counters(
                "portreeve_authority_svid_requests_total",
                "Requests for certificates, by proof and by what became of them.",
                &["proof", "result"],
            )?,
            bundle_fetches: counters(
                "portreeve_authority_bundle_fetches_total",
                "Times that another trust domain was asked for its bundle.",
                &["trust_domain", "result"],
            )?,
            bundle_requests: counters(
                "portreeve_authority_bundle_requests_total",
                "Times that we were asked for our bundle.",
                &["result"],
            )?,
            foreign_bundles: gauges(
                "portreeve_authority_foreign_bundle_timestamp_seconds",
                "When another trust domain last told us its bundle, in seconds since 1970.",
                &["trust_domain"],
            )?,
            handshakes: counters(
                "portreeve_authority_handshakes_total",
                "TLS handshakes with the authority.",
                &["result"],
            )?,
            minted: counters(
                "portreeve_authority_jwt_svid_requests_total",
                "Requests for tokens, by proof and by what became of them.",
                &["proof", "result"],
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
        })
    }

    fn enter(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        for counter in [
            &self.issued,
            &self.handshakes,
            &self.minted,
            &self.bundle_fetches,
            &self.bundle_requests,
        ] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(self.foreign_bundles.clone()))?;
        for gauge in [
            &self.entries,
            &self.policy_version,
            &self.revocations,
            &self.followers,
            &self.root_ends,
        ] {
            registry.register(Box::new(gauge.clone()))?;
        }
        for counter in [&self.entry_failures, &self.policy_failures] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(())
    }

    /// Counts an answer; no `refusal` means a certificate. Both words are from
    /// short lists of our own.
    pub(super) fn issued(&self, proof: &str, refusal: Option<&str>) {
        let result = refusal.unwrap_or("issued");
        self.issued.with_label_values(&[proof, result]).inc();
    }

    /// Counts an answer to a request for a token; no `refusal` means a token.
    pub(super) fn minted(&self, proof: &str, refusal: Option<&str>) {
        let result = refusal.unwrap_or("issued");
        self.minted.with_label_values(&[proof, result]).inc();
    }

    /// Counts an attempt to fetch the bundle of `trust_domain`.
    pub(super) fn bundle_fetch(&self, trust_domain: &str, result: &str) {
        self.bundle_fetches
            .with_label_values(&[trust_domain, result])
            .inc();
    }

    /// Counts an answer to whoever asks for our bundle.
    pub(super) fn bundle_request(&self, result: &str) {
        self.bundle_requests.with_label_values(&[result]).inc();
    }

    /// Shows when the bundle of `trust_domain` was fetched.
    pub(super) fn foreign_bundle(&self, trust_domain: &str, fetched_at: SystemTime) {
        let since = fetched_at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.foreign_bundles
            .with_label_values(&[trust_domain])
            .set(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    }

    /// Counts a handshake.
    pub(super) fn handshake(&self, result: &str) {
        self.handshakes.with_label_values(&[result]).inc();
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}
