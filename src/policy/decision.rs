//! The answer: a permit to be spent, or a denial with its reason.
//!
//! Both name the policies that decided, so that the record can.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::policy::revision::Revision;
use crate::policy::timing::Timing;

/// Leave to forward one request.
///
/// Only a decision makes one. It cannot be cloned, and forwarding costs one.
#[derive(Debug)]
#[must_use = "a permit is made to be spent"]
pub struct Permit {
    pub(super) timing: Timing,
    pub(super) verdict: Verdict,
}

/// No leave to forward.
#[derive(Debug)]
pub struct Denial {
    pub(super) reason: DenialReason,
    pub(super) verdict: Verdict,
}

/// What permit and denial have in common.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) policies: Arc<[PolicyName]>,
    pub(super) revision: Revision,
    pub(super) route: Option<Arc<str>>,
    /// Boxed, because there is hardly ever one.
    pub(super) shadow: Option<Box<Shadow>>,
}

/// What the policies say that are watched and not enforced.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shadow {
    /// What the decision would be if they were enforced; nothing for a permit.
    pub denial: Option<DenialReason>,
    /// Whether that is another decision than the one that was made.
    pub is_other: bool,
    /// Those that apply, or that failed; sorted by name.
    pub policies: Arc<[PolicyName]>,
}

/// Why there is no leave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DenialReason {
    /// A header that a policy in question reads came more than once, or is not
    /// text: the request has two readings.
    AmbiguousHeader {
        /// Which.
        name: HeaderName,
    },
    /// A policy in question reads the names of the query's parameters, and
    /// servers do not agree on what they are.
    AmbiguousQuery,
    /// A policy in question could not be evaluated, or the question could not
    /// be asked. An error is never a yes.
    EvaluationError,
    /// At least one `forbid` applies.
    Forbidden,
    /// Nothing applies.
    NoPermit,
}

/// The `@id` of a policy, with what its author has to say about it.
///
/// Cloning is cheap. Names are equal if their ids are.
#[derive(Clone, Debug)]
pub struct PolicyName(pub(super) Arc<Note>);

/// The annotations that outlive loading.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: Arc<str>,
    pub(super) reason: Option<Box<str>>,
    pub(super) advice: Option<Box<str>>,
    pub(super) owner: Option<Box<str>>,
}

impl Permit {
    /// The permits that apply, sorted by name.
    #[must_use]
    pub const fn policies(&self) -> &Arc<[PolicyName]> {
        &self.verdict.policies
    }

    /// The policy set that decided.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.verdict.revision
    }

    /// How often the clock may make a no of it.
    #[must_use]
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    /// What shadow policies say, if any of them applies.
    #[must_use]
    pub fn shadow(&self) -> Option<&Shadow> {
        self.verdict.shadow.as_deref()
    }

    /// The most specific template that the path fits, if any.
    #[must_use]
    pub const fn route(&self) -> Option<&Arc<str>> {
        self.verdict.route.as_ref()
    }
}

impl Denial {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> &DenialReason {
        &self.reason
    }

    /// The forbids that apply, or the policies that failed; sorted by name.
    #[must_use]
    pub const fn policies(&self) -> &Arc<[PolicyName]> {
        &self.verdict.policies
    }

    /// The policy set that decided.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.verdict.revision
    }

    /// What shadow policies say, if any of them applies.
    #[must_use]
    pub fn shadow(&self) -> Option<&Shadow> {
        self.verdict.shadow.as_deref()
    }

    /// The most specific template that the path fits, if any.
    #[must_use]
    pub const fn route(&self) -> Option<&Arc<str>> {
        self.verdict.route.as_ref()
    }
}

impl DenialReason {
    /// A word for records and metrics that will not change.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AmbiguousHeader { .. } => "ambiguous_header",
            Self::AmbiguousQuery => "ambiguous_query",
            Self::EvaluationError => "evaluation_error",
            Self::Forbidden => "forbidden",
            Self::NoPermit => "no_permit",
        }
    }
}

impl PolicyName {
    /// The `@id`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.id
    }

    /// The `@id`, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0.id)
    }

    /// The `@reason`: why the policy exists.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The `@owner`: whom to ask about it.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.0.owner.as_deref()
    }

    /// An equal one that shares no allocation with this one, so that worker
    /// threads do not count references in the same place.
    pub(super) fn apart(&self) -> Self {
        Self(Arc::new(Note::clone(&self.0)))
    }

    /// The `@advice`: what a caller that meets it should do.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.id)
    }
}

impl PartialEq for PolicyName {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for PolicyName {}

impl PartialOrd for PolicyName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PolicyName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id.cmp(&other.0.id)
    }
}
