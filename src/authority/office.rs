//! How somebody gets a name.
//!
//! Room for the record, then a proof, then an entry, then the certificate, and
//! only when all of that is noted it is given out.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use governor::RateLimiter;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;
use tokio::sync::watch;

use crate::audit;
use crate::audit::Decision;
use crate::audit::Event;
use crate::authority::caller::Caller;
use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::groups::have_room;
use crate::authority::groups::is_newcomer;
use crate::authority::keyring::Keyring;
use crate::authority::ledger::IssuedRow;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::Spent;
use crate::authority::ledger::TokenUse;
use crate::authority::metrics::Metrics;
use crate::authority::proof::Cluster;
use crate::authority::proof::PossessionRoots;
use crate::authority::proof::Proof;
use crate::authority::proof::ProofError;
use crate::authority::proof::Proved;
use crate::authority::proof::digest_of;
use crate::authority::proof::named_issuer;
use crate::authority::refusal::Refusal;
use crate::authority::selector::Selector;
use crate::authority::settled::Settled;
use crate::ca::Issued;
use crate::ca::Wish;
use crate::id::SpiffeId;
use crate::identity::Watchlist;
use crate::policy::Groups;
use crate::time::Clock;

/// All that naming somebody needs.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) entries: watch::Sender<Arc<Entries>>,
    pub(super) groups: watch::Receiver<Arc<Groups>>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) ledger: Ledger,
    pub(super) limiter: Limiter<IpAddr>,
    pub(super) log: audit::Shard,
    pub(super) metrics: Metrics,
    pub(super) possession: Vec<PossessionRoots>,
    pub(super) revoked: Arc<Watchlist>,
    pub(super) settled: Settled,
    pub(super) svid_ttl: Duration,
    /// How often one user of this machine may be named.
    pub(super) users: Limiter<u32>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) csr: Vec<u8>,
    /// No longer than this, if it is said.
    pub(super) lifetime: Option<Duration>,
    pub(super) proof: Proof,
    /// Empty: whoever the proof makes the caller.
    pub(super) wish: String,
}

