//! Tokens in our name, from the authority.
//!
//! Each is used until half of its life is over, and longer while the authority
//! is away. However many programs ask, there is one request under way for an
//! audience, and few at all.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
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
use crate::enrol::slot::Minted;
use crate::enrol::slot::Slot;
use crate::enrol::slot::Slots;
use crate::enrol::slot::UnderWay;
use crate::enrol::slot::Waiting;
use crate::enrol::slot::make_room;
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
    slots: Slots,
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
            slots: Slots::default(),
        }
    }

    async fn token(&self, id: &SpiffeId, audience: &Audience) -> Result<String, Refusal> {
        if self.asker.live.revoked().current().include_id(id) {
            return Err(Refusal::NoIdentity);
        }
        let found = self.look(&mut self.slots.lock(), audience, id)?;
        let under_way = match found {
            Found::Token(token) => return Ok(token),
            Found::UnderWay(under_way) => under_way,
        };
        let _waiting = Waiting {
            audience,
            slots: &self.slots,
            under_way: Some(under_way.clone()),
        };
        let outcome = under_way.clone().await;
        let now = self.asker.clock.now();
        let mut slots = self.slots.lock();
        slots
            .entry(audience.clone())
            .or_default()
            .settle(&under_way, outcome, id, now)
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
}

enum Found {
    Token(String),
    UnderWay(UnderWay),
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
        let revoked = self.news.revoked();
        let mut open = channel::open(settings, bundles, revoked, Some(svid), &self.clock).await?;
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

    fn mint<'a>(
        &'a self,
        id: &'a SpiffeId,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<String, Refusal>> {
        self.token(id, audience).boxed()
    }
}

fn keys_in(state: &Option<State>) -> Option<Arc<JwtBundles>> {
    let state = state.as_ref()?;
    Some(Arc::clone(&state.jwt_bundles))
}

/// Requests under way, each on a connection of its own.
const MOST_AT_ONCE: usize = 4;
