//! Asks providers again about those who are signed in, before what they said
//! grows old. Each is asked for itself: one that does not answer keeps nobody
//! from being asked about elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use tokio::time::sleep;

use crate::oidc::RefreshError;
use crate::oidc::SignInError;
use crate::policy::ProviderName;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::signed;
use crate::session::Due;
use crate::session::Why;

/// For ever.
pub(super) async fn keep_fresh(desk: &OfficeDesk) {
    let mut under_way = FuturesUnordered::new();
    let mut asked: BTreeMap<ProviderName, usize> = BTreeMap::new();
    loop {
        let room = |provider: &_| MOST_AT_ONCE - asked.get(provider).copied().unwrap_or(0);
        match desk.sessions.due_for_refresh(room).await {
            Ok(due) => {
                for one in due {
                    let provider = one.session.person().provider.clone();
                    *asked.entry(provider).or_default() += 1;
                    under_way.push(desk.refresh(one));
                }
            }
            Err(error) => desk.complain(&error),
        }
        desk.metrics.in_force(desk.sessions.count());
        let mut pause = std::pin::pin!(sleep(LOOK_EVERY));
        loop {
            tokio::select! {
                Some(provider) = under_way.next() => {
                    asked.entry(provider).and_modify(|count| *count -= 1);
                }
                () = &mut pause => break,
            }
        }
    }
}

impl OfficeDesk {
    /// Asks about one, and says whom.
    async fn refresh(&self, due: Due) -> ProviderName {
        let name = due.session.person().provider.clone();
        self.ask_again(due).await;
        name
    }

    async fn ask_again(&self, due: Due) {
        let Due {
            claim,
            session,
            tokens,
        } = due;
        let (digest, person) = (session.digest(), session.person());
        let handle = digest.handle();
        let (Some(provider), Some(token)) =
            (self.providers.get(&person.provider), &tokens.refresh_token)
        else {
            return self.give_up(&session, Why::RefreshRefused).await;
        };
        let answer = provider.refresh(token, person).await;
        let result = match &answer {
            Ok(_) => "ok",
            Err(error) if error.cause().is_our_mistake() => "misconfigured",
            Err(RefreshError::Refused { .. }) => "refused",
            Err(RefreshError::Unavailable { .. }) => "unavailable",
        };
        self.metrics.refreshed(provider.name().as_str(), result);
        let kept = match answer {
            Ok(signed_in) => {
                let signed = signed(signed_in, session.host());
                self.sessions
                    .renew(claim, signed)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(RefreshError::Unavailable { cause }) => {
                let error: &dyn std::error::Error = &cause;
                if cause.is_our_mistake() {
                    tracing::error!(error, session = %handle, "nobody can be asked about again as we are configured");
                } else {
                    tracing::warn!(error, session = %handle, "a provider cannot be asked again");
                }
                self.sessions
                    .release(claim, PAUSE)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(RefreshError::Refused { cause }) => {
                let error: &dyn std::error::Error = &cause;
                if matches!(cause, SignInError::Refused { .. }) {
                    tracing::info!(error, session = %handle, "a provider does not go on");
                } else {
                    tracing::warn!(error, session = %handle, "what a provider says now is not believed");
                }
                return self.give_up(&session, Why::RefreshRefused).await;
            }
        };
        if let Err(error) = kept {
            tracing::warn!(error, session = %handle, "what a provider says now is not kept");
        }
    }

    async fn give_up(&self, session: &crate::session::Session, why: Why) {
        if let Err(error) = self.sessions.end(&session.digest(), why).await {
            self.complain(&error);
        }
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Before a provider that is away is asked again.
const PAUSE: Duration = Duration::from_secs(15);
/// Of each provider: they limit how often they are asked.
const MOST_AT_ONCE: usize = 16;
