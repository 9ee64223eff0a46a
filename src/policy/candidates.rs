//! The policies whose scope a request is in, and what they answer together.
//!
//! Where none of them asks for more than its scope the answer is a constant.
//! Conditions are asked as formulas, and those that have no such form by
//! Cedar's own authorizer, with their scope taken off: the index has checked
//! it. All results are put together by Cedar's rule, so that decision, reasons
//! and errors are those of plain Cedar over the whole set.

use std::cell::RefCell;
use std::sync::Arc;

use cedar_policy::Effect;

use crate::policy::cedar::Cedar;
use crate::policy::context::Plan;
use crate::policy::context::Unbuilt;
use crate::policy::decision::DenialReason;
use crate::policy::decision::PolicyName;
use crate::policy::formula::Facts;
use crate::policy::formula::Failed;
use crate::policy::formula::Formula;
use crate::policy::formula::MOST_CLOCKS;
use crate::policy::formula::MOST_HEADERS;
use crate::policy::formula::Names;
use crate::policy::memory::Met;
use crate::policy::mention::Mentions;
use crate::policy::question::Question;
use crate::policy::set::Policy;
use crate::policy::set::Rule;
use crate::policy::timing::Timing;
use crate::policy::words::Verb;

/// Some policies, ready to be asked.
#[derive(Debug)]
pub(super) struct Candidates {
    /// The forbids and permits without conditions, sorted by name.
    forbids: Arc<[PolicyName]>,
    permits: Arc<[PolicyName]>,
    /// What these answer alone.
    constant: Answer,
    conditional: Option<Conditional>,
    /// Those that are watched and not enforced.
    shadows: Option<Box<Self>>,
}

/// Those of them that ask for more than their scope.
#[derive(Debug)]
struct Conditional {
    formulas: Vec<Formulated>,
    /// Those without a formula, if any.
    rest: Option<Cedar>,
    /// What all of them read.
    plan: Plan,
    /// What was answered where these formulas held, each with its bit, and no
    /// others: the same few answers come again and again.
    known: RefCell<Vec<(u64, Answer)>>,
}

#[derive(Debug)]
struct Formulated {
    name: PolicyName,
    effect: Effect,
    formula: Formula,
}

/// What they answer, with the policies that decided.
pub(super) type Answer = (Result<(), DenialReason>, Arc<[PolicyName]>);

/// The policies that apply or failed, besides those without conditions.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) failed: Vec<PolicyName>,
    pub(super) forbids: Vec<PolicyName>,
    pub(super) permits: Vec<PolicyName>,
}

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
        let constant = |effect: Effect| {
            let those = rules.iter().filter(|rule| rule.condition.is_none());
            let those = those.filter(|rule| rule.effect == effect);
            sorted(those.map(|rule| rule.name.apart()).collect())
        };
        let conditional = if rules.iter().all(|rule| rule.condition.is_none()) {
            None
        } else {
            Some(Conditional::new(policy, rules)?)
        };
        let (forbids, permits) = (constant(Effect::Forbid), constant(Effect::Permit));
        Some(Self {
            constant: combine(&forbids, &permits, &Said::default()),
            forbids,
            permits,
            conditional,
            shadows: None,
        })
    }

    /// When the clock may change the answer to `question`.
    pub(super) fn timing(&self, question: &Question<'_>) -> Timing {
        let conditional = self.conditional.as_ref();
        conditional.map_or(Timing::Never, |conditional| {
            conditional.plan.timing(question)
        })
    }

    /// Whether any that is enforced reads when a person has signed in.
    pub(super) fn read_sign_in(&self) -> bool {
        let conditional = self.conditional.as_ref();
        conditional.is_some_and(|conditional| conditional.plan.sign_in)
    }

    /// Those that are watched and not enforced, if there are any.
    pub(super) fn shadows(&self) -> Option<&Self> {
        self.shadows.as_deref()
    }

    /// Whether Cedar is to ask any of them about caller and resource.
    pub(super) fn want_entities(&self) -> bool {
        let wants = |of: &Self| {
            let rest = of.conditional.as_ref().and_then(|c| c.rest.as_ref());
            rest.is_some_and(Cedar::wants_entities)
        };
        wants(self) || self.shadows().is_some_and(wants)
    }

    /// The answer to a request.
    pub(super) fn answer(
        &self,
        met: &Met<'_>,
        question: &Question<'_>,
        verb: Verb,
    ) -> Result<Answer, Unbuilt> {
        let Some(conditional) = &self.conditional else {
            return Ok(self.constant.clone());
        };
        let who = (&*met.caller, &*met.resource);
        let facts = Facts::new((question, verb), who, &conditional.plan)?;
        let mut said = Said::default();
        let held = conditional.hold(&facts, &mut said);
        let answer = |mut said| {
            conditional.name(held, &mut said);
            combine(&self.forbids, &self.permits, &said)
        };
        if let Some(rest) = &conditional.rest {
            rest.ask(met, question, verb, &mut said)?;
        } else if said.is_empty() {
            return Ok(conditional.known(held, || answer(said)));
        }
        Ok(answer(said))
    }
}

