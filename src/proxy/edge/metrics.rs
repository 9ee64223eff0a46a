//! What the office counts.

use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;

/// The metrics of people's sessions. Clones count together.
#[derive(Clone, Debug)]
pub struct EdgeMetrics {
    refreshes: IntCounterVec,
    sessions: IntGauge,
    sign_ins: IntCounterVec,
}

impl EdgeMetrics {
    /// Makes them, in `registry`.
    ///
    /// # Errors
    ///
    /// If a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name, help, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let sessions = IntGauge::new(
            "portreeve_sessions",
            "Sessions of people that are in force.",
        )?;
        registry.register(Box::new(sessions.clone()))?;
        Ok(Self {
            refreshes: counters(
                "portreeve_session_refreshes_total",
                "Times that a provider was asked again about somebody, by what became of it.",
                &["provider", "result"],
            )?,
            sessions,
            sign_ins: counters(
                "portreeve_sign_ins_total",
                "Ends of sign-ins, by what became of them.",
                &["provider", "result"],
            )?,
        })
    }

    /// A provider was asked again.
    pub(super) fn refreshed(&self, provider: &str, result: &str) {
        self.refreshes.with_label_values(&[provider, result]).inc();
    }

    /// Somebody came back from a provider.
    pub(super) fn signed_in(&self, provider: &str, result: &str) {
        self.sign_ins.with_label_values(&[provider, result]).inc();
    }

    /// So many are in force.
    pub(super) fn in_force(&self, sessions: usize) {
        self.sessions
            .set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }
}
