//! One decision per request, without asking every policy.
//!
//! A decider belongs to one worker thread and remembers what it met under the
//! policy set in force: callers, resources, and which policies concern whom.
//! All of it is bounded, and dropped when the set changes. Where the policies
//! in question ask for nothing but caller, route and method the answer is
//! remembered too, and deciding is a few look-ups without an allocation.

use std::sync::Arc;

use cedar_policy::Authorizer;
use cedar_policy::Entities;
use cedar_policy::Request;
use http::HeaderMap;
use http::Method;

use crate::policy::candidates::Answer;
use crate::policy::candidates::Candidates;
use crate::policy::context::Unbuilt;
use crate::policy::decision::Denial;
use crate::policy::decision::DenialReason;
use crate::policy::decision::Permit;
use crate::policy::decision::PolicyName;
use crate::policy::decision::Verdict;
use crate::policy::memory::Memory;
use crate::policy::memory::Met;
use crate::policy::question::Connection;
use crate::policy::question::Question;
use crate::policy::revision::Revision;
use crate::policy::set::Policy;
use crate::policy::shadow;
use crate::policy::words::Verb;

/// Decides for one worker thread.
#[derive(Debug)]
pub struct Decider {
    memory: Option<Memory>,
    evaluator: Evaluator,
}

/// What evaluating needs and no policy set changes.
#[derive(Debug)]
struct Evaluator {
    authorizer: Authorizer,
    /// For policies that read no entity.
    no_entities: Entities,
    no_names: Arc<[PolicyName]>,
}

impl Decider {
    /// One that has met nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            memory: None,
            evaluator: Evaluator {
                authorizer: Authorizer::new(),
                no_entities: Entities::empty(),
                no_names: Arc::new([]),
            },
        }
    }

    /// Whether the request may pass.
    ///
    /// `policy` is the set in force; a change of it is noticed by address.
    ///
    /// # Errors
    ///
    /// A [`Denial`] in every case but one: at least one `permit` applies, no
    /// `forbid` does, and no policy in question failed.
    pub fn decide(
        &mut self,
        policy: &Arc<Policy>,
        question: &Question<'_>,
    ) -> Result<Permit, Denial> {
        self.judge(policy, question, Verb::of(question.method))
    }

    /// Whether the connection may pass: the action `connect` on the service.
    ///
    /// # Errors
    ///
    /// As [`Decider::decide`].
    pub fn decide_connection(
        &mut self,
        policy: &Arc<Policy>,
        connection: &Connection<'_>,
    ) -> Result<Permit, Denial> {
        with_question(connection, |question| {
            self.judge(policy, question, Verb::Connect)
        })
    }

    /// The one way to an answer.
    pub(super) fn judge(
        &mut self,
        policy: &Arc<Policy>,
        question: &Question<'_>,
        verb: Verb,
    ) -> Result<Permit, Denial> {
        if !self.memory.as_ref().is_some_and(|m| m.is_of(policy)) {
            self.memory = None;
        }
        if self.memory.is_none() {
            self.memory = Memory::new(Arc::clone(policy));
        }
        let Some(memory) = &mut self.memory else {
            let revision = policy.revision.clone();
            return Err(self.evaluator.unanswered(revision));
        };
        let Some(met) = memory.meet(question, verb) else {
            let revision = memory.revision().clone();
            return Err(self.evaluator.unanswered(revision));
        };
        let asked = (question, verb);
        let answer = self.evaluator.answer(&met, &met.candidates, asked);
        let shadow = met.candidates.shadows().and_then(|shadows| {
            let said = self.evaluator.answer(&met, shadows, asked);
            shadow::cast(&answer.0, said)
        });
        let (result, policies) = answer;
        let timing = met.candidates.timing();
        let verdict = Verdict {
            policies,
            route: met.resource.route.clone(),
            revision: memory.revision().clone(),
            shadow: shadow.map(Box::new),
        };
        match result {
            Ok(()) => Ok(Permit { timing, verdict }),
            Err(reason) => Err(Denial { reason, verdict }),
        }
    }
}

impl Evaluator {
    fn answer(
        &self,
        met: &Met<'_>,
        candidates: &Candidates,
        (question, verb): (&Question<'_>, Verb),
    ) -> Answer {
        let Some(conditional) = candidates.conditional() else {
            return candidates.constant();
        };
        let context = match conditional
            .plan
            .build(question, &met.resource.captures, verb)
        {
            Ok(context) => context,
            Err(Unbuilt::Ambiguous(name)) => {
                let reason = DenialReason::AmbiguousHeader { name };
                return (Err(reason), Arc::clone(&self.no_names));
            }
            Err(Unbuilt::AmbiguousQuery) => {
                let reason = DenialReason::AmbiguousQuery;
                return (Err(reason), Arc::clone(&self.no_names));
            }
            Err(Unbuilt::Inexpressible) => return self.unanswerable(),
        };
        let request = Request::new(
            met.caller.uid.clone(),
            met.action(verb).clone(),
            met.resource.uid.clone(),
            context,
            None,
        );
        let Ok(request) = request else {
            return self.unanswerable();
        };
        let entities = met.entities.as_deref().unwrap_or(&self.no_entities);
        candidates.ask(conditional, &self.authorizer, &request, entities)
    }

    /// The answer to what cannot even be asked.
    fn unanswerable(&self) -> Answer {
        (
            Err(DenialReason::EvaluationError),
            Arc::clone(&self.no_names),
        )
    }

    /// The same, as it is told.
    fn unanswered(&self, revision: Revision) -> Denial {
        let (_, policies) = self.unanswerable();
        Denial {
            reason: DenialReason::EvaluationError,
            verdict: Verdict {
                policies,
                revision,
                route: None,
                shadow: None,
            },
        }
    }
}

impl Default for Decider {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection as a question, of which policies may read no more than it has.
pub(super) fn with_question<T>(
    connection: &Connection<'_>,
    ask: impl FnOnce(&Question<'_>) -> T,
) -> T {
    let (method, headers) = (Method::CONNECT, HeaderMap::new());
    ask(&Question {
        caller: connection.caller,
        service: connection.service,
        method: &method,
        host: "",
        path: "",
        query: None,
        headers: &headers,
        source: connection.source,
        now: connection.now,
    })
}
