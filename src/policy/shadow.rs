//! What would be decided if the policies that are only watched were enforced.

use crate::policy::candidates::Answer;
use crate::policy::decision::DenialReason;
use crate::policy::decision::Shadow;

/// What `shadows`, asked alone, make of a decision that was made without them.
/// Nothing where none of them has anything to say.
pub(super) fn cast(made: &Result<(), DenialReason>, shadows: Answer) -> Option<Shadow> {
    use DenialReason::AmbiguousHeader;
    use DenialReason::AmbiguousQuery;
    use DenialReason::EvaluationError;
    use DenialReason::Forbidden;
    use DenialReason::NoPermit;

    let (said, policies) = shadows;
    let would = match (made, &said) {
        (_, Err(NoPermit)) => return None,
        // What could not be asked is not asked again with more policies.
        (Err(first @ (AmbiguousHeader { .. } | AmbiguousQuery | EvaluationError)), _)
        | (_, Err(first @ (AmbiguousHeader { .. } | AmbiguousQuery | EvaluationError)))
        | (Err(first @ Forbidden), _)
        | (_, Err(first @ Forbidden)) => Err(first.clone()),
        (Ok(()) | Err(NoPermit), Ok(())) => Ok(()),
    };
    Some(Shadow {
        is_other: would.is_ok() != made.is_ok(),
        denial: would.err(),
        policies,
    })
}
