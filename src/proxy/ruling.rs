//! The policy's word, as records have it.

use std::array;
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use crate::audit::Decision;
use crate::audit::Grounds;
use crate::audit::Note;
use crate::audit::Ruling;
use crate::audit::Shadowed;
use crate::audit::Withdrawn;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::PolicyName;
use crate::policy::Revision;
use crate::policy::Shadow;
use crate::session::Over;
use crate::session::Why;

/// Makes rulings of decisions.
///
/// The same few policies decide nearly every request, so that the grounds of
/// the last few decisions are kept as they are written.
#[derive(Debug)]
pub(super) struct Rulings {
    known: RefCell<Known>,
}

#[derive(Debug)]
struct Known {
    grounds: [Option<Entry>; MOST_KNOWN],
    /// Where the next entry goes.
    next: usize,
}

#[derive(Debug)]
struct Entry {
    policies: Arc<[PolicyName]>,
    revision: Revision,
    written: Grounds,
}

impl Default for Rulings {
    fn default() -> Self {
        let known = Known {
            grounds: array::from_fn(|_| None),
            next: 0,
        };
        Self {
            known: RefCell::new(known),
        }
    }
}

impl Rulings {
    /// A yes.
    pub(super) fn permit(&self, permit: &Permit) -> Ruling {
        Ruling {
            grounds: Some(self.grounds(permit.policies(), permit.revision())),
            shadow: permit.shadow().map(shadow),
            ..Ruling::of(Decision::Permit)
        }
    }

    /// A no.
    pub(super) fn denial(&self, denial: &Denial) -> Ruling {
        Ruling {
            reason: Some(Cow::Borrowed(denial.reason().as_str())),
            grounds: Some(self.grounds(denial.policies(), denial.revision())),
            notes: notes(denial),
            shadow: denial.shadow().map(shadow),
            ..Ruling::of(Decision::Deny)
        }
    }

    fn grounds(&self, policies: &Arc<[PolicyName]>, revision: &Revision) -> Grounds {
        let mut known = self.known.borrow_mut();
        if let Some(written) = known.find(policies, revision) {
            return written.clone();
        }
        let names: Vec<_> = policies.iter().map(PolicyName::as_str).collect();
        let written = Grounds::new(&names, revision.as_str());
        known.keep(Entry {
            policies: Arc::clone(policies),
            revision: revision.clone(),
            written: written.clone(),
        });
        written
    }
}

impl Known {
    fn find(&self, policies: &Arc<[PolicyName]>, revision: &Revision) -> Option<&Grounds> {
        // By address: what is kept holds the list, so that no other can have its address.
        let is_of =
            |entry: &&Entry| Arc::ptr_eq(&entry.policies, policies) && entry.revision == *revision;
        let entry = self.grounds.iter().flatten().find(is_of);
        entry.map(|entry| &entry.written)
    }

    fn keep(&mut self, entry: Entry) {
        if let Some(place) = self.grounds.get_mut(self.next) {
            *place = Some(entry);
        }
        self.next = (self.next + 1) % MOST_KNOWN;
    }
}

/// More than most sidecars need, and few enough to look through.
const MOST_KNOWN: usize = 8;

/// What would be decided if policies were enforced that are watched.
pub(super) const fn would(shadow: &Shadow) -> Decision {
    match shadow.denial {
        None => Decision::Permit,
        Some(_) => Decision::Deny,
    }
}

/// Why what was permitted is permitted no more.
pub(super) fn withdrawn(denial: &Denial) -> Withdrawn {
    Withdrawn {
        notes: notes(denial),
        policies: denial
            .policies()
            .iter()
            .map(PolicyName::to_shared)
            .collect(),
        reason: denial.reason().as_str(),
        revision: denial.revision().to_shared(),
    }
}

/// Why whoever was let in is somebody no more, under the policies of `revision`.
pub(super) fn signed_out(over: Over, revision: &Revision) -> Withdrawn {
    Withdrawn {
        notes: Vec::new(),
        policies: Arc::from([]),
        reason: session_word(over),
        revision: revision.to_shared(),
    }
}

/// The word in records for a session that is not in force.
pub(super) const fn session_word(over: Over) -> &'static str {
    match over {
        Over::ClockBack => "session_clock_back",
        Over::Ended(Why::Damaged) => "session_damaged",
        Over::Ended(Why::Expired) => "session_expired",
        Over::Ended(Why::Idle) => "session_idle",
        Over::Ended(Why::ProviderLogout) => "session_provider_logout",
        Over::Ended(Why::RefreshRefused) => "session_refresh_refused",
        Over::Ended(Why::Replaced) => "session_replaced",
        Over::Ended(Why::Revoked) => "session_revoked",
        Over::Ended(Why::SignedOut) => "session_signed_out",
        Over::Ended(Why::Unrefreshed) => "session_unrefreshed",
        Over::Renewed => "session_renewed",
        Over::Unsure => "session_unsure",
    }
}

/// What is said by policies that are watched and not enforced.
fn shadow(shadow: &Shadow) -> Box<Shadowed> {
    Box::new(Shadowed {
        decision: would(shadow),
        policies: shadow.policies.iter().map(PolicyName::to_shared).collect(),
    })
}

/// What the authors of the policies that say no have to say about them.
///
/// A yes goes without: the `@id` and the revision say where it stands, and what
/// is allowed is to cost no more for being explained.
fn notes(denial: &Denial) -> Vec<Note> {
    let said = denial.policies().iter().map(|policy| Note {
        advice: policy.advice().map(str::to_owned),
        owner: policy.owner().map(str::to_owned),
        policy: policy.to_string(),
        reason: policy.reason().map(str::to_owned),
    });
    said.filter(|note| note.advice.is_some() || note.owner.is_some() || note.reason.is_some())
        .collect()
}
