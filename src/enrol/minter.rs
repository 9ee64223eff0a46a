//! Tokens in our name, from the authority.
//!
//! Each is used until half of its life is over, and longer while the authority
//! is away. However many programs ask, there is one request under way for an
//! audience, and few at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::Shared;
use futures_util::stream::unfold;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::timeout;
use tonic::Code;

use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::enrol::answer::State;
use crate::enrol::channel;
use crate::enrol::news::News;
use crate::id::SpiffeId;
use crate::identity::Live;
use crate::jwt::Audience;
use crate::jwt::JwtBundles;
use crate::jwt::JwtSvid;
use crate::rpc::authority as rpc;
use crate::time::Clock;
use crate::workload_api::Refusal;
use crate::workload_api::Tokens;
use crate::workload_api::Updates;

/// Asks the authority for tokens, as whoever we are.
#[derive(Debug)]
pub struct Minter {
    asker: Arc<Asker>,
    slots: Mutex<HashMap<Audience, Slot>>,
}

/// What there is for one audience.
#[derive(Debug, Default)]
struct Slot {
    held: Option<Minted>,
    /// Not asked again before this.
    rests_until: Option<Instant>,
    under_way: Option<UnderWay>,
}

type UnderWay = Shared<BoxFuture<'static, Result<Minted, Refusal>>>;

/// A token that was checked.
#[derive(Clone)]
struct Minted {
    id: SpiffeId,
    token: Arc<str>,
    /// From when there should be another.
    renew_at: SystemTime,
    ends_at: SystemTime,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("id", &self.id)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}

impl Minter {
    pub(super) fn new(
        settings: Arc<Settings>,
        news: Arc<News>,
        clock: Arc<dyn Clock>,
        live: Arc<Live>,
    ) -> Self {
        let asker = Asker {
            at_once: Semaphore::new(MOST_AT_ONCE),
            clock,
            live,
            news,
            settings,
        };
        Self {
            asker: Arc::new(asker),
            slots: Mutex::default(),
        }
    }

    async fn token(&self, audience: &Audience) -> Result<String, Refusal> {
        let id = self.asker.live.current().svid().id().clone();
        if self.asker.live.revoked().current().include_id(&id) {
            return Err(Refusal::NoIdentity);
        }
        let found = self.look(&mut self.slots(), audience, &id)?;
        let under_way = match found {
            Found::Token(token) => return Ok(token),
            Found::UnderWay(under_way) => under_way,
        };
        let outcome = under_way.clone().await;
        let now = self.asker.clock.now();
        let mut slots = self.slots();
        slots
            .entry(audience.clone())
            .or_default()
            .settle(&under_way, outcome, |held| held.holds(&id, now))
    }

