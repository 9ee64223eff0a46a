//! The policy's word, as records have it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::audit::Decision;
use crate::audit::Note;
use crate::audit::Ruling;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::PolicyName;
use crate::policy::Revision;
use crate::policy::Shadow;

/// A yes.
pub(super) fn permit(permit: &Permit) -> Ruling {
    ruling(Decision::Permit, None, permit.policies(), permit.revision())
}

/// A yes that no policy was asked for: what may pass is in the configuration.
pub(super) fn by_configuration() -> Ruling {
    Ruling {
        decision: Decision::Permit,
        reason: None,
        policies: [].into(),
        revision: None,
    }
}

/// A no.
pub(super) fn denial(denial: &Denial) -> Ruling {
    let reason = denial.reason().as_str();
    ruling(
        Decision::Deny,
        Some(reason),
        denial.policies(),
        denial.revision(),
    )
}

/// What is said by policies that are watched and not enforced.
pub(super) fn shadow(shadow: &Shadow) -> Ruling {
    let decision = match shadow.denial {
        None => Decision::Permit,
        Some(_) => Decision::Deny,
    };
    Ruling {
        decision,
        reason: None,
        policies: shadow.policies.iter().map(PolicyName::to_shared).collect(),
        revision: None,
    }
}

/// What the authors of the policies that say no have to say about them.
///
/// A yes goes without: the `@id` and the revision say where it stands, and what
/// is allowed is to cost no more for being explained.
pub(super) fn notes(denial: &Denial) -> Vec<Note> {
    let said = denial.policies().iter().map(|policy| Note {
        advice: policy.advice().map(str::to_owned),
        owner: policy.owner().map(str::to_owned),
        policy: policy.to_string(),
        reason: policy.reason().map(str::to_owned),
    });
    said.filter(|note| note.advice.is_some() || note.owner.is_some() || note.reason.is_some())
        .collect()
}

fn ruling(
    decision: Decision,
    reason: Option<&'static str>,
    policies: &Arc<[PolicyName]>,
    of: &Revision,
) -> Ruling {
    Ruling {
        decision,
        reason: reason.map(Cow::Borrowed),
        policies: policies.iter().map(PolicyName::to_shared).collect(),
        revision: Some(of.to_shared()),
    }
}
