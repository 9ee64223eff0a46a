//! Who a program is worth being, and its certificates.

use std::sync::Arc;
use std::time::Duration;

use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::audit::Decision;
use crate::audit::Event;
use crate::audit::Room;
use crate::authority::board::Board;
use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::office::Office;
use crate::authority::office::date;
use crate::authority::office::listed;
use crate::authority::programs::Whom;
use crate::authority::proof::Proved;
use crate::authority::refusal::Refusal;
use crate::id::SpiffeId;
use crate::identity::IssueError;
use crate::identity::Svid;
use crate::rpc::authority as rpc;
use crate::workload_api;
use crate::workload_api::Hint;
use crate::x509::make_request;

/// Asks the office in the name of programs.
#[derive(Debug)]
pub(super) struct Clerk {
    board: Arc<Board>,
    pub(super) office: Arc<Office>,
}

/// A name that an entry gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) entry: Arc<Entry>,
    pub(super) id: SpiffeId,
}

impl Wanted {
    /// By which a program tells its names apart: the entry's own name.
    pub(super) fn hint(&self) -> Option<Hint> {
        self.entry.name.as_str().parse().ok()
    }
}

impl Clerk {
    pub(super) const fn new(board: Arc<Board>, office: Arc<Office>) -> Self {
        Self { board, office }
    }

    pub(super) fn entries(&self) -> Arc<Entries> {
        Arc::clone(&self.office.entries.borrow())
    }

    pub(super) fn follow_entries(&self) -> watch::Receiver<Arc<Entries>> {
        self.office.entries.subscribe()
    }

    pub(super) fn follow_board(&self) -> watch::Receiver<Arc<rpc::State>> {
        self.board.follow()
    }

    /// The names of `whom` that are not revoked, the most particular first.
    pub(super) fn wanted(&self, whom: &Whom) -> Vec<Wanted> {
        let revoked = self.office.revoked.current();
        let all = self.entries().all(&whom.selectors);
        all.into_iter()
            .filter(|(_, id)| !revoked.include_id(id))
            .map(|(entry, id)| Wanted { entry, id })
            .collect()
    }

    /// How long what names somebody so may hold.
    pub(super) fn lifetime(&self, wanted: &Wanted) -> Duration {
        wanted.entry.svid_ttl.unwrap_or(self.office.svid_ttl)
    }

    /// The names of `whom`, or those that are `wished`, and room to record that it
    /// has them. That it has none is recorded here.
    pub(super) fn admit(
        &self,
        whom: &Whom,
        wished: Option<&SpiffeId>,
    ) -> Result<(Room, Vec<Wanted>), workload_api::Refusal> {
        let room = self.office.log.begin().map_err(|cause| {
            tracing::warn!(error = %cause, "a program is not answered");
            told(&Refusal::NoRoom { cause })
        })?;
        let mut wanted = self.wanted(whom);
        wanted.retain(|wanted| wished.is_none_or(|wished| wanted.id == *wished));
        if !wanted.is_empty() {
            return Ok((room, wanted));
        }
        let mut event = begin(room, whom);
        if let Some(wished) = wished {
            event.fact("wished", wished.to_shared());
        }
        let entries = self.entries().all(&whom.selectors);
        let fits = |(_, id): &(_, SpiffeId)| wished.is_none_or(|wished| id == wished);
        let is_revoked = entries.iter().any(fits);
        let reason = if is_revoked { "revoked" } else { "no_entry" };
        event.end(Decision::Deny, Some(reason));
        Err(workload_api::Refusal::NoIdentity)
    }

    /// A certificate for a new key of ours, or why there is none. Either is
    /// recorded before it is told.
    pub(super) async fn name(&self, whom: &Whom, wanted: &Wanted) -> Result<Svid, Refusal> {
        let room = self.office.log.begin();
        let mut event = room
            .map_err(|cause| Refusal::NoRoom { cause })?
            .event("svid_issue");
        event.fact("source", format!("uid:{}", whom.uid));
        event.fact("proof", PROOF);
        event.fact("selectors", listed(&whom.selectors));
        event.fact("entry", wanted.entry.name.as_str().to_owned());
        event.fact("spiffe_id", wanted.id.to_shared());
        let outcome = self.sign(whom, wanted).await;
        let reason = outcome.as_ref().err().map(Refusal::reason);
        self.office.metrics.issued(PROOF, reason.as_deref());
        match &outcome {
            Ok(svid) => {
                event.fact("serial", svid.leaf().serial().to_owned());
                event.fact("not_after", date(svid.not_after()));
                event.end(Decision::Permit, None);
            }
            Err(refusal) => event.end(refusal.decision(), reason.as_deref()),
        }
        outcome
    }

    async fn sign(&self, whom: &Whom, wanted: &Wanted) -> Result<Svid, Refusal> {
        if !self.office.users.admits(&whom.uid) {
            return Err(Refusal::TooMany);
        }
        let refused = |cause| Refusal::NotIssued { cause };
        let pair = KeyPair::generate().map_err(|_cause| refused(IssueError::NoRandomness))?;
        let csr = make_request(&pair).map_err(|cause| refused(IssueError::BadRequest { cause }))?;
        let issued = self.office.sign(&csr, None, &wanted.entry, &wanted.id)?;
        let proved = Proved::by(whom.selectors.clone());
        let (entry, id) = (&wanted.entry, &wanted.id);
        self.office.note(&issued, entry, id, &proved).await?;
        let key = Zeroizing::new(pair.serialize_der());
        let key = PrivateKeyDer::Pkcs8(key.to_vec().into());
        Svid::new(issued.chain, key).map_err(|cause| Refusal::NoSvid { cause })
    }
}

/// Records that `whom` has `names`.
pub(super) fn record(room: Room, whom: &Whom, names: &str) {
    let mut event = begin(room, whom);
    event.fact("spiffe_id", names.to_owned());
    event.end(Decision::Permit, None);
}

fn begin(room: Room, whom: &Whom) -> Event {
    let mut event = room.event("workload_attest");
    event.fact("source", whom.source());
    event.fact("selectors", listed(&whom.selectors));
    event
}

/// What a program is told of a refusal; the record and the log say more.
pub(super) const fn told(refusal: &Refusal) -> workload_api::Refusal {
    use workload_api::Refusal::NoIdentity;
    use workload_api::Refusal::NotReady;

    match refusal {
        Refusal::NoEntry { .. } | Refusal::NotOurs { .. } | Refusal::Revoked => NoIdentity,
        Refusal::NoRoom { .. } => NotReady("the authority cannot record it now"),
        Refusal::TooMany => NotReady("too many requests of this user; ask again in a second"),
        _ => NotReady("the authority cannot sign now"),
    }
}

const PROOF: &str = "workload_api";