    /// What there is now, which may be a request that somebody has made.
    fn look(
        &self,
        slots: &mut HashMap<Audience, Slot>,
        audience: &Audience,
        id: &SpiffeId,
    ) -> Result<Found, Refusal> {
        let now = self.asker.clock.now();
        if !slots.contains_key(audience) {
            make_room(slots, now)?;
        }
        let slot = slots.entry(audience.clone()).or_default();
        let rests = slot.rests_until.is_some_and(|until| until > Instant::now());
        if let Some(held) = slot.held.as_ref().filter(|held| held.holds(id, now))
            && (rests || now < held.renew_at)
        {
            return Ok(Found::Token(held.token.to_string()));
        }
        let asker = &self.asker;
        let under_way = slot.under_way.get_or_insert_with(|| {
            let (asker, audience) = (Arc::clone(asker), audience.clone());
            async move { asker.ask(&audience).await }.boxed().shared()
        });
        Ok(Found::UnderWay(under_way.clone()))
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Audience, Slot>> {
        // Nothing is half done under this lock.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Keeps what came of a request; while nobody answers, what was kept before
    /// is good as long as it `holds`.
    fn settle(
        &mut self,
        under_way: &UnderWay,
        outcome: Result<Minted, Refusal>,
        holds: impl Fn(&Minted) -> bool,
    ) -> Result<String, Refusal> {
        let is_ours = |other: &UnderWay| other.ptr_eq(under_way);
        if self.under_way.as_ref().is_some_and(is_ours) {
            self.under_way = None;
            match &outcome {
                Ok(minted) => self.held = Some(minted.clone()),
                Err(Refusal::NoIdentity) => self.held = None,
                Err(Refusal::NotReady(_)) => self.rests_until = Some(Instant::now() + REST),
            }
        }
        match (outcome, &self.held) {
            (Ok(minted), _) => Ok(minted.token.to_string()),
            (Err(_away), Some(held)) if holds(held) => Ok(held.token.to_string()),
            (Err(refusal), _) => Err(refusal),
        }
    }
}

enum Found {
    Token(String),
    UnderWay(UnderWay),
}

impl Minted {
    /// Whether it still is worth something, and ours.
    fn holds(&self, id: &SpiffeId, now: SystemTime) -> bool {
        self.id == *id && now + LAST_SECONDS < self.ends_at
    }
}

/// Lets the token that ends first make way for another audience.
fn make_room(slots: &mut HashMap<Audience, Slot>, now: SystemTime) -> Result<(), Refusal> {
    let ends_at = |slot: &Slot| slot.held.as_ref().map(|held| held.ends_at);
    if slots.len() >= MOST_AUDIENCES {
        slots.retain(|_, slot| slot.under_way.is_some() || ends_at(slot) > Some(now));
    }
    if slots.len() < MOST_AUDIENCES {
        return Ok(());
    }
    let idle = slots.iter().filter(|(_, slot)| slot.under_way.is_none());
    let first = idle.min_by_key(|(_, slot)| ends_at(slot));
    let first = first.map(|(audience, _)| audience.clone());
    let first = first.ok_or(Refusal::NotReady(
        "too many audiences are asked for at once",
    ))?;
    slots.remove(&first);
    Ok(())
}

/// What a request needs.
#[derive(Debug)]
struct Asker {
    at_once: Semaphore,
    clock: Arc<dyn Clock>,
    live: Arc<Live>,
    news: Arc<News>,
    settings: Arc<Settings>,
}

impl Asker {
    async fn ask(&self, audience: &Audience) -> Result<Minted, Refusal> {
        // It is never closed.
        let _place = self.at_once.acquire().await.ok();
        let mut outcome = Err(EnrolError::NoAuthority);
        for _ in &self.settings.authorities {
            outcome = self.try_one(audience).await;
            if !outcome.as_ref().is_err_and(EnrolError::may_pass) {
                break;
            }
        }
        outcome.map_err(|error| {
            let refusal = self.refusal(&error);
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "there is no token from the authority");
            refusal
        })
    }

    async fn try_one(&self, audience: &Audience) -> Result<Minted, EnrolError> {
        let identity = self.live.current();
        let svid = Arc::clone(identity.svid());
        let id = svid.id().clone();
        let bundles = Arc::clone(identity.bundles());
        let settings = &self.settings;
        let mut open = channel::open(settings, bundles, Some(svid), &self.clock).await?;
        let request = rpc::MintJwtRequest {
            audience: audience.names().to_vec(),
        };
        let answer = timeout(settings.patience, open.client.mint_jwt(request))
            .await
            .map_err(|_elapsed| EnrolError::Patience {
                authority: settings.authorities.join(", "),
            })??;
        self.read(&answer.into_inner().token, &id, audience)
    }

    /// Checks what was answered as its audience will.
    fn read(&self, token: &str, id: &SpiffeId, to: &Audience) -> Result<Minted, EnrolError> {
        let now = self.clock.now();
        let keys = self.news.keys().unwrap_or_default();
        let name = to.names().first().map_or("", String::as_str);
        let svid = JwtSvid::verify(token, name, &keys, now)
            .map_err(|cause| EnrolError::BadToken { cause })?;
        if svid.id() != id {
            return Err(EnrolError::OthersToken {
                found: svid.id().clone(),
            });
        }
        let ends_at = svid.expires_at();
        let left = ends_at.duration_since(now).unwrap_or_default();
        Ok(Minted {
            id: id.clone(),
            token: token.into(),
            renew_at: now + left / 2,
            ends_at,
        })
    }

    /// What whoever asks us is told; the log says more.
    fn refusal(&self, error: &EnrolError) -> Refusal {
        let is_in_force = self.live.current().svid().not_after() >= self.clock.now();
        match error {
            EnrolError::Refused { status }
                if status.code() == Code::PermissionDenied && is_in_force =>
            {
                Refusal::NoIdentity
            }
            _ => Refusal::NotReady("the authority gives no token now"),
        }
    }
}

impl Tokens for Minter {
    fn keys(&self) -> Result<Updates<JwtBundles>, Refusal> {
        let mut heard = self.asker.news.follow();
        heard.mark_changed();
        if heard.borrow().is_none() {
            return Err(Refusal::NotReady("the authority has not told its keys yet"));
        }
        let last: Option<Arc<JwtBundles>> = None;
        let keys = unfold((heard, last), |(mut heard, last)| async move {
            loop {
                heard.changed().await.ok()?;
                let keys = keys_in(&heard.borrow_and_update());
                if keys != last {
                    let told = keys.clone()?;
                    return Some((Ok(told), (heard, keys)));
                }
            }
        });
        Ok(keys.boxed())
    }

    fn mint<'a>(&'a self, audience: &'a Audience) -> BoxFuture<'a, Result<String, Refusal>> {
        self.token(audience).boxed()
    }
}

fn keys_in(state: &Option<State>) -> Option<Arc<JwtBundles>> {
    let state = state.as_ref()?;
    Some(Arc::clone(&state.jwt_bundles))
}

/// Requests under way, each on a connection of its own.
const MOST_AT_ONCE: usize = 4;

/// More than one program calls.
const MOST_AUDIENCES: usize = 256;

/// What whoever gets a token needs to use it.
const LAST_SECONDS: Duration = Duration::from_secs(5);

/// How long an authority that does not answer is left alone, as long as there
/// is a token from before.
const REST: Duration = Duration::from_secs(5);
