//! What both ends of one connection know, and nobody else.
//!
//! Taken from the handshake's secrets when that has ended (RFC 8446, 7.5), with
//! a label of our own. With it one end shows the other, on a second connection,
//! that it is at the end of the first one, too; see [`lease`](crate::tls::lease).

use aws_lc_rs::hmac;
use rustls::ConnectionCommon;
use zeroize::Zeroizing;

use crate::tls::error::HandshakeError;

/// The name and the secret of one connection.
pub struct Keying {
    name: ConnectionName,
    secret: Secret,
}

/// What a connection is called by its two ends. It tells nothing of the secret.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ConnectionName(pub(super) [u8; Self::BYTES]);

impl ConnectionName {
    pub(super) const BYTES: usize = 16;
}

/// The connection on which something is proved; a proof is good on no other.
pub(super) struct Binder(Secret);

/// What only whoever knows a connection's secret can make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Proof(pub(super) [u8; Self::BYTES]);

impl Proof {
    pub(super) const BYTES: usize = 32;
}

/// Who proves something. What one has said is no proof of the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prover {
    Caller,
    Called,
}

type Secret = Zeroizing<[u8; 32]>;

impl Keying {
    /// Of a connection whose handshake has ended.
    pub(super) fn of<D>(session: &ConnectionCommon<D>) -> Result<Self, HandshakeError> {
        Ok(Self {
            name: ConnectionName(export(session, b"name", [0; ConnectionName::BYTES])?),
            secret: export(session, b"secret", Secret::default())?,
        })
    }

    pub(super) const fn name(&self) -> ConnectionName {
        self.name
    }

    /// What `prover` shows on the connection of `binder`.
    pub(super) fn prove(&self, prover: Prover, binder: &Binder) -> Proof {
        let tag = hmac::sign(&self.key(), &message(prover, binder));
        let mut proof = Proof([0; Proof::BYTES]);
        for (to, from) in proof.0.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        proof
    }

    /// Whether `proof` is what `prover` would show there. Takes as long for a wrong one.
    pub(super) fn is_proved(&self, prover: Prover, binder: &Binder, proof: &Proof) -> bool {
        hmac::verify(&self.key(), &message(prover, binder), &proof.0).is_ok()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.secret)
    }
}

impl Binder {
    /// Of a connection whose handshake has ended.
    pub(super) fn of<D>(session: &ConnectionCommon<D>) -> Result<Self, HandshakeError> {
        export(session, b"binder", Secret::default()).map(Self)
    }
}

impl std::fmt::Debug for Keying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keying(…)")
    }
}

impl std::fmt::Debug for Binder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binder(…)")
    }
}

fn export<D, T: AsMut<[u8]>>(
    session: &ConnectionCommon<D>,
    what: &[u8],
    room: T,
) -> Result<T, HandshakeError> {
    session
        .export_keying_material(room, LABEL, Some(what))
        .map_err(|cause| HandshakeError::Protocol { cause })
}

fn message(prover: Prover, binder: &Binder) -> Zeroizing<Vec<u8>> {
    let who: &[u8] = match prover {
        Prover::Caller => b"portreeve lease: caller\0",
        Prover::Called => b"portreeve lease: called\0",
    };
    Zeroizing::new([who, binder.0.as_slice()].concat())
}

const LABEL: &[u8] = b"EXPORTER-portreeve-lease";

#[cfg(test)]
mod tests {
    use super::*;

    fn keying(secret: u8) -> Keying {
        Keying {
            name: ConnectionName([secret; ConnectionName::BYTES]),
            secret: Secret::new([secret; 32]),
        }
    }

    fn binder(secret: u8) -> Binder {
        Binder(Secret::new([secret; 32]))
    }

    #[test]
    fn a_proof_is_good_for_one_prover_on_one_connection_with_one_secret() {
        use Prover::Called;
        use Prover::Caller;

        let proof = keying(1).prove(Caller, &binder(2));
        assert!(keying(1).is_proved(Caller, &binder(2), &proof));
        assert!(!keying(1).is_proved(Called, &binder(2), &proof));
        assert!(!keying(1).is_proved(Caller, &binder(3), &proof));
        assert!(!keying(3).is_proved(Caller, &binder(2), &proof));
        for at in 0..Proof::BYTES {
            let mut other = proof;
            other.0[at] ^= 1;
            assert!(!keying(1).is_proved(Caller, &binder(2), &other), "{at}");
        }
    }

    #[test]
    fn what_is_shown_of_a_secret_does_not_hold_it() {
        assert_eq!(
            format!("{:?}{:?}", keying(7), binder(7)),
            "Keying(…)Binder(…)"
        );
    }
}
