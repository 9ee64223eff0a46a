//! What a provider said grows old: who asks it again, once for all sidecars.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::policy::ProviderName;
use crate::session::archive;
use crate::session::calendar::column;
use crate::session::calendar::date;
use crate::session::calendar::seconds;
use crate::session::error::KeepError;
use crate::session::error::RenewError;
use crate::session::id::Digest;
use crate::session::id::SessionId;
use crate::session::live::Facts;
use crate::session::live::Session;
use crate::session::sessions::Sessions;
use crate::session::signed::Signed;
use crate::session::signed::Tokens;
use crate::session::why::Why;

/// A session whose provider must be asked again, by us.
#[derive(Debug)]
pub struct Due {
    /// That nobody else does so at the same time.
    pub claim: Claim,
    /// The session.
    pub session: Arc<Session>,
    /// What to ask with.
    pub tokens: Tokens,
}

/// The right to ask a session's provider again, for [two minutes](Claim::LASTS).
///
/// Not `Clone`: one claim, one answer. Dropped, it is free again when its time is over.
#[derive(Debug)]
pub struct Claim {
    digest: Digest,
    word: String,
}

impl Claim {
    /// How long a provider may take to answer. Another then tries, who may find
    /// that the refresh token has been used.
    pub const LASTS: Duration = Duration::from_secs(120);
}

impl Sessions {
    /// Those whose provider must be asked again now, as many of each provider as
    /// there is `room` for, each of which nobody else has. Ask for them each second.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn due_for_refresh(
        &self,
        room: impl Fn(&ProviderName) -> usize,
    ) -> Result<Vec<Due>, KeepError> {
        let now = self.clock.now();
        let due = self.board.all().into_iter().filter(|session| {
            due_at(session.facts()).is_some_and(|at| at <= seconds(now))
                && session.check(now).is_ok()
        });
        let mut claimed = Vec::new();
        let mut left = BTreeMap::new();
        for session in due {
            let provider = &session.person().provider;
            let left = left
                .entry(provider.clone())
                .or_insert_with(|| room(provider));
            if *left == 0 {
                continue;
            }
            if let Some(due) = self.claim(session, now).await? {
                *left -= 1;
                claimed.push(due);
            }
        }
        Ok(claimed)
    }

    async fn claim(
        &self,
        session: Arc<Session>,
        now: SystemTime,
    ) -> Result<Option<Due>, KeepError> {
        let digest = session.digest();
        let Ok(word) = SessionId::generate().map(|word| word.digest().to_string()) else {
            return Ok(None);
        };
        let until = seconds(now).saturating_add(Claim::LASTS.as_secs());
        let claimed = sqlx::query(
            "UPDATE session SET claim = $1, claimed_until_s = $2
             WHERE digest = $3 AND claimed_until_s <= $4 AND good_until_s = $5 AND why = ''",
        )
        .bind(word.clone())
        .bind(column(until))
        .bind(digest.to_string())
        .bind(column(seconds(now)))
        .bind(column(session.facts().good_until))
        .execute(self.database.pool())
        .await?;
        if claimed.rows_affected() != 1 {
            return Ok(None);
        }
        match archive::tokens(&self.database, &self.key, &digest).await {
            Ok(tokens) => Ok(Some(Due {
                claim: Claim { digest, word },
                session,
                tokens,
            })),
            Err(KeepError::Seal { cause }) => {
                let error: &dyn std::error::Error = &cause;
                tracing::error!(error, session = %digest.handle(), "a session is damaged: it is over");
                self.end(&digest, Why::Damaged).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Puts what the provider says now in the place of what it said. Tokens that
    /// it did not give anew stay.
    ///
    /// # Errors
    ///
    /// All of [`RenewError`]. The session is as it was.
    pub async fn renew(&self, claim: Claim, signed: Signed) -> Result<(), RenewError> {
        let store = |cause| RenewError::Store { cause };
        let Claim { digest, word } = claim;
        let session = self.board.find(&digest).ok_or(RenewError::NotOurs)?;
        let person = session.person();
        if person.provider != signed.person.provider || person.subject != signed.person.subject {
            return Err(RenewError::OtherPerson);
        }
        let kept = archive::tokens(&self.database, &self.key, &digest).await;
        let kept = kept.map_err(store)?;
        let tokens = Tokens {
            id_token: signed.id_token.or(kept.id_token),
            refresh_token: signed.refresh_token.or(kept.refresh_token),
        };
        let mut change = self.begin().await.map_err(store)?;
        let number = change.number().await;
        let facts = Facts {
            good_until: signed.good_until.map_or(0, seconds),
            renewed_at: seconds(self.clock.now()),
            sid: signed
                .sid
                .map_or_else(|| session.facts().sid.clone(), |sid| Some(sid.into())),
            version: number.map_err(|error| store(error.into()))?,
            ..session.facts().clone()
        };
        let sealed = archive::seal(&self.key, &facts, &signed.person, &tokens).map_err(store)?;
        let updated = archive::update(change.connection(), &facts, sealed, &word).await;
        if !updated.map_err(store)? {
            return Err(RenewError::NotOurs);
        }
        let committed = change.commit().await;
        committed.map_err(|error| store(error.into()))?;
        self.put(facts, signed.person, session.life().last_used());
        Ok(())
    }

    /// Gives a claim back: the provider did not answer. Nobody asks it again for
    /// `pause`.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn release(&self, claim: Claim, pause: Duration) -> Result<(), KeepError> {
        let until = self.clock.now().checked_add(pause);
        sqlx::query(
            "UPDATE session SET claim = '', claimed_until_s = $1 WHERE digest = $2 AND claim = $3",
        )
        .bind(column(until.map_or(0, seconds)))
        .bind(claim.digest.to_string())
        .bind(claim.word)
        .execute(self.database.pool())
        .await?;
        Ok(())
    }
}

impl Session {
    /// When its provider is asked again; never, if it need not be.
    #[must_use]
    pub fn refresh_at(&self) -> Option<SystemTime> {
        due_at(self.facts()).map(date)
    }
}

/// In the last quarter of the tokens' time, a minute before its end at most, and
/// not all at once.
pub(super) fn due_at(facts: &Facts) -> Option<u64> {
    if facts.good_until == 0 {
        return None;
    }
    let lifetime = facts.good_until.saturating_sub(facts.renewed_at);
    let lead = (lifetime / 4).min(MOST_LEAD_S);
    let spread = lead * u64::from(facts.digest.lot()) / 512;
    let at = facts.good_until.saturating_sub(lead - spread);
    Some(at.max(facts.renewed_at.saturating_add(LEAST_PAUSE_S)))
}

/// Long enough for a provider that restarts.
const MOST_LEAD_S: u64 = 60;

/// A provider whose tokens are good for seconds is not asked without pause.
const LEAST_PAUSE_S: u64 = 5;
