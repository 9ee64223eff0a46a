//! What is counted of questions that are put again.

use std::cell::RefCell;

use prometheus::Registry;

use crate::metrics::About;
use crate::metrics::Counter;
use crate::metrics::ShardedCounterVec;
use crate::proxy::live::terms::Cause;

/// The metrics, of all workers together. Cloning is cheap.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct LiveMetrics {
    decided: ShardedCounterVec<2>,
    withdrawn: ShardedCounterVec<1>,
}

impl LiveMetrics {
    pub(in crate::proxy) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            decided: ShardedCounterVec::register(registry, DECIDED)?,
            withdrawn: ShardedCounterVec::register(registry, WITHDRAWN)?,
        })
    }

    /// The calling worker's part of them.
    pub(in crate::proxy) fn worker(&self) -> LiveMeters {
        let decided = |cause| ["permit", "deny"].map(|said| self.decided.counter([cause, said]));
        LiveMeters {
            policy: decided("policy"),
            session: decided("session"),
            time: decided("time"),
            withdrawn: RefCell::new(
                REASONS
                    .map(|reason| (reason, self.withdrawn.counter([reason])))
                    .into(),
            ),
            families: self.clone(),
        }
    }
}

/// One worker's counters.
#[derive(Debug)]
pub struct LiveMeters {
    policy: [Counter; 2],
    session: [Counter; 2],
    time: [Counter; 2],
    /// Looked up once for each reason.
    withdrawn: RefCell<Vec<(&'static str, Counter)>>,
    families: LiveMetrics,
}

impl LiveMeters {
    /// Counts an answer: yes, or the reason of a no.
    pub(in crate::proxy) fn decided(&self, cause: Cause, denied: Option<&'static str>) {
        let [permit, deny] = match cause {
            Cause::Policy => &self.policy,
            Cause::Session => &self.session,
            Cause::Time => &self.time,
        };
        let Some(denied) = denied else {
            return permit.inc();
        };
        deny.inc();
        let mut withdrawn = self.withdrawn.borrow_mut();
        if let Some((_, counter)) = withdrawn.iter().find(|(known, _)| *known == denied) {
            return counter.inc();
        }
        let counter = self.families.withdrawn.counter([denied]);
        counter.inc();
        withdrawn.push((denied, counter));
    }
}

/// The usual words of [`DenialReason`](crate::policy::DenialReason), which are shown before they occur.
const REASONS: [&str; 3] = ["evaluation_error", "forbidden", "no_permit"];

const DECIDED: About<2> = About {
    name: "portreeve_redecisions_total",
    help: "Decisions about what was in flight, by what made them necessary.",
    labels: ["cause", "decision"],
    most_series: 6,
};

const WITHDRAWN: About<1> = About {
    name: "portreeve_permits_withdrawn_total",
    help: "Requests and connections that were cut because the policy says no now.",
    labels: ["reason"],
    most_series: 20,
};
