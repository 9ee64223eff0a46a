//! Asks providers again about those who are signed in, before what they said
//! grows old.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use tokio::time::sleep;

use crate::oidc::RefreshError;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::signed;
use crate::session::Due;
use crate::session::Why;

/// For ever.
pub(super) async fn keep_fresh(desk: &OfficeDesk) {
    let mut under_way = FuturesUnordered::new();
    loop {
        let room = MOST_AT_ONCE - under_way.len();
        match desk.sessions.due_for_refresh(room).await {
            Ok(due) => under_way.extend(due.into_iter().map(|one| desk.refresh(one))),
            Err(error) => desk.complain(&error),
        }
        desk.metrics.in_force(desk.sessions.count());
        let mut pause = std::pin::pin!(sleep(LOOK_EVERY));
        loop {
            tokio::select! {
                Some(()) = under_way.next() => {}
                () = &mut pause => break,
            }
        }
    }
}

impl OfficeDesk {
    async fn refresh(&self, due: Due) {
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
                tracing::warn!(error, session = %handle, "a provider cannot be asked again");
                self.sessions
                    .release(claim, PAUSE)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(RefreshError::Refused { cause }) => {
                let error: &dyn std::error::Error = &cause;
                tracing::info!(error, session = %handle, "a provider does not go on");
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
/// Providers limit how often they are asked.
const MOST_AT_ONCE: usize = 16;
