//! Why a request is permitted or denied, for people.
//!
//! The answer is the one that the proxy gives, by the same way. What stands
//! beside it is found by asking each policy alone, and each of its conditions
//! alone: which hold, which do not, and what they saw. That costs far more than
//! a decision, so it is for whoever writes policies and never for a request.

mod conditions;

use std::fmt;
use std::sync::Arc;

use cedar_policy::Entities;
use cedar_policy::Request;

use crate::policy::context::Plan;
use crate::policy::context::Unbuilt;
use crate::policy::decider;
use crate::policy::decider::Decider;
use crate::policy::decision::Denial;
use crate::policy::decision::DenialReason;
use crate::policy::decision::Permit;
use crate::policy::decision::PolicyName;
use crate::policy::decision::Shadow;
use crate::policy::index::Miss;
use crate::policy::known;
use crate::policy::memory::Memory;
use crate::policy::memory::Met;
use crate::policy::principal;
use crate::policy::question::Connection;
use crate::policy::question::Question;
use crate::policy::set::Place;
use crate::policy::set::Policy;
use crate::policy::set::Rule;
use crate::policy::words::Verb;

/// An answer with everything that it rests on.
#[derive(Debug)]
pub struct Explanation {
    /// What a sidecar would say.
    pub answer: Verdict,
    /// What the request is about, the most specific first: routes as
    /// `<service>:<template>`. None: the service itself.
    pub routes: Vec<String>,
    /// What those routes capture.
    pub params: Vec<(String, String)>,
    /// The groups, namespaces and trust domains that the caller is in.
    pub caller_in: Vec<String>,
    /// Every policy whose scope the request is in, in the order of the files.
    pub policies: Vec<Finding>,
    /// The permits that miss it by one part of their scope, if nothing permits
    /// it and nothing forbids it.
    pub near: Vec<Near>,
}

/// The answer itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// None for a permit.
    pub denial: Option<DenialReason>,
    /// The policies that decided, sorted by name.
    pub policies: Vec<PolicyName>,
    /// The set that they are from.
    pub revision: String,
    /// What shadow policies say, if any of them applies.
    pub shadow: Option<Shadow>,
}

/// What one policy has to say.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its name.
    pub policy: PolicyName,
    /// Where it stands.
    pub place: Place,
    /// What it is for.
    pub effect: Effect,
    /// Whether it is watched and not enforced.
    pub is_shadow: bool,
    /// Whether it applies.
    pub outcome: Outcome,
    /// Its conditions, in the order in which they are asked. None: its scope
    /// is all it asks.
    pub conditions: Vec<Condition>,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It says no.
    Forbid,
    /// It says yes.
    Permit,
}

/// What asking for something has led to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It could not be evaluated.
    Fails {
        /// What Cedar says.
        why: String,
    },
    /// It is so.
    Holds,
    /// Something before it is not so, and without that it cannot be asked.
    NotReached,
    /// It is not so.
    Not,
}

/// One thing that a policy demands.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As in the policy, with its `when` or `unless`.
    pub text: String,
    /// Whether the policy's demand is met.
    pub outcome: Outcome,
    /// What it looks at.
    pub values: Vec<Value>,
}

/// Something that a condition looks at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Value {
    /// How the policy calls it.
    pub name: String,
    /// What it is here; none: it is absent.
    pub value: Option<String>,
}

/// A policy that misses the request by one part of its scope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Near {
    /// Its name.
    pub policy: PolicyName,
    /// Where it stands.
    pub place: Place,
    /// The part: `principal`, `action` or `resource`.
    pub part: &'static str,
    /// What the policy demands of it.
    pub demand: String,
}

impl Policy {
    /// What a decider says to `question`, and why.
    #[must_use]
    pub fn explain(self: &Arc<Self>, question: &Question<'_>) -> Explanation {
        explain(self, question, Verb::of(question.method))
    }

    /// What a decider says to `connection`, and why.
    #[must_use]
    pub fn explain_connection(self: &Arc<Self>, connection: &Connection<'_>) -> Explanation {
        decider::with_question(connection, |question| {
            explain(self, question, Verb::Connect)
        })
    }
}

impl Verdict {
    /// Whether the request may pass.
    #[must_use]
    pub const fn is_permit(&self) -> bool {
        self.denial.is_none()
    }

    fn of(decided: &Result<Permit, Denial>) -> Self {
        match decided {
            Ok(permit) => Self {
                denial: None,
                policies: permit.policies().to_vec(),
                revision: permit.revision().to_string(),
                shadow: permit.shadow().cloned(),
            },
            Err(denial) => Self {
                denial: Some(denial.reason().clone()),
                policies: denial.policies().to_vec(),
                revision: denial.revision().to_string(),
                shadow: denial.shadow().cloned(),
            },
        }
    }
}

impl Effect {
    /// Cedar's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbid => "forbid",
            Self::Permit => "permit",
        }
    }
}

