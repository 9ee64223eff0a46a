//! Where requests come from.

use crate::audit::entry::Door;
use crate::audit::line;
use crate::audit::line::Piece;
use crate::audit::text::Text;
use std::net::SocketAddr;
use std::sync::Arc;

/// A door, and who came to it from where.
///
/// All records of a connection say the same of it, so that it is written out
/// once. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Origin(Arc<Piece>);

impl Origin {
    /// `caller` is who it is, as far as that is proven; `source` is where the
    /// connection comes from.
    #[must_use]
    pub fn new(door: Door, caller: Option<&Text>, source: Option<SocketAddr>) -> Self {
        Self(Arc::new(line::origin(door, (caller, None), source)))
    }

    /// The same of a caller who is known by a `session`, which is its handle.
    #[must_use]
    pub fn of_session(
        door: Door,
        caller: &Text,
        session: Option<&Text>,
        source: SocketAddr,
    ) -> Self {
        Self(Arc::new(line::origin(
            door,
            (Some(caller), session),
            Some(source),
        )))
    }

    /// Of nobody and nowhere, as far as is known.
    #[must_use]
    pub fn at(door: Door) -> Self {
        Self::new(door, None, None)
    }

    pub(super) fn piece(&self) -> &Piece {
        &self.0
    }
}
