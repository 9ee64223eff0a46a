//! What every workload must know, for whoever follows.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::authority::keyring::Keys;
use crate::authority::ledger::ForeignRow;
use crate::authority::ledger::KeyState;
use crate::authority::revocation::Revocation;
use crate::authority::revocation::Revoked;
use crate::id::SpiffeId;
use crate::jwt::JwtKeys;
use crate::policy::GroupName;
use crate::policy::Groups;
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
    pub(super) fn write(&self, version: i64, keys: &Keys, news: News<'_>) {
        let News {
            foreign,
            policies,
            revocations,
        } = news;
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
            policy: policies.newest,
            groups: policies.groups.iter().map(group).collect(),
        };
        self.0.send_if_modified(|current| {
            let unchanged = current.bundles == next.bundles
                && current.tainted == next.tainted
                && current.revocations == next.revocations
                && current.policy == next.policy
                && current.groups == next.groups;
            *current = Arc::new(next);
            !unchanged
        });
    }
}

/// What is true besides our own keys.
#[derive(Debug)]
pub(super) struct News<'a> {
    /// The bundles of other trust domains.
    pub(super) foreign: &'a [ForeignRow],
    pub(super) policies: Policies<'a>,
    pub(super) revocations: &'a [Revocation],
}

/// What policies are, and whom they mean by groups.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    pub(super) groups: &'a Groups,
    pub(super) newest: Option<rpc::PolicySet>,
}

/// What of the policies is told to somebody, and is known to it from then on.
/// `wish` is what it has said, and nothing where it wants none: a set is large,
/// and most changes are of something else.
pub(super) fn leave_out_what_is_known(state: &mut rpc::State, wish: &mut Option<rpc::PolicyWish>) {
    match (wish, &mut state.policy) {
        (None, policy) => *policy = None,
        (Some(wish), Some(policy)) if wish.known_digest == policy.digest => policy.document.clear(),
        (Some(wish), Some(policy)) => wish.known_digest.clone_from(&policy.digest),
        (Some(_), None) => {}
    }
}

fn group((name, members): (&GroupName, &BTreeSet<SpiffeId>)) -> rpc::Group {
    rpc::Group {
        name: name.to_string(),
        members: members.iter().map(ToString::to_string).collect(),
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
