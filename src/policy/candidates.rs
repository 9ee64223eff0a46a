//! The policies whose scope a request is in, and what they answer together.
//!
//! Where none of them asks for more than its scope the answer is a constant.
//! The others are given to Cedar's own authorizer, with their scope taken off:
//! the index has checked it. Both results are put together by Cedar's rule, so
//! that decision, reasons and errors are those of plain Cedar over the whole
//! set.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Request;

use crate::policy::context::Plan;
use crate::policy::decision::DenialReason;
use crate::policy::decision::PolicyName;
use crate::policy::mention::Mentions;
use crate::policy::set::Policy;
use crate::policy::set::Rule;
use crate::policy::timing::Timing;

/// Some policies, ready to be asked.
#[derive(Debug)]
pub(super) struct Candidates {
    /// The forbids and permits without conditions, sorted by name.
    forbids: Arc<[PolicyName]>,
    permits: Arc<[PolicyName]>,
    conditional: Option<Conditional>,
    /// Those that are watched and not enforced.
    shadows: Option<Box<Self>>,
}

/// Those of them that ask for more than their scope.
#[derive(Debug)]
pub(super) struct Conditional {
    policies: PolicySet,
    names: BTreeMap<PolicyId, PolicyName>,
    /// The context that they read.
    pub(super) plan: Plan,
    /// Whether they read attributes or groups of caller and resource.
    entities: bool,
}

/// What they answer, with the policies that decided.
pub(super) type Answer = (Result<(), DenialReason>, Arc<[PolicyName]>);

impl Candidates {
    /// Those of `policy`'s rules that have these numbers, in its order; the
    /// shadows among them apart.
    ///
    /// Each is copied, not shared: Cedar counts references while it evaluates,
    /// and worker threads must not do that in the same place.
    ///
    /// Nothing if Cedar refuses one, which a set that loaded does not bring about.
    pub(super) fn new(policy: &Policy, numbers: &[u32]) -> Option<Self> {
        let numbers = numbers.iter().filter_map(|&n| usize::try_from(n).ok());
        let rules = numbers.filter_map(|number| policy.rules.get(number));
        let (shadows, enforced): (Vec<_>, Vec<_>) = rules.partition(|rule| rule.is_shadow);
        let shadows = match &shadows[..] {
            [] => None,
            some => Some(Box::new(Self::of(policy, some)?)),
        };
        Some(Self {
            shadows,
            ..Self::of(policy, &enforced)?
        })
    }

    fn of(policy: &Policy, rules: &[&Rule]) -> Option<Self> {
        let (mut forbids, mut permits) = (Vec::new(), Vec::new());
        let mut conditions = Vec::new();
        let mut names = BTreeMap::new();
        let mut mentions = Mentions::default();
        for rule in rules {
            match (&rule.condition, rule.effect) {
                (None, Effect::Forbid) => forbids.push(rule.name.apart()),
                (None, Effect::Permit) => permits.push(rule.name.apart()),
                (Some(condition), _) => {
                    let policy = cedar_policy::Policy::from_pst(condition.policy.clone()).ok()?;
                    names.insert(policy.id().clone(), rule.name.apart());
                    mentions.merge(&condition.mentions);
                    conditions.push(policy);
                }
            }
        }
        let conditional = if conditions.is_empty() {
            None
        } else {
            Some(Conditional {
                policies: PolicySet::from_policies(conditions).ok()?,
                names,
                plan: Plan::new(&mentions, policy),
                entities: mentions.entities,
            })
        };
        Some(Self {
            forbids: sorted(forbids),
            permits: sorted(permits),
            conditional,
            shadows: None,
        })
    }

    /// The part that must be asked with a request.
    pub(super) const fn conditional(&self) -> Option<&Conditional> {
        self.conditional.as_ref()
    }

    /// How often the clock may change the answer.
    pub(super) fn timing(&self) -> Timing {
        self.conditional
            .as_ref()
            .map_or(Timing::Never, |conditional| conditional.plan.timing)
    }

    /// Those that are watched and not enforced, if there are any.
    pub(super) fn shadows(&self) -> Option<&Self> {
        self.shadows.as_deref()
    }

    /// Whether any of them reads attributes or groups of caller and resource.
    pub(super) fn want_entities(&self) -> bool {
        let wants = |of: &Self| of.conditional.as_ref().is_some_and(|c| c.entities);
        wants(self) || self.shadows().is_some_and(wants)
    }

    /// The answer where nothing is conditional.
    pub(super) fn constant(&self) -> Answer {
        self.combine(None, &[])
    }

    /// The answer to a request.
    pub(super) fn ask(
        &self,
        conditional: &Conditional,
        authorizer: &Authorizer,
        request: &Request,
        entities: &Entities,
    ) -> Answer {
        let response = authorizer.is_authorized(request, &conditional.policies, entities);
        let found = response.diagnostics();
        let failed: Vec<PolicyName> = found
            .errors()
            .filter_map(|error| {
                let AuthorizationError::PolicyEvaluationError(error) = error;
                conditional.names.get(error.policy_id()).cloned()
            })
            .collect();
        if found.errors().next().is_some() {
            return (Err(DenialReason::EvaluationError), sorted(failed));
        }
        let reasons: Vec<PolicyName> = found
            .reason()
            .filter_map(|id| conditional.names.get(id).cloned())
            .collect();
        // A denial with reasons is one by forbids; with none, nothing applies.
        let effect = match response.decision() {
            Decision::Allow => Some(Effect::Permit),
            Decision::Deny if reasons.is_empty() => None,
            Decision::Deny => Some(Effect::Forbid),
        };
        self.combine(effect, &reasons)
    }

    /// A forbid beats every permit, and no permit is a no.
    fn combine(&self, effect: Option<Effect>, reasons: &[PolicyName]) -> Answer {
        let of = |wanted| if effect == Some(wanted) { reasons } else { &[] };
        let forbids = joined(&self.forbids, of(Effect::Forbid));
        if !forbids.is_empty() {
            return (Err(DenialReason::Forbidden), forbids);
        }
        let permits = joined(&self.permits, of(Effect::Permit));
        if permits.is_empty() {
            (Err(DenialReason::NoPermit), permits)
        } else {
            (Ok(()), permits)
        }
    }
}

/// Shares the constant names where there are no others: no allocation.
fn joined(constant: &Arc<[PolicyName]>, others: &[PolicyName]) -> Arc<[PolicyName]> {
    if others.is_empty() {
        return Arc::clone(constant);
    }
    sorted(constant.iter().chain(others).cloned().collect())
}

fn sorted(mut names: Vec<PolicyName>) -> Arc<[PolicyName]> {
    names.sort_unstable();
    names.into()
}
