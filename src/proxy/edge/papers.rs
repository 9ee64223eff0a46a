//! What a request shows of whoever sent it.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::header;

use crate::policy::Caller;
use crate::policy::ProviderName;
use crate::proxy::canonical::Canonical;
use crate::proxy::edge::cookies;
use crate::proxy::edge::cookies::Shown;
use crate::proxy::edge::door::House;
use crate::proxy::edge::door::Place;
use crate::proxy::edge::origins;
use crate::proxy::edge::who;
use crate::proxy::edge::who::Vouched;
use crate::proxy::edge::who::Who;
use crate::proxy::refusal::Refusal;
use crate::session::Found;
use crate::session::Holder;
use crate::session::Over;
use crate::session::Session;

/// What a request shows of whoever sent it.
pub(super) struct Papers {
    pub(super) cookie: Cookie,
    pub(super) is_foreign: bool,
    pub(super) logins: Vec<String>,
    pub(super) who: Who,
}

/// What a browser's cookie of ours is worth.
#[derive(Clone, Copy)]
pub(super) enum Cookie {
    Absent,
    Good,
    /// It stands for no session.
    Useless,
}

impl Papers {
    /// Takes out of `request` what says who sent it, and finds out whether it is so.
    pub(super) async fn of(
        (house, source): (&House, IpAddr),
        request: &mut Canonical,
        place: Option<&Place>,
    ) -> Result<Self, Refusal> {
        let mut logins = Vec::new();
        let shown = cookies::take(&mut request.headers, &mut logins);
        let own = who::take_own(&mut request.headers).map_err(|_other| Refusal::BadToken)?;
        let host = request.authority.host();
        let session = match &shown {
            Shown::Nothing | Shown::Ambiguous => None,
            Shown::One(text) => session((house, source), (Holder::Browser, text), host).await?,
        };
        let cookie = match (&shown, &session) {
            (_, Some(_)) => Cookie::Good,
            (Shown::Nothing, None) => Cookie::Absent,
            (Shown::Ambiguous | Shown::One(_), None) => Cookie::Useless,
        };
        let provider = place.and_then(|place| place.settings.bearer.as_ref());
        let who = match (session, provider) {
            _ if own.is_some() => program((house, source), own, (&shown, host)).await?,
            (Some(session), provider) => {
                if provider.is_some() {
                    // Tokens are ours there. The session is enough, and the application gets none.
                    request.headers.remove(header::AUTHORIZATION);
                }
                Who::Session(session)
            }
            (None, Some(provider)) => vouched((house, source), request, provider).await?,
            (None, None) => Who::Nobody,
        };
        Ok(Self {
            cookie,
            is_foreign: origins::is_foreign(&request.headers, &request.authority),
            logins,
            who,
        })
    }
}

/// Whose program shows the `own` token. Who is `shown` by a cookie as well has two
/// names.
async fn program(
    (house, source): (&House, IpAddr),
    own: Option<String>,
    (shown, host): (&Shown, &str),
) -> Result<Who, Refusal> {
    let token = own.filter(|_| matches!(shown, Shown::Nothing));
    let token = token.ok_or(Refusal::BadToken)?;
    let session = session((house, source), (Holder::Program, &token), host).await?;
    Ok(Who::Session(session.ok_or(Refusal::BadToken)?))
}

/// Whom `provider` vouches for by a token, if there is one.
async fn vouched(
    (house, source): (&House, IpAddr),
    request: &mut Canonical,
    provider: &ProviderName,
) -> Result<Who, Refusal> {
    let token = who::take_token(&mut request.headers);
    let Some(token) = token.map_err(|_other| Refusal::BadToken)? else {
        return Ok(Who::Nobody);
    };
    let now = house.desk.clock().now();
    if let Some(known) = house.seen.borrow().get(provider, &token, now) {
        return Ok(Who::Vouched(known));
    }
    let vouched = house
        .counter
        .vouch(source, provider.clone(), token.clone())
        .await?;
    let vouched = vouched.ok_or(Refusal::BadToken)?;
    let person = Arc::new(vouched.person);
    let vouched = Rc::new(Vouched {
        caller: Caller::person(Arc::clone(&person)),
        person,
        until: vouched.expires_at,
    });
    let mut seen = house.seen.borrow_mut();
    seen.keep(&token, Rc::clone(&vouched), now);
    Ok(Who::Vouched(vouched))
}

/// The session whose cookie or token is `text`, if it goes on, and is of `host`.
async fn session(
    (house, source): (&House, IpAddr),
    (holder, text): (Holder, &str),
    host: &str,
) -> Result<Option<Arc<Session>>, Refusal> {
    let now = house.desk.clock().now();
    let unknown = match house
        .people
        .borrow_mut()
        .look_as(holder, text.as_bytes(), now)
    {
        Found::Malformed => return Ok(None),
        Found::Over(_, over @ (Over::ClockBack | Over::Unsure)) => {
            return Err(Refusal::SignedOut(over));
        }
        Found::Over(..) => return Ok(None),
        Found::Session(session) => Ok(Arc::clone(session)),
        Found::Unknown(digest) => Err(digest),
    };
    let session = match unknown {
        Ok(session) => Some(session),
        Err(digest) => {
            let found = house.counter.find(source, digest).await?;
            found.filter(|session| session.check(now).is_ok())
        }
    };
    let session = session.filter(|session| session.host() == host);
    if let Some(session) = &session {
        session.touch(now);
    }
    Ok(session)
}