/// What is given.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Office {
    /// Names the caller, or says why not. Either is recorded before it is told.
    pub(super) async fn issue(&self, asked: &Asked, caller: &Caller) -> Result<Granted, Refusal> {
        let room = self
            .log
            .begin()
            .map_err(|cause| Refusal::NoRoom { cause })?;
        let mut event = room.event("svid_issue");
        event.fact("source", caller.source.to_string());
        event.fact("proof", asked.proof.kind());
        if let Some(peer) = &caller.peer {
            event.fact("caller", peer.id().to_shared());
            event.fact("caller_serial", peer.serial().to_owned());
        }
        let outcome = self.grant(asked, caller, &mut event).await;
        let reason = outcome.as_ref().err().map(Refusal::reason);
        self.metrics.issued(asked.proof.kind(), reason.as_deref());
        match &outcome {
            Ok(_) => event.end(Decision::Permit, None),
            Err(refusal) => event.end(refusal.decision(), reason.as_deref()),
        }
        outcome
    }

    async fn grant(
        &self,
        asked: &Asked,
        caller: &Caller,
        event: &mut Event,
    ) -> Result<Granted, Refusal> {
        if !self.limiter.admits(&caller.source.ip()) {
            return Err(Refusal::TooMany);
        }
        if self.is_caller_revoked(caller) {
            return Err(Refusal::Revoked);
        }
        let wish = self.wish(asked)?;
        let proved = self
            .prove(asked, caller)
            .await
            .map_err(|cause| Refusal::NotProved { cause })?;
        event.fact("selectors", listed(&proved.selectors));
        let (entry, id) = self.entry_for(&proved, wish.as_ref()).await?;
        event.fact("entry", entry.name.as_str().to_owned());
        event.fact("spiffe_id", id.to_shared());
        if self.revoked.current().include_id(&id) {
            return Err(Refusal::Revoked);
        }
        let issued = self.sign(&asked.csr, asked.lifetime, &entry, &id)?;
        self.note(&issued, &entry, &id, &proved).await?;
        event.fact("serial", issued.leaf.serial().to_owned());
        event.fact("not_after", date(issued.leaf.not_after()));
        Ok(Granted {
            chain: issued.chain,
        })
    }

    fn wish(&self, asked: &Asked) -> Result<Option<SpiffeId>, Refusal> {
        if asked.wish.is_empty() {
            return Ok(None);
        }
        let wish = asked.wish.parse();
        wish.map(Some).map_err(|cause| Refusal::BadWish { cause })
    }

    async fn prove(&self, asked: &Asked, caller: &Caller) -> Result<Proved, ProofError> {
        let now = self.clock.now();
        match &asked.proof {
            Proof::JoinToken(token) => self.prove_token(token.as_str()).await,
            Proof::Kubernetes(token) => {
                if self.clusters.is_empty() {
                    return Err(ProofError::NotTaken);
                }
                let issuer = named_issuer(token.as_str());
                let cluster = self
                    .clusters
                    .iter()
                    .find(|cluster| Some(cluster.issuer()) == issuer.as_deref())
                    .or_else(|| self.clusters.first())
                    .ok_or(ProofError::NotTaken)?;
                let selectors = cluster
                    .prove(token.as_str(), now)
                    .await
                    .map_err(|cause| ProofError::Kubernetes { cause })?;
                Ok(Proved::by(selectors))
            }
            Proof::Possession(shown) => {
                let mut last = ProofError::NotTaken;
                for roots in &self.possession {
                    match roots.prove(shown, &caller.exporter, &asked.csr, now) {
                        Ok(selectors) => return Ok(Proved::by(selectors)),
                        Err(cause) => last = ProofError::Possession { cause },
                    }
                }
                Err(last)
            }
            Proof::Svid => {
                let peer = caller.peer.as_ref().ok_or(ProofError::None)?;
                let proved = self.ledger.proved_for(peer.serial()).await?;
                // Whoever has a program's key, wherever that is, could renew it here and
                // be this program for ever. It asks at the socket again, where the
                // system says who it is.
                let is_of_program = |proved: &BTreeSet<Selector>| {
                    proved.iter().any(|one| one.kind().starts_with("unix:"))
                };
                proved
                    .filter(|proved| !is_of_program(proved))
                    .map(Proved::by)
                    .ok_or(ProofError::SvidUnknown)
            }
        }
    }

    async fn prove_token(&self, token: &str) -> Result<Proved, ProofError> {
        let digest = digest_of(token);
        let entry = self
            .ledger
            .entry_of_token(&digest)
            .await?
            .ok_or(ProofError::TokenUnknown)?;
        // An entry that is made with a token is for that token alone.
        let selector = entry.strip_prefix("token-").unwrap_or(&entry);
        let selector =
            Selector::new("join_token", selector).map_err(|_invalid| ProofError::TokenUnknown)?;
        Ok(Proved {
            selectors: BTreeSet::from([selector]),
            token: Some(digest),
        })
    }

    async fn entry_for(
        &self,
        proved: &Proved,
        wish: Option<&SpiffeId>,
    ) -> Result<(Arc<Entry>, SpiffeId), Refusal> {
        let find = || {
            let entries = Arc::clone(&self.entries.borrow());
            let found = entries.find(&proved.selectors, wish);
            found.map(|(entry, id)| (Arc::clone(entry), id))
        };
        if let Some(found) = find() {
            return Ok(found);
        }
        let unavailable = |cause| Refusal::Unavailable { cause };
        let is_news = self.settled.everywhere().await.map_err(unavailable)?;
        let found = if is_news { find() } else { None };
        found.ok_or_else(|| Refusal::NoEntry {
            proved: listed(&proved.selectors),
        })
    }

    /// Signs what `entry` grants for the key of `csr`, for at most `most`.
    pub(super) fn sign(
        &self,
        csr: &[u8],
        most: Option<Duration>,
        entry: &Entry,
        id: &SpiffeId,
    ) -> Result<Issued, Refusal> {
        let granted = entry.svid_ttl.unwrap_or(self.svid_ttl);
        let request = CertificateSigningRequestDer::from(csr);
        let wish = Wish {
            id,
            lifetime: most.map_or(granted, |most| most.min(granted)),
            request: &request,
        };
        self.keyring
            .current()
            .sign(wish, self.clock.now())
            .map_err(|cause| Refusal::NotIssued { cause })
    }

    /// Notes what was issued on what proof, before it is given out.
    pub(super) async fn note(
        &self,
        issued: &Issued,
        entry: &Entry,
        id: &SpiffeId,
        proved: &Proved,
    ) -> Result<(), Refusal> {
        let groups = Arc::clone(&self.groups.borrow());
        let is_news = is_newcomer(entry, id, &groups);
        if is_news && !have_room(&groups) {
            return Err(Refusal::GroupsFull);
        }
        let row = IssuedRow {
            serial: issued.leaf.serial().to_owned(),
            entry: entry.name.as_str().to_owned(),
            spiffe_id: id.as_str().to_owned(),
            selectors: proved.selectors.clone(),
            not_after: issued.leaf.not_after(),
            is_news,
        };
        let key = hex(digest::digest(&digest::SHA256, issued.leaf.public_key()).as_ref());
        let token = proved.token.as_deref().map(|digest| TokenUse {
            digest,
            key: &key,
            now: self.clock.now(),
        });
        let spent = self
            .ledger
            .note_issued(&row, token)
            .await
            .map_err(|cause| Refusal::Unavailable { cause })?;
        let cause = match spent {
            None | Some(Spent::Good(_)) => return Ok(()),
            Some(Spent::Expired) => ProofError::TokenExpired,
            Some(Spent::Unknown) => ProofError::TokenUnknown,
            Some(Spent::UsedBefore) => ProofError::TokenUsed,
        };
        Err(Refusal::NotProved { cause })
    }

    /// Whether whoever calls, or the certificate it shows, is revoked.
    pub(super) fn is_caller_revoked(&self, caller: &Caller) -> bool {
        caller
            .peer
            .as_ref()
            .is_some_and(|peer| peer.is_revoked(&self.revoked.current()))
    }
}

/// How often one address, or one user, may ask.
#[derive(Debug)]
pub(super) struct Limiter<K: Clone + Eq + Hash>(DefaultKeyedRateLimiter<K>);

impl<K: Clone + Eq + Hash> Limiter<K> {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        // A node that starts brings up all its pods at once.
        let burst = per_second.saturating_mul(BURST_SECONDS);
        Self(RateLimiter::keyed(
            Quota::per_second(per_second).allow_burst(burst),
        ))
    }

    pub(super) fn admits(&self, source: &K) -> bool {
        if self.0.len() > MOST_SOURCES {
            self.0.retain_recent();
        }
        self.0.check_key(source).is_ok()
    }
}

pub(super) fn listed(selectors: &BTreeSet<Selector>) -> String {
    let words: Vec<String> = selectors.iter().map(ToString::to_string).collect();
    words.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn date(at: std::time::SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_beyond| String::new(), |at| at.to_string())
}

/// Ten seconds' worth at once.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Sources that have not asked for a while are forgotten beyond this many.
const MOST_SOURCES: usize = 10_000;
