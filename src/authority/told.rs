//! Errors as one line, for whoever is told.

use std::error::Error;

/// `error` with all its causes.
pub(super) fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
