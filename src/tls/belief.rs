//! Why a peer is believed, and whether it still is.
//!
//! A handshake looks at a certificate once. The roots that vouched for it may
//! be taken away while the connection lives, and then so is its reason.

use std::sync::Arc;
use std::time::SystemTime;

use crate::identity::Identity;
use crate::identity::Live;
use crate::tls::peer::Peer;
use crate::x509::Bundle;
use crate::x509::Limits;

/// A peer, with the bundles that vouched for it when they were last looked at.
#[derive(Clone, Debug)]
pub struct Belief {
    identity: Arc<Identity>,
    limits: Limits,
    live: Arc<Live>,
    peer: Peer,
}

impl Belief {
    /// `peer` was believed for the bundles of `identity`.
    pub(super) const fn new(
        peer: Peer,
        identity: Arc<Identity>,
        live: Arc<Live>,
        limits: Limits,
    ) -> Self {
        Self {
            identity,
            limits,
            live,
            peer,
        }
    }

    /// Who is believed.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether a root that we believe at `now` vouches for the peer. That its
    /// certificate's time is over is another matter, see [`Peer::not_after`].
    ///
    /// Costs one relaxed load as long as the identity in force is the same, and
    /// two signatures' check if its roots are not.
    #[must_use]
    pub fn holds(&mut self, now: SystemTime) -> bool {
        if self.live.generation() == self.identity.generation() {
            return true;
        }
        let next = self.live.current();
        let id = self.peer.id();
        let [before, after] = [&self.identity, &next].map(|identity| identity.bundles().for_id(id));
        let holds = before.zip(after).is_some_and(is_unchanged)
            || self.peer.is_vouched_for(next.bundles(), now, &self.limits);
        if holds {
            self.identity = next;
        }
        holds
    }
}

fn is_unchanged((before, after): (&Bundle, &Bundle)) -> bool {
    before.certificates().eq(after.certificates())
}
