//! What an operator sees of the policy set in force.

use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;

use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;
use crate::policy::set::Policy;

/// Counts loads, and shows which set decides.
#[derive(Clone, Debug)]
pub struct Metrics {
    loads: IntCounterVec,
    mistake: IntGaugeVec,
    policies: IntGauge,
    revision: IntGaugeVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    ///
    /// If `registry` has metrics of these names already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let loads = IntCounterVec::new(
            Opts::new(
                "portreeve_policy_loads_total",
                "Policy sets read, by whether they took effect",
            ),
            &["outcome"],
        )?;
        let policies = IntGauge::new(
            "portreeve_policy_policies",
            "Policies in the set that decides",
        )?;
        let revision = IntGaugeVec::new(
            Opts::new(
                "portreeve_policy_revision",
                "1 for the revision of the set that decides",
            ),
            &["revision"],
        )?;
        let mistake = IntGaugeVec::new(
            Opts::new(
                "portreeve_policy_mistake",
                "1 for the place of the first mistake of the set that is refused",
            ),
            &["file", "line", "column"],
        )?;
        registry.register(Box::new(loads.clone()))?;
        registry.register(Box::new(mistake.clone()))?;
        registry.register(Box::new(policies.clone()))?;
        registry.register(Box::new(revision.clone()))?;
        for outcome in ["loaded", "refused"] {
            loads.with_label_values(&[outcome]).reset();
        }
        Ok(Self {
            loads,
            mistake,
            policies,
            revision,
        })
    }

    /// `policy` was put in force.
    pub fn loaded(&self, policy: &Policy) {
        self.loads.with_label_values(&["loaded"]).inc();
        self.content();
        let count = i64::try_from(policy.names().len()).unwrap_or(i64::MAX);
        self.policies.set(count);
        // One label value at a time, however often the set changes.
        self.revision.reset();
        let revision = policy.revision().as_str();
        self.revision.with_label_values(&[revision]).set(1);
    }

    /// Nothing is refused.
    pub fn content(&self) {
        self.mistake.reset();
    }

    /// A set was refused for these mistakes, and the one in force stays.
    pub fn refused(&self, mistakes: &[Mistake]) {
        self.loads.with_label_values(&["refused"]).inc();
        // One place at a time, however many mistakes there are.
        self.mistake.reset();
        let mut errors = mistakes.iter();
        if let Some(first) = errors.find(|one| one.severity == Severity::Error) {
            let (line, column) = (first.line.to_string(), first.column.to_string());
            let place = [first.file.as_str(), &line, &column];
            self.mistake.with_label_values(&place).set(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::settings::Settings;

    #[test]
    fn only_the_set_in_force_has_a_revision() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let text = "@id(\"a\") permit(principal, action, resource);";
        let one = Policy::parse(&[("a.cedar", text)], &Settings::default());
        let none = Policy::parse(&[], &Settings::default());
        metrics.loaded(&one.unwrap().0);
        let text = "@id(\"a\") permit(principal, action,";
        let broken = Policy::parse(&[("b.cedar", text)], &Settings::default());
        let mistakes = broken.unwrap_err();
        metrics.refused(&mistakes);
        let column = mistakes[0].column.to_string();
        let place = ["b.cedar", "1", column.as_str()];
        assert_eq!(metrics.mistake.with_label_values(&place).get(), 1);
        metrics.refused(&[]);
        assert_eq!(metrics.mistake.with_label_values(&place).get(), 0);
        metrics.mistake.with_label_values(&place).set(1);
        assert_eq!(metrics.policies.get(), 1);
        metrics.loaded(&none.unwrap().0);
        assert_eq!(metrics.policies.get(), 0);
        assert_eq!(metrics.loads.with_label_values(&["loaded"]).get(), 2);
        assert_eq!(metrics.loads.with_label_values(&["refused"]).get(), 2);
        let shown = registry.gather();
        let revisions = shown
            .iter()
            .find(|family| family.name() == "portreeve_policy_revision");
        let named = |name: &str| shown.iter().any(|family| family.name() == name);
        assert!(!named("portreeve_policy_mistake"));
        assert_eq!(revisions.map(|family| family.get_metric().len()), Some(1));
    }
}
