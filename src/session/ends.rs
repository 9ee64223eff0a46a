//! How sessions end: once, for all sidecars, and for ever.

use sqlx::AnyConnection;

use crate::policy::Person;
use crate::policy::ProviderName;
use crate::policy::Subject;
use crate::session::archive;
use crate::session::archive::Said;
use crate::session::calendar::column;
use crate::session::calendar::seconds;
use crate::session::error::KeepError;
use crate::session::id::Digest;
use crate::session::id::Handle;
use crate::session::live::Session;
use crate::session::sessions::Sessions;
use crate::session::why::Why;
use crate::store::Change;

/// Which sessions are meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose<'a> {
    /// Everybody's.
    All,
    /// The one that operators call so.
    Handle(&'a Handle),
    /// A person's.
    Person(&'a ProviderName, &'a Subject),
    /// Those of one session at the provider, and if a person is named, only theirs.
    ProviderSession(&'a ProviderName, &'a str, Option<&'a Subject>),
}

impl Whose<'_> {
    fn has(self, session: &Session) -> bool {
        let person = session.person();
        match self {
            Self::All => true,
            Self::Handle(handle) => session.digest().handle() == *handle,
            Self::Person(provider, subject) => {
                person.provider == *provider && person.subject == *subject
            }
            Self::ProviderSession(provider, sid, subject) => {
                person.provider == *provider
                    && session.sid() == Some(sid)
                    && subject.is_none_or(|subject| person.subject == *subject)
            }
        }
    }
}

/// The end of a session, as it is written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: u64,
    pub(super) version: i64,
    pub(super) why: Why,
}

impl Sessions {
    /// Ends a session: at once in this process, also if the store does not
    /// answer, which is then told later. Tells whether it was in force.
    ///
    /// # Errors
    ///
    /// [`KeepError`] if the store does not answer: other sidecars do not know yet.
    pub async fn end(&self, digest: &Digest, why: Why) -> Result<bool, KeepError> {
        self.board.end(digest, why);
        let mut change = self.begin().await?;
        let end = self.end_in(&mut change, why).await?;
        let ended = one(change.connection(), digest, end).await?;
        if ended {
            change.commit().await?;
            self.board.has_ended(digest, why);
        }
        Ok(ended)
    }

    /// An end that is written down now, as a part of `change`.
    async fn end_in(&self, change: &mut Change<'_>, why: Why) -> Result<End, KeepError> {
        Ok(End {
            at: seconds(self.clock.now()),
            version: change.number().await?,
            why,
        })
    }

    /// Ends all that are meant, as [`end`](Self::end) does; tells which were in force.
    ///
    /// # Errors
    ///
    /// [`KeepError`] if the store does not answer: other sidecars do not know yet.
    pub async fn end_of(&self, whose: Whose<'_>, why: Why) -> Result<Vec<Digest>, KeepError> {
        for session in self.board.all() {
            if whose.has(&session) {
                self.board.end(&session.digest(), why);
            }
        }
        let mut change = self.begin().await?;
        let end = self.end_in(&mut change, why).await?;
        let ended = many(change.connection(), whose, end).await?;
        if ended.is_empty() {
            return Ok(ended);
        }
        change.commit().await?;
        for digest in &ended {
            self.board.has_ended(digest, why);
        }
        Ok(ended)
    }

    /// Writes down an end that is known here only; or learns that the session
    /// goes on, because it was used or renewed elsewhere.
    pub(super) async fn settle(&self, session: &Session) -> Result<(), KeepError> {
        let life = session.life();
        let Some(why) = life.over().filter(|_| !life.is_written()) else {
            return Ok(());
        };
        let digest = session.digest();
        let mut change = self.begin().await?;
        let end = self.end_in(&mut change, why).await?;
        let ended = if why.is_by_the_clock() {
            by_the_clock(change.connection(), session, end).await?
        } else {
            one(change.connection(), &digest, end).await?
        };
        if ended {
            change.commit().await?;
            self.board.has_ended(&digest, why);
            return Ok(());
        }
        drop(change);
        let Some(row) = archive::one(&self.database, &digest).await? else {
            self.board.has_ended(&digest, why);
            return Ok(());
        };
        match archive::read(row, &self.key) {
            Said::Live(said, used) => {
                let (facts, person) = *said;
                life.goes_on(used);
                self.put(facts, person, used);
            }
            Said::Ended(_, why) => self.board.has_ended(&digest, why),
            Said::Damaged(_) => self.board.has_ended(&digest, Why::Damaged),
        }
        Ok(())
    }
}

