//! How somebody gets a token that says who it is.
//!
//! Whoever has a name may have tokens for that name and no other: whom it
//! proves to be is settled before, by a certificate or by the system.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::audit;
use crate::audit::Decision;
use crate::audit::Event;
use crate::authority::caller::Caller;
use crate::authority::id_template::may_be_issued;
use crate::authority::keyring::Keyring;
use crate::authority::metrics::Metrics;
use crate::authority::office::Limiter;
use crate::authority::office::date;
use crate::authority::office::listed;
use crate::authority::programs::Whom;
use crate::authority::proof::ProofError;
use crate::authority::refusal::Refusal;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::IssueError;
use crate::identity::Watchlist;
use crate::jwt::Audience;
use crate::jwt::Claims;
use crate::time::Clock;

/// All that minting tokens needs.
#[derive(Debug)]
pub(super) struct Mint {
    /// Its own: whoever asks for many tokens may still renew its certificate.
    pub(super) addresses: Limiter<IpAddr>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) lifetime: Duration,
    pub(super) log: audit::Shard,
    pub(super) metrics: Metrics,
    pub(super) revoked: Arc<Watchlist>,
    pub(super) trust_domain: TrustDomain,
    pub(super) users: Limiter<u32>,
}

impl Mint {
    /// A token for whom the certificate of the handshake names, or why not.
    /// Either is recorded before it is told.
    pub(super) fn for_peer(
        &self,
        caller: &Caller,
        audience: Vec<String>,
    ) -> Result<String, Refusal> {
        let mut event = self.record("svid", caller.source.to_string())?;
        if let Some(peer) = &caller.peer {
            event.fact("caller", peer.id().to_shared());
            event.fact("caller_serial", peer.serial().to_owned());
        }
        let outcome = self.grant_peer(caller, audience, &mut event);
        self.end(event, "svid", outcome)
    }

    fn grant_peer(
        &self,
        caller: &Caller,
        audience: Vec<String>,
        event: &mut Event,
    ) -> Result<String, Refusal> {
        if !self.addresses.admits(&caller.source.ip()) {
            return Err(Refusal::TooMany);
        }
        let peer = caller.peer.as_ref().ok_or(Refusal::NotProved {
            cause: ProofError::None,
        })?;
        if peer.is_revoked(&self.revoked.current()) {
            return Err(Refusal::Revoked);
        }
        let left = peer.not_after().duration_since(self.clock.now());
        let left = left.map_err(|_over| Refusal::SvidEnded)?;
        let audience =
            Audience::try_from(audience).map_err(|cause| Refusal::BadAudience { cause })?;
        self.sign(peer.id(), &audience, left, event)
    }

    /// A token for a program of this machine that was proved to be `id`, for at
    /// `most` as long as its certificates hold.
    pub(super) fn for_program(
        &self,
        whom: &Whom,
        id: &SpiffeId,
        audience: &Audience,
        most: Duration,
    ) -> Result<String, Refusal> {
        let mut event = self.record("workload_api", whom.source())?;
        event.fact("selectors", listed(&whom.selectors));
        let outcome = if self.users.admits(&whom.uid) {
            self.sign(id, audience, most, &mut event)
        } else {
            Err(Refusal::TooMany)
        };
        self.end(event, "workload_api", outcome)
    }

    fn sign(
        &self,
        id: &SpiffeId,
        audience: &Audience,
        most: Duration,
        event: &mut Event,
    ) -> Result<String, Refusal> {
        event.fact("spiffe_id", id.to_shared());
        event.fact("audience", audience.names().join(" "));
        // Of another trust domain, or the authority's own: whatever it shows.
        may_be_issued(id, &self.trust_domain)
            .map_err(|cause| Refusal::NotOurs { cause })
            .and_then(|()| {
                if self.revoked.current().include_id(id) {
                    return Err(Refusal::Revoked);
                }
                Ok(())
            })?;
        let keys = self.keyring.current();
        let now = self.clock.now();
        let signer = keys.signer_ends_at().duration_since(now);
        let signer = signer.map_err(|_over| Refusal::NotIssued {
            cause: IssueError::SignerNotInForce,
        })?;
        let lifetime = self.lifetime.min(most).min(signer);
        if lifetime < Duration::from_secs(1) {
            return Err(Refusal::SvidEnded);
        }
        let claims = Claims {
            id,
            audience: audience.names(),
            issued_at: now,
            lifetime,
        };
        let token = keys
            .mint(&claims)
            .map_err(|cause| Refusal::NotSigned { cause })?;
        let ends_at = now.checked_add(lifetime).unwrap_or(now);
        event.fact("not_after", date(ends_at));
        Ok(token)
    }

    fn record(&self, proof: &'static str, source: String) -> Result<Event, Refusal> {
        let room = self
            .log
            .begin()
            .map_err(|cause| Refusal::NoRoom { cause })?;
        let mut event = room.event("jwt_svid_issue");
        event.fact("source", source);
        event.fact("proof", proof);
        Ok(event)
    }

    fn end(
        &self,
        event: Event,
        proof: &'static str,
        outcome: Result<String, Refusal>,
    ) -> Result<String, Refusal> {
        let reason = outcome.as_ref().err().map(Refusal::reason);
        self.metrics.minted(proof, reason.as_deref());
        match &outcome {
            Ok(_) => event.end(Decision::Permit, None),
            Err(refusal) => event.end(refusal.decision(), reason.as_deref()),
        }
        outcome
    }
}
