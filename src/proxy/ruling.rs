//! The policy's word, as records have it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::audit::Decision;
use crate::audit::Ruling;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::PolicyName;
use crate::policy::Revision;

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
