//! One decision per request, without asking every policy.
//!
//! A decider belongs to one worker thread and remembers what it met under the
//! policy set in force: callers, resources, and which policies concern whom.
//! All of it is bounded, and dropped when the set changes. Where the policies
//! in question ask for nothing but caller, route and method the answer is
//! remembered too, and deciding is a few look-ups without an allocation.

use std::sync::Arc;

use http::HeaderMap;
use http::Method;

use crate::policy::candidates::Candidates;
use crate::policy::context::Unbuilt;
use crate::policy::decision::Denial;
use crate::policy::decision::DenialReason;
use crate::policy::decision::Permit;
use crate::policy::decision::PolicyName;
use crate::policy::decision::Verdict;
use crate::policy::memory::Memory;
use crate::policy::person::Person;
use crate::policy::question::Caller;
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
    no_names: Arc<[PolicyName]>,
}

impl Decider {
    /// One that has met nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            memory: None,
            no_names: Arc::new([]),
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

    /// Whether a person who was denied would be let in if they had signed in
    /// just now: whether it helps to send them to their provider.
    ///
    /// It costs next to nothing where no policy in question reads when somebody
    /// has signed in.
    pub fn would_permit_if_fresh(&mut self, policy: &Arc<Policy>, question: &Question<'_>) -> bool {
        let Some(person) = question.caller.as_person() else {
            return false;
        };
        let verb = Verb::of(question.method);
        let Some(memory) = self.memory(policy) else {
            return false;
        };
        let Some(met) = memory.meet(question, verb) else {
            return false;
        };
        if !met.candidates.read_sign_in() {
            return false;
        }
        // They are in the same groups, so the same policies concern them, and
        // nothing of this needs to be remembered.
        let caller = Caller::person(Arc::new(Person {
            authenticated_at: Some(question.now),
            ..Person::clone(person)
        }));
        let fresh = Question {
            caller: &caller,
            ..*question
        };
        let Some(met) = met.anew(&caller, policy) else {
            return false;
        };
        let answer = met.candidates.answer(&met, &fresh, verb);
        answer.is_ok_and(|(result, _)| result.is_ok())
    }

    /// What was met under `policy`. Nothing if Cedar does not take our words.
    fn memory(&mut self, policy: &Arc<Policy>) -> Option<&mut Memory> {
        if !self.memory.as_ref().is_some_and(|m| m.is_of(policy)) {
            self.memory = None;
        }
        if self.memory.is_none() {
            self.memory = Memory::new(Arc::clone(policy));
        }
        self.memory.as_mut()
    }

    /// The one way to an answer.
    pub(super) fn judge(
        &mut self,
        policy: &Arc<Policy>,
        question: &Question<'_>,
        verb: Verb,
    ) -> Result<Permit, Denial> {
        let no_names = Arc::clone(&self.no_names);
        let no_names = &no_names;
        let unanswered = |revision: Revision| Denial {
            reason: DenialReason::EvaluationError,
            verdict: Verdict {
                policies: Arc::clone(no_names),
                revision,
                route: None,
                shadow: None,
            },
        };
        let Some(memory) = self.memory(policy) else {
            return Err(unanswered(policy.revision.clone()));
        };
        let Some(met) = memory.meet(question, verb) else {
            return Err(unanswered(memory.revision().clone()));
        };
        let ask = |candidates: &Candidates| {
            let answer = candidates.answer(&met, question, verb);
            answer.unwrap_or_else(|unbuilt| (Err(reason(unbuilt)), Arc::clone(no_names)))
        };
        let (result, policies) = ask(&met.candidates);
        let shadows = met.candidates.shadows();
        let shadow = shadows.and_then(|shadows| shadow::cast(&result, ask(shadows)));
        let timing = met.candidates.timing(question);
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

/// What cannot even be asked is a no.
fn reason(unbuilt: Unbuilt) -> DenialReason {
    match unbuilt {
        Unbuilt::Ambiguous(name) => DenialReason::AmbiguousHeader { name },
        Unbuilt::AmbiguousQuery => DenialReason::AmbiguousQuery,
        Unbuilt::Inexpressible => DenialReason::EvaluationError,
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
