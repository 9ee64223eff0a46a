//! What formulas read of a request, as it lies there.

use std::array;
use std::cell::OnceCell;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::policy::claim::ClaimValue;
use crate::policy::context::Plan;
use crate::policy::context::Shown;
use crate::policy::context::Unbuilt;
use crate::policy::context::clock;
use crate::policy::context::segment;
use crate::policy::context::sole;
use crate::policy::formula::Failed;
use crate::policy::known::Resource;
use crate::policy::person::Person;
use crate::policy::principal;
use crate::policy::principal::KnownCaller;
use crate::policy::question::Question;
use crate::policy::settings::Zone;
use crate::policy::signal::Held;
use crate::policy::signal_name::SignalName;
use crate::policy::words::Verb;

/// One request, for the formulas that are asked about it.
#[derive(Debug)]
pub(in crate::policy) struct Facts<'a> {
    pub(super) caller: &'a KnownCaller,
    pub(super) question: &'a Question<'a>,
    pub(super) resource: &'a Resource,
    pub(super) verb: Verb,
    /// The values of the headers that are read, in their order.
    headers: [Option<&'a str>; MOST_HEADERS],
    /// The names in the query, if they are read.
    query: Option<BTreeSet<String>>,
    /// If it is read.
    now: Option<Timestamp>,
    clocks: [OnceCell<Shown>; MOST_CLOCKS],
    zones: &'a [(String, Zone)],
    /// What is said of the caller, if that is read.
    signals: Option<&'a Held>,
}

impl<'a> Facts<'a> {
    /// What is known of `question`; `plan` is what of it is read. A header that
    /// has two readings is an error, whoever reads it, and so are a query that
    /// has and a time that Cedar has no form for.
    pub(in crate::policy) fn new(
        (question, verb): (&'a Question<'a>, Verb),
        (caller, resource): (&'a KnownCaller, &'a Resource),
        plan: &'a Plan,
    ) -> Result<Self, Unbuilt> {
        let mut values = [None; MOST_HEADERS];
        if verb != Verb::Connect {
            for (value, name) in values.iter_mut().zip(plan.headers()) {
                *value = sole(question.headers, name)?;
            }
        }
        Ok(Self {
            caller,
            question,
            resource,
            verb,
            headers: values,
            query: match verb {
                Verb::Connect => None,
                _ => plan.query(question)?,
            },
            now: plan.now(question)?,
            clocks: array::from_fn(|_| OnceCell::new()),
            zones: plan.zones(),
            signals: plan.signals_of(question.caller),
        })
    }

    pub(super) fn header(&self, number: usize) -> Option<&'a str> {
        self.headers.get(number).copied().flatten()
    }

    /// The segment of the path that a parameter stands for.
    pub(super) fn param(&self, name: &str) -> Option<&'a str> {
        let (_, at) = self.resource.captures.iter().find(|(n, _)| **n == *name)?;
        segment(self.question.path, *at)
    }

    pub(super) fn clock(&self, number: usize) -> Result<Shown, Failed> {
        let (known, zone) = self
            .clocks
            .get(number)
            .zip(self.zones.get(number))
            .ok_or(Failed)?;
        if let Some(shown) = known.get() {
            return Ok(*shown);
        }
        let now = self.now.ok_or(Failed)?;
        Ok(*known.get_or_init(|| clock(zone.1.at(now))))
    }

    /// The caller, if it is a person.
    pub(super) fn person(&self) -> Result<&'a Person, Failed> {
        let person = self.question.caller.as_person();
        person.map(AsRef::as_ref).ok_or(Failed)
    }

    /// When the caller has signed in, if that is known.
    pub(super) fn sign_in(&self) -> Option<Timestamp> {
        principal::sign_in(self.question.caller.as_person()?)
    }

    /// What a signal says of the caller, if it is still good.
    pub(super) fn signal(&self, name: &SignalName) -> Option<&'a ClaimValue> {
        self.signals?.value(name, self.question.now)
    }

    /// How long ago the caller has signed in, in seconds, if that is known.
    pub(super) fn auth_age(&self) -> Option<i64> {
        self.question.caller.auth_age(self.question.now)
    }

    /// Whether the query has a parameter of this name.
    pub(super) fn has_query(&self, name: &str) -> Result<bool, Failed> {
        Ok(self.query.as_ref().ok_or(Failed)?.contains(name))
    }

    /// Milliseconds since 1970, as those of all instants.
    pub(super) fn millis(&self) -> Result<i64, Failed> {
        millis(self.now.ok_or(Failed)?)
    }
}

/// Cedar's instants have no more digits.
pub(super) fn millis(instant: Timestamp) -> Result<i64, Failed> {
    let millis = instant.as_nanosecond().div_euclid(1_000_000);
    i64::try_from(millis).or(Err(Failed))
}

/// Who reads more of them asks Cedar.
pub(in crate::policy) const MOST_HEADERS: usize = 8;
/// As many zones as one set of policies may sensibly ask for.
pub(in crate::policy) const MOST_CLOCKS: usize = 4;