impl Conditional {
    fn new(policy: &Policy, rules: &[&Rule]) -> Option<Self> {
        let mut mentions = Mentions::default();
        for condition in rules.iter().filter_map(|rule| rule.condition.as_ref()) {
            mentions.merge(&condition.mentions);
        }
        let plan = Plan::new(&mentions, policy);
        let names = Names {
            headers: plan.headers(),
            zones: plan.zones(),
            claims: &policy.claims,
            signals: &policy.signal_types,
        };
        let is_readable = names.headers.len() <= MOST_HEADERS && names.zones.len() <= MOST_CLOCKS;
        let (mut formulas, mut rest) = (Vec::new(), Vec::new());
        for &rule in rules {
            let Some(condition) = &rule.condition else {
                continue;
            };
            let clauses = condition.policy.body().clauses();
            match Formula::of(clauses, names).filter(|_| is_readable) {
                Some(formula) => formulas.push(Formulated {
                    name: rule.name.apart(),
                    effect: rule.effect,
                    formula,
                }),
                None => rest.push((rule, condition)),
            }
        }
        Some(Self {
            formulas,
            rest: match &rest[..] {
                [] => None,
                some => Some(Cedar::new(policy, some)?),
            },
            plan,
            known: RefCell::default(),
        })
    }

    /// Which formulas hold, each with its bit. Those that have none, and those
    /// that failed, are named.
    fn hold(&self, facts: &Facts<'_>, said: &mut Said) -> u64 {
        let mut held = 0;
        for (number, of) in (0_u32..).zip(&self.formulas) {
            match of.formula.holds(facts) {
                Err(Failed) => said.failed.push(of.name.clone()),
                Ok(false) => {}
                Ok(true) => match 1_u64.checked_shl(number) {
                    Some(bit) => held |= bit,
                    None => said.add(of.effect, &of.name),
                },
            }
        }
        held
    }

    /// Names the formulas of these bits.
    fn name(&self, held: u64, said: &mut Said) {
        for (number, of) in (0_u32..u64::BITS).zip(&self.formulas) {
            if held >> number & 1 == 1 {
                said.add(of.effect, &of.name);
            }
        }
    }

    fn known(&self, held: u64, make: impl FnOnce() -> Answer) -> Answer {
        let mut known = self.known.borrow_mut();
        if let Some((_, answer)) = known.iter().find(|(of, _)| *of == held) {
            return answer.clone();
        }
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        let answer = make();
        known.push((held, answer.clone()));
        answer
    }
}

impl Said {
    const fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.forbids.is_empty() && self.permits.is_empty()
    }

    pub(super) fn add(&mut self, effect: Effect, name: &PolicyName) {
        match effect {
            Effect::Forbid => self.forbids.push(name.clone()),
            Effect::Permit => self.permits.push(name.clone()),
        }
    }
}

/// What those without conditions answer with the others: a failure is a no, a
/// forbid beats every permit, and no permit is a no.
fn combine(forbids: &Arc<[PolicyName]>, permits: &Arc<[PolicyName]>, said: &Said) -> Answer {
    if !said.failed.is_empty() {
        let failed = sorted(said.failed.clone());
        return (Err(DenialReason::EvaluationError), failed);
    }
    let forbids = joined(forbids, &said.forbids);
    if !forbids.is_empty() {
        return (Err(DenialReason::Forbidden), forbids);
    }
    let permits = joined(permits, &said.permits);
    if permits.is_empty() {
        (Err(DenialReason::NoPermit), permits)
    } else {
        (Ok(()), permits)
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

/// More than the answers that most sidecars give, and few enough to look through.
const MOST_KNOWN: usize = 8;
