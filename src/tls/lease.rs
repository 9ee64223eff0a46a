//! How long a connection may live, and how it outlives the certificate it was made with.
//!
//! A connection is believed for the certificate of its peer, and ends with it:
//! TLS does not look again. A peer that renews in time may prove that it is
//! still at the other end, and then the connection is believed for the new
//! certificate:
//!
//! 1. Both ends of the connection O took a name and a secret from its handshake
//!    ([`Keying`]).
//! 2. The caller makes a second connection P, with its next SVID, that speaks
//!    `portreeve-lease/1` (ALPN) and nothing else. Both certificates are judged
//!    as in any handshake.
//! 3. The caller sends a [`Claim`]: O's name, and an HMAC under O's secret of
//!    `caller` and what only P's two ends know.
//! 4. The called looks for O. If O is there, if P's caller has the SPIFFE ID
//!    that O's has, if the HMAC is right, and if O has not ended: O is believed
//!    for P's certificate and the roots that vouched for it, if that ends later.
//! 5. The called answers with an HMAC of `called` in the same way, or with no.
//!    The caller, which has looked whether P's other end has the SPIFFE ID of
//!    O's, believes O for what it was shown there. P is closed.
//!
//! The proof is of both ends: each knows that whoever has the new certificate
//! also has O in the same process. What an attacker can do:
//!
//! - *Take what was said on another P, or say it twice.* It is bound to that P,
//!   on which only the first message is read.
//! - *Hold O's secret, but not the identity.* P's certificate has another SPIFFE
//!   ID. Who holds both is, to everybody, the caller.
//! - *Hold the identity, but not O's secret* (another replica, a thief of the
//!   next SVID). It cannot make the proof, and cannot answer for the called.
//! - *Show the old certificate again.* O is believed until the same end.
//! - *Ask for O on O.* What is spoken there is not this.
//! - *Come late.* O is gone, or is as good as gone: what is lost or has ended is
//!   never revived.
//! - *Withhold or delay all of it.* Then O ends as it would have.
//!
//! No application sees any of this, and no policy is asked: nothing is read on
//! P but the claim. Whoever does not know the word gets no connection, and both
//! ends go on as before. What O is believed for is lost with the new root, or if
//! the new certificate, one before it whose time is not over, or the workload is
//! revoked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::time::Clock;
use crate::tls::belief::Belief;
use crate::tls::claim::Claim;
use crate::tls::claim::Receipt;
use crate::tls::keying::Binder;
use crate::tls::keying::ConnectionName;
use crate::tls::keying::Keying;
use crate::tls::keying::Prover;

/// What one connection is believed for now. Clones are of the same connection.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Held>);

#[derive(Debug)]
struct Held {
    belief: Mutex<Belief>,
    /// None where nobody can claim it.
    entry: Option<Entry>,
    extensions: AtomicU32,
}

#[derive(Debug)]
struct Entry {
    keying: Keying,
    leases: Leases,
}

impl Lease {
    /// Of a connection that nobody claims from us.
    #[must_use]
    pub fn new(belief: Belief) -> Self {
        Self::held(belief, None)
    }

    fn held(belief: Belief, entry: Option<Entry>) -> Self {
        Self(Arc::new(Held {
            belief: Mutex::new(belief),
            entry,
            extensions: AtomicU32::new(0),
        }))
    }

    /// Why the peer is believed now.
    #[must_use]
    pub fn belief(&self) -> Belief {
        self.lock().clone()
    }

    /// How often it was extended: who has seen another number has seen another
    /// [belief](Self::belief).
    #[must_use]
    pub fn extensions(&self) -> u32 {
        self.0.extensions.load(Ordering::Acquire)
    }

