//! Who administrates.

use std::fmt;

use tonic::Request;
use tonic::Status;

use crate::authority::caller::Caller;
use crate::id::SpiffeId;
use crate::identity::Watchlist;
use crate::time::Clock;

/// Whoever may give orders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Operator {
    /// A process on this machine that could open the socket.
    Local { uid: u32, pid: Option<i32> },
    /// A workload that the configuration names.
    Remote { id: SpiffeId },
}

impl Operator {
    /// Who sent `request`, if that one may.
    pub(super) fn of<T>(
        request: &Request<T>,
        admins: &[SpiffeId],
        clock: &dyn Clock,
        revoked: &Watchlist,
    ) -> Result<Self, Status> {
        if let Some(local) = request.extensions().get::<Self>() {
            return Ok(local.clone());
        }
        let peer = request
            .extensions()
            .get::<Caller>()
            .and_then(|caller| caller.peer.as_ref())
            .filter(|peer| peer.not_after() >= clock.now())
            .ok_or_else(|| Status::unauthenticated("administration wants an SVID in force"))?;
        if peer.is_revoked(&revoked.current()) {
            let id = peer.id();
            return Err(Status::permission_denied(format!("`{id}` is revoked")));
        }
        if admins.contains(peer.id()) {
            return Ok(Self::Remote {
                id: peer.id().clone(),
            });
        }
        Err(Status::permission_denied(format!(
            "`{}` is not among the authority's `admins`",
            peer.id()
        )))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local {
                uid,
                pid: Some(pid),
            } => write!(f, "uid:{uid} pid:{pid}"),
            Self::Local { uid, pid: None } => write!(f, "uid:{uid}"),
            Self::Remote { id } => id.fmt(f),
        }
    }
}
