//! What every workload must know, for whoever follows.

use std::sync::Arc;

use tokio::sync::watch;

use crate::authority::keyring::Keys;
use crate::authority::ledger::ForeignRow;
use crate::authority::ledger::KeyState;
use crate::authority::revocation::Revocation;
use crate::authority::revocation::Revoked;
use crate::jwt::JwtKeys;
use crate::rpc::authority as rpc;
use crate::x509::Bundle;

/// The state of the trust domain, as it is told.
#[derive(Debug)]
pub(super) struct Board(watch::Sender<Arc<rpc::State>>);

impl Board {
    /// An empty board: nobody should see it before it is written on.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }

    /// What stands there.
    pub(super) fn current(&self) -> rpc::State {
        rpc::State::clone(&self.0.borrow())
    }

    /// What stands there, and every change.
    pub(super) fn follow(&self) -> watch::Receiver<Arc<rpc::State>> {
        self.0.subscribe()
    }

    /// Writes anew, and tells, if there is something new. The version is
    /// written in any case.
    pub(super) fn write(
        &self,
        version: i64,
        keys: &Keys,
        foreign: &[ForeignRow],
        revocations: &[Revocation],
    ) {
        let foreign = foreign
            .iter()
            .map(|row| bundle(&row.foreign.bundle, &row.foreign.jwt_keys));
        let next = rpc::State {
            version: u64::try_from(version).unwrap_or(0),
            bundles: keys
                .bundles()
                .iter()
                .map(|own| bundle(own, keys.jwt_keys()))
                .chain(foreign)
                .collect(),
            tainted: keys
                .held()
                .iter()
                .filter(|held| held.state == KeyState::Tainted)
                .map(|held| held.certificate.to_vec())
                .collect(),
            revocations: revocations.iter().map(revocation).collect(),
        };
        self.0.send_if_modified(|current| {
            let unchanged = current.bundles == next.bundles
                && current.tainted == next.tainted
                && current.revocations == next.revocations;
            *current = Arc::new(next);
            !unchanged
        });
    }
}

fn bundle(bundle: &Bundle, jwt_keys: &JwtKeys) -> rpc::Bundle {
    rpc::Bundle {
        trust_domain: bundle.trust_domain().to_string(),
        x509_authorities: bundle.certificates().map(|root| root.to_vec()).collect(),
        jwt_keys: jwt_keys.to_jwk_set().into_bytes(),
    }
}

fn revocation(revocation: &Revocation) -> rpc::Revocation {
    use rpc::revocation::What;

    let what = match &revocation.revoked {
        Revoked::Id(id) => What::SpiffeId(id.as_str().to_owned()),
        Revoked::Serial(_) => What::Serial(revocation.revoked.value().to_owned()),
    };
    rpc::Revocation { what: Some(what) }
}
