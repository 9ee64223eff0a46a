//! Why a peer is believed, and whether it still is.
//!
//! A handshake looks at a certificate once. The roots that vouched for it may
//! be taken away while the connection lives, or the peer be revoked, and then
//! so is its reason.

use std::sync::Arc;
use std::time::SystemTime;

use crate::identity::Identity;
use crate::identity::Live;
use crate::time::Clock;
use crate::tls::lease::ExtendError;
use crate::tls::lease::Extension;
use crate::tls::peer::Peer;
use crate::x509::Bundle;
use crate::x509::Limits;

/// A peer, with the bundles that vouched for it when they were last looked at.
#[derive(Clone, Debug)]
pub struct Belief {
    /// As whom the peer was believed before, where that certificate's time is not over.
    former: Vec<Peer>,
    identity: Arc<Identity>,
    limits: Limits,
    live: Arc<Live>,
    peer: Peer,
    /// Which revocations were looked at; none yet, where it is no number that there is.
    revocations: u64,
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
            former: Vec::new(),
            identity,
            limits,
            live,
            peer,
            revocations: u64::MAX,
        }
    }

    /// Who is believed.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Why the peer is believed no longer, if so. That its certificate's
    /// time is over is another matter, see [`Peer::not_after`].
    ///
    /// Costs two loads as long as neither our identity nor the revocations have
    /// changed, and two signatures' check if the roots have.
    #[must_use]
    pub fn lost(&mut self, clock: &dyn Clock) -> Option<Loss> {
        let revoked = self.live.revoked();
        let revocations = revoked.generation();
        if revocations != self.revocations {
            let current = revoked.current();
            let mut shown = std::iter::once(&self.peer).chain(&self.former);
            if shown.any(|peer| peer.is_revoked(&current)) {
                return Some(Loss::Revoked);
            }
            self.revocations = revocations;
        }
        if self.live.generation() == self.identity.generation() {
            return None;
        }
        let next = self.live.current();
        let id = self.peer.id();
        let [before, after] = [&self.identity, &next].map(|identity| identity.bundles().for_id(id));
        let holds = before.zip(after).is_some_and(is_unchanged)
            || self
                .peer
                .is_vouched_for(next.bundles(), clock.now(), &self.limits);
        if !holds {
            return Some(Loss::NoLongerTrusted);
        }
        self.identity = next;
        None
    }

    /// Believes for what `next` is believed for, if that is for longer. Both are
    /// the same peer's. What has ended is not revived.
    pub(super) fn succeed(
        &mut self,
        next: Self,
        clock: &dyn Clock,
    ) -> Result<Extension, ExtendError> {
        let now = clock.now();
        if self.peer.not_after() <= now || self.lost(clock).is_some() {
            return Err(ExtendError::Ended);
        }
        if next.peer.not_after() <= self.peer.not_after() {
            return Ok(Extension::Kept);
        }
        let mut former = std::mem::take(&mut self.former);
        former.retain(|peer| peer.not_after() > now);
        if former.len() >= MOST_FORMER {
            self.former = former;
            return Err(ExtendError::TooOften);
        }
        former.push(self.peer.clone());
        *self = Self { former, ..next };
        Ok(Extension::Extended)
    }

    /// When the certificate that the peer is believed for ends.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.peer.not_after()
    }

    /// Ends when there may be something to [look](Self::lost) at.
    pub async fn stirred(&self) {
        let mut identities = self.live.changed();
        let mut revocations = self.live.revoked().changed();
        // What changed before we subscribed is not told.
        let is_new = self.live.generation() != self.identity.generation()
            || self.live.revoked().generation() != self.revocations;
        if is_new {
            return;
        }
        tokio::select! {
            _ = identities.changed() => {}
            _ = revocations.changed() => {}
        }
    }
}

/// Why a peer that was believed is believed no longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// Its certificate's time is over.
    Ended,
    /// No root that we believe vouches for it.
    NoLongerTrusted,
    /// It, or its certificate, is revoked.
    Revoked,
}

impl Loss {
    /// The stable word for records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "certificate_expired",
            Self::NoLongerTrusted => "no_longer_trusted",
            Self::Revoked => "revoked",
        }
    }
}

/// Whoever renews at half of a certificate's life has two at a time.
const MOST_FORMER: usize = 16;

fn is_unchanged((before, after): (&Bundle, &Bundle)) -> bool {
    before.certificates().eq(after.certificates())
}
