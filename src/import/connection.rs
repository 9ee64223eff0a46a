//! What a rule says of TCP connections.
//!
//! Istio's own reading: an ALLOW that looks at requests lets no connection in,
//! and a DENY or an AUDIT looks at the rest of what it says, so that it is about
//! more connections and not about fewer.

use crate::import::file::Rule;
use crate::import::file::When;
use crate::import::operation;
use crate::import::source;

/// Whether the rule looks at what only requests have.
pub(super) fn looks_at_requests(rule: &Rule) -> bool {
    let from = rule.from.iter().flatten();
    let to = rule.to.iter().flatten();
    from.into_iter().any(|one| source::has_tokens(&one.source))
        || to
            .into_iter()
            .any(|one| operation::is_of_requests(&one.operation))
        || rule.when.iter().any(operation::is_of_request)
}

/// The rule without what only requests have. What says nothing any more is
/// about every connection.
pub(super) fn rest(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    for one in rule.from.iter_mut().flatten() {
        source::drop_tokens(&mut one.source);
    }
    for one in rule.to.iter_mut().flatten() {
        operation::drop_requests(&mut one.operation);
    }
    rule.from
        .take_if(|from| from.iter().any(|one| source::is_empty(&one.source)));
    rule.to
        .take_if(|to| to.iter().any(|one| operation::is_empty(&one.operation)));
    rule.when
        .retain(|when: &When| !operation::is_of_request(when));
    rule
}