impl From<cedar_policy::Effect> for Effect {
    fn from(effect: cedar_policy::Effect) -> Self {
        match effect {
            cedar_policy::Effect::Forbid => Self::Forbid,
            cedar_policy::Effect::Permit => Self::Permit,
        }
    }
}

impl Outcome {
    /// A word for it that will not change.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fails { .. } => "fails",
            Self::Holds => "holds",
            Self::Not => "not",
            Self::NotReached => "not_reached",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value}", self.name),
            None => write!(f, "{} is absent", self.name),
        }
    }
}

fn explain(policy: &Arc<Policy>, question: &Question<'_>, verb: Verb) -> Explanation {
    let decided = Decider::new().judge(policy, question, verb);
    let answer = Verdict::of(&decided);
    let mut memory = Memory::new(Arc::clone(policy));
    let met = memory
        .as_mut()
        .and_then(|memory| memory.meet(question, verb));
    let Some(met) = met else {
        return Explanation {
            answer,
            routes: Vec::new(),
            params: Vec::new(),
            caller_in: Vec::new(),
            policies: Vec::new(),
            near: Vec::new(),
        };
    };
    let is_unanswered = answer.denial == Some(DenialReason::NoPermit);
    Explanation {
        routes: met.resource.routes.clone(),
        params: params(&met, question),
        caller_in: principal::ancestors(question.caller, policy, met.words())
            .iter()
            .map(ToString::to_string)
            .collect(),
        policies: findings(policy, &met, question, verb),
        near: if is_unanswered {
            near(policy, &met, verb)
        } else {
            Vec::new()
        },
        answer,
    }
}

fn params(met: &Met<'_>, question: &Question<'_>) -> Vec<(String, String)> {
    let segment = |at: usize| question.path.split('/').nth(at + 1).unwrap_or_default();
    let captures = met.resource.captures.iter();
    captures
        .map(|(name, at)| (name.to_string(), segment(*at).to_owned()))
        .collect()
}

/// What each policy in question says, asked alone.
fn findings(policy: &Policy, met: &Met<'_>, question: &Question<'_>, verb: Verb) -> Vec<Finding> {
    let (caller, resource) = (&met.caller, &met.resource);
    let numbers = policy
        .index
        .candidates(&caller.profile, &resource.profile, verb);
    let entities = known::entities((question.caller, caller), resource, (policy, met.words()));
    let entities = entities.unwrap_or_else(Entities::empty);
    let rules = numbers.iter().filter_map(|&number| rule(policy, number));
    rules
        .map(|rule| {
            let (outcome, conditions) = match &rule.condition {
                None => (Outcome::Holds, Vec::new()),
                Some(condition) => {
                    let plan = Plan::new(&condition.mentions, policy);
                    match request(&plan, met, question, verb) {
                        Ok(request) => conditions::ask(&condition.policy, &request, &entities),
                        Err(why) => (Outcome::Fails { why }, Vec::new()),
                    }
                }
            };
            Finding {
                policy: rule.name.clone(),
                place: rule.place.clone(),
                effect: rule.effect.into(),
                is_shadow: rule.is_shadow,
                outcome,
                conditions,
            }
        })
        .collect()
}

fn request(
    plan: &Plan,
    met: &Met<'_>,
    question: &Question<'_>,
    verb: Verb,
) -> Result<Request, String> {
    let context = plan
        .build(question, &met.resource.captures, verb)
        .map_err(|why| match why {
            Unbuilt::Ambiguous(name) => {
                format!("the header `{name}` came more than once, or is not text")
            }
            Unbuilt::AmbiguousQuery => "the query has more than one reading".to_owned(),
            Unbuilt::Inexpressible => "Cedar has no form for the request".to_owned(),
        })?;
    let (caller, resource) = (met.caller.uid.clone(), met.resource.uid.clone());
    let request = Request::new(caller, met.action(verb).clone(), resource, context, None);
    request.map_err(|why| why.to_string())
}

fn near(policy: &Policy, met: &Met<'_>, verb: Verb) -> Vec<Near> {
    let (caller, resource) = (&met.caller.profile, &met.resource.profile);
    let found = policy.index.near(caller, resource, verb);
    let permits = found.into_iter().filter_map(|(number, miss)| {
        let rule = rule(policy, number)?;
        let is_yes = rule.effect == cedar_policy::Effect::Permit && !rule.is_shadow;
        is_yes.then_some((rule, miss))
    });
    permits
        .map(|(rule, miss)| {
            let (part, demand) = match miss {
                Miss::Action(demand) => ("action", demand),
                Miss::Principal(demand) => ("principal", demand),
                Miss::Resource(demand) => ("resource", demand),
            };
            Near {
                policy: rule.name.clone(),
                place: rule.place.clone(),
                part,
                demand,
            }
        })
        .collect()
}

fn rule(policy: &Policy, number: u32) -> Option<&Rule> {
    policy.rules.get(usize::try_from(number).ok()?)
}