    /// Whether it has outlived the certificate it was made with, or will: it is
    /// there for what has begun on it, and for nothing new.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.0.extensions.load(Ordering::Relaxed) > 0
    }

    /// Believes for `next`, which is of the same peer, if that ends later.
    ///
    /// # Errors
    ///
    /// [`ExtendError`]; nothing has changed.
    pub fn extend(&self, next: Belief, clock: &dyn Clock) -> Result<Extension, ExtendError> {
        let mut belief = self.lock();
        let extension = belief.succeed(next, clock)?;
        if extension == Extension::Extended {
            // While the belief is held, so that nobody sees the number alone.
            self.0.extensions.fetch_add(1, Ordering::Release);
        }
        drop(belief);
        Ok(extension)
    }

    fn lock(&self) -> MutexGuard<'_, Belief> {
        // No step under the lock leaves it half done.
        self.0.belief.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(Entry { keying, leases }) = &self.entry {
            leases.lock().remove(&keying.name());
        }
    }
}

/// What became of a lease that was to be extended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extension {
    /// It ends later.
    Extended,
    /// The certificate that was shown ends no later than what it has.
    Kept,
}

/// Why a lease is not extended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExtendError {
    /// The peer is believed no longer, or its certificate's time is over.
    #[error("the connection has ended")]
    Ended,
    /// It has more certificates whose time is not over than anybody needs.
    #[error("the peer has shown too many certificates at a time")]
    TooOften,
}

/// The leases of all workers' connections, which whoever called may claim.
///
/// There are never more than connections: each leaves with its own. Clones are
/// the same.
#[derive(Clone, Debug, Default)]
pub struct Leases(Arc<Mutex<HashMap<ConnectionName, Weak<Held>>>>);

impl Leases {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// A lease that the peer of `belief` may claim.
    pub(super) fn grant(&self, belief: Belief, keying: Keying) -> Lease {
        let name = keying.name();
        let entry = Entry {
            keying,
            leases: self.clone(),
        };
        let lease = Lease::held(belief, Some(entry));
        self.lock().insert(name, Arc::downgrade(&lease.0));
        lease
    }

    /// What is answered to `claim`, which was made on the connection of `binder`
    /// by the peer of `belief`.
    pub(super) fn settle(
        &self,
        claim: &Claim,
        binder: &Binder,
        belief: Belief,
        clock: &dyn Clock,
    ) -> Result<(Extension, Receipt), Unproved> {
        // The lock is not held any more when this is dropped: the last to hold
        // a lease takes it.
        let held = self.lock().get(&claim.connection).and_then(Weak::upgrade);
        let lease = Lease(held.ok_or(Unproved::Unknown)?);
        let Some(Entry { keying, .. }) = &lease.0.entry else {
            return Err(Unproved::Unknown);
        };
        if lease.belief().peer().id() != belief.peer().id() {
            return Err(Unproved::OtherIdentity);
        }
        if !keying.is_proved(Prover::Caller, binder, &claim.proof) {
            return Err(Unproved::Mismatch);
        }
        let extension = lease.extend(belief, clock);
        let extension = extension.map_err(|cause| Unproved::NotExtended { cause })?;
        Ok((extension, Receipt(keying.prove(Prover::Called, binder))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionName, Weak<Held>>> {
        // No step under the lock leaves the table half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a claim extends nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unproved {
    /// No claim came, or not in time.
    #[error("no claim came")]
    Missing,
    /// The proof was not made for this connection with the secret of the one that is claimed.
    #[error("the proof is not for this connection, or of another one")]
    Mismatch,
    /// The connection that is claimed can go on no longer.
    #[error("the claimed connection is not extended")]
    NotExtended {
        /// Why.
        #[source]
        cause: ExtendError,
    },
    /// The connection that is claimed is of another workload.
    #[error("the claimed connection is somebody else's")]
    OtherIdentity,
    /// There is no such connection, or not any more.
    #[error("the claimed connection is not here")]
    Unknown,
}

impl Unproved {
    /// The stable word for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "lease_claim_missing",
            Self::Mismatch => "lease_proof_mismatch",
            Self::NotExtended {
                cause: ExtendError::Ended,
            } => "lease_ended",
            Self::NotExtended {
                cause: ExtendError::TooOften,
            } => "lease_too_often",
            Self::OtherIdentity => "lease_of_another",
            Self::Unknown => "lease_unknown",
        }
    }
}
