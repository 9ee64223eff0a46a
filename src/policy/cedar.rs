//! Policies whose conditions Cedar evaluates.

use std::collections::BTreeMap;

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Request;

use crate::policy::candidates::Said;
use crate::policy::context::Plan;
use crate::policy::context::Unbuilt;
use crate::policy::decision::PolicyName;
use crate::policy::memory::Met;
use crate::policy::mention::Mentions;
use crate::policy::question::Question;
use crate::policy::set::Condition;
use crate::policy::set::Policy;
use crate::policy::set::Rule;
use crate::policy::words::Verb;

/// Some policies, with their scope taken off.
#[derive(Debug)]
pub(super) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    names: BTreeMap<PolicyId, (PolicyName, Effect)>,
    /// The context that they read.
    plan: Plan,
    /// Whether they read attributes or groups of caller and resource.
    entities: bool,
    /// For policies that read none.
    no_entities: Entities,
}

impl Cedar {
    /// Nothing if Cedar refuses one.
    pub(super) fn new(policy: &Policy, rules: &[(&Rule, &Condition)]) -> Option<Self> {
        let mut names = BTreeMap::new();
        let mut mentions = Mentions::default();
        let mut policies = Vec::with_capacity(rules.len());
        for (rule, condition) in rules {
            let policy = cedar_policy::Policy::from_pst(condition.policy.clone()).ok()?;
            names.insert(policy.id().clone(), (rule.name.apart(), rule.effect));
            mentions.merge(&condition.mentions);
            policies.push(policy);
        }
        Some(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_policies(policies).ok()?,
            names,
            plan: Plan::new(&mentions, policy),
            entities: mentions.entities(),
            no_entities: Entities::empty(),
        })
    }

    pub(super) const fn wants_entities(&self) -> bool {
        self.entities
    }

    /// Adds to `said` which of them apply, and which failed.
    pub(super) fn ask(
        &self,
        met: &Met<'_>,
        question: &Question<'_>,
        verb: Verb,
        said: &mut Said,
    ) -> Result<(), Unbuilt> {
        let context = self.plan.build(question, &met.resource.captures, verb)?;
        let request = Request::new(
            met.caller.uid.clone(),
            met.action(verb).clone(),
            met.resource.uid.clone(),
            context,
            None,
        );
        let request = request.or(Err(Unbuilt::Inexpressible))?;
        let entities = met.entities.as_deref().unwrap_or(&self.no_entities);
        let response = self
            .authorizer
            .is_authorized(&request, &self.policies, entities);
        let found = response.diagnostics();
        for AuthorizationError::PolicyEvaluationError(error) in found.errors() {
            // One that is not known failed all the same.
            let Some((name, _)) = self.names.get(error.policy_id()) else {
                return Err(Unbuilt::Inexpressible);
            };
            said.failed.push(name.clone());
        }
        // Permits are not told where a forbid applies, and would change nothing.
        for (name, effect) in found.reason().filter_map(|id| self.names.get(id)) {
            said.add(*effect, name);
        }
        Ok(())
    }
}