/// Ends one, as part of a change. Tells whether it was in force.
pub(super) async fn one(
    connection: &mut AnyConnection,
    digest: &Digest,
    end: End,
) -> Result<bool, KeepError> {
    let ended = sqlx::query(
        "UPDATE session SET why = $1, ended_s = $2, version = $3, refresh_token = '', id_token = ''
         WHERE digest = $4 AND why = ''",
    )
    .bind(end.why.as_str())
    .bind(column(end.at))
    .bind(end.version)
    .bind(digest.to_string())
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends one whose time is over as far as we know, unless it was used or renewed
/// elsewhere since.
async fn by_the_clock(
    connection: &mut AnyConnection,
    session: &Session,
    end: End,
) -> Result<bool, KeepError> {
    let ended = sqlx::query(
        "UPDATE session SET why = $1, ended_s = $2, version = $3, refresh_token = '', id_token = ''
         WHERE digest = $4 AND why = '' AND last_used_s <= $5 AND good_until_s <= $6",
    )
    .bind(end.why.as_str())
    .bind(column(end.at))
    .bind(end.version)
    .bind(session.digest().to_string())
    .bind(column(session.life().last_used()))
    .bind(column(session.facts().good_until))
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends all that are meant.
async fn many(
    connection: &mut AnyConnection,
    whose: Whose<'_>,
    end: End,
) -> Result<Vec<Digest>, KeepError> {
    // An empty text stands for "whichever"; no name of any of them is empty.
    let (handle, provider, subject, sid) = match whose {
        Whose::All => ("", "", "", ""),
        Whose::Handle(handle) => (handle.as_str(), "", "", ""),
        Whose::Person(provider, subject) => ("", provider.as_str(), subject.as_str(), ""),
        // It would mean everybody's.
        Whose::ProviderSession(_, "", _) => return Ok(Vec::new()),
        Whose::ProviderSession(provider, sid, subject) => {
            let subject = subject.map_or("", Subject::as_str);
            ("", provider.as_str(), subject, sid)
        }
    };
    let ended: Vec<String> = sqlx::query_scalar(
        "UPDATE session SET why = $1, ended_s = $2, version = $3, refresh_token = '', id_token = ''
         WHERE why = '' AND ($4 = '' OR handle = $4) AND ($5 = '' OR provider = $5)
         AND ($6 = '' OR subject = $6) AND ($7 = '' OR sid = $7) RETURNING digest",
    )
    .bind(end.why.as_str())
    .bind(column(end.at))
    .bind(end.version)
    .bind(handle.to_owned())
    .bind(provider.to_owned())
    .bind(subject.to_owned())
    .bind(sid.to_owned())
    .fetch_all(connection)
    .await?;
    Ok(digests(ended))
}

/// The sessions of a person beyond the newest `most`.
pub(super) async fn all_but(
    connection: &mut AnyConnection,
    person: &Person,
    most: usize,
) -> Result<Vec<Digest>, KeepError> {
    let all: Vec<String> = sqlx::query_scalar(
        "SELECT digest FROM session WHERE provider = $1 AND subject = $2 AND why = ''
         ORDER BY created_s DESC, version DESC",
    )
    .bind(person.provider.as_str().to_owned())
    .bind(person.subject.as_str().to_owned())
    .fetch_all(connection)
    .await?;
    Ok(digests(all.into_iter().skip(most)))
}

/// How many are in force.
pub(super) async fn count(connection: &mut AnyConnection) -> Result<usize, KeepError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM session WHERE why = ''")
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A damaged digest names no session.
fn digests(texts: impl IntoIterator<Item = String>) -> Vec<Digest> {
    let read = texts.into_iter().filter_map(|text| text.parse().ok());
    read.collect()
}
