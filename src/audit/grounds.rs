//! What decisions rest on.

use crate::audit::line;
use crate::audit::line::Piece;
use std::sync::Arc;

/// The policies that made a decision, and the set that they are from.
///
/// Most requests are decided by the same few policies, so that whoever keeps
/// one of these has them written out once. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Grounds(Arc<Piece>);

impl Grounds {
    /// `revision` is that of the policy set that `policies`, by name, are from.
    #[must_use]
    pub fn new(policies: &[&str], revision: &str) -> Self {
        Self(Arc::new(line::grounds(policies, revision)))
    }

    pub(super) fn piece(&self) -> &Piece {
        &self.0
    }
}
