//! Sessions in the store: rows become values here, or are damaged.

use sqlx::AnyConnection;
use zeroize::Zeroizing;

use crate::policy::Person;
use crate::session::calendar::column;
use crate::session::calendar::from_column;
use crate::session::error::KeepError;
use crate::session::id::Digest;
use crate::session::live::Facts;
use crate::session::record;
use crate::session::signed::Tokens;
use crate::session::why::Why;
use crate::store::Database;
use crate::store::SealError;
use crate::store::SealingKey;

/// Asks for the digest, what is sealed, what is beside it in the clear to be
/// asked for, and what changes without a seal.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT digest, sealed, provider, subject, sid, created_s, ends_s, good_until_s,
             last_used_s, version, why FROM session ",
            $which
        )
    };
}

pub(super) type Row = (
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    String,
);

/// What a row says.
#[derive(Debug)]
pub(super) enum Said {
    /// Nothing that can be believed.
    Damaged(String),
    /// It is over.
    Ended(Digest, Why),
    /// It is in force, and was last used then.
    Live(Box<(Facts, Person)>, u64),
}

/// Reads what changed after `version`.
pub(super) async fn since(database: &Database, version: i64) -> Result<Vec<Row>, KeepError> {
    let rows = sqlx::query_as(select!("WHERE version > $1 ORDER BY version")).bind(version);
    Ok(rows.fetch_all(database.pool()).await?)
}

/// Reads all that are in force.
pub(super) async fn live(database: &Database) -> Result<Vec<Row>, KeepError> {
    let rows = sqlx::query_as(select!("WHERE why = '' ORDER BY version"));
    Ok(rows.fetch_all(database.pool()).await?)
}

/// Reads one.
pub(super) async fn one(database: &Database, digest: &Digest) -> Result<Option<Row>, KeepError> {
    let row = sqlx::query_as(select!("WHERE digest = $1")).bind(digest.to_string());
    Ok(row.fetch_optional(database.pool()).await?)
}

/// What `row` says, if it is as we wrote it.
pub(super) fn read(row: Row, key: &SealingKey) -> Said {
    let (digest, sealed, provider, subject, sid, created, ends, good_until, used, version, why) =
        row;
    let Ok(known) = digest.parse::<Digest>() else {
        return Said::Damaged(digest);
    };
    if !why.is_empty() {
        return Said::Ended(known, Why::from_word(&why).unwrap_or(Why::Damaged));
    }
    let read = || {
        let text = key.unseal(&seal_name(&known), &sealed).ok()?;
        let (facts, person) = record::read(&text, known, version)?;
        let times = [facts.created, facts.ends, facts.good_until].map(column);
        let is_as_written = times == [created, ends, good_until]
            && person.provider.as_str() == provider
            && person.subject.as_str() == subject
            && facts.sid.as_deref().unwrap_or_default() == sid;
        let used = from_column(used)?;
        is_as_written.then_some((Box::new((facts, person)), used))
    };
    match read() {
        Some((session, used)) => Said::Live(session, used),
        None => Said::Damaged(digest),
    }
}

/// What is sealed of a session.
#[derive(Debug)]
pub(super) struct Sealed {
    record: String,
    refresh_token: String,
    id_token: String,
}

/// Seals it.
pub(super) fn seal(
    key: &SealingKey,
    facts: &Facts,
    person: &Person,
    tokens: &Tokens,
) -> Result<Sealed, KeepError> {
    let digest = &facts.digest;
    let record = record::write(facts, person).ok_or(KeepError::TooLarge)?;
    let token = |kind: &str, token: &Option<Zeroizing<String>>| match token {
        Some(token) => key.seal(&token_name(digest, kind), token.as_bytes()),
        None => Ok(String::new()),
    };
    Ok(Sealed {
        record: key.seal(&seal_name(digest), record.as_bytes())?,
        refresh_token: token("refresh_token", &tokens.refresh_token)?,
        id_token: token("id_token", &tokens.id_token)?,
    })
}

/// Adds a session, as part of a change.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    facts: &Facts,
    person: &Person,
    sealed: Sealed,
) -> Result<(), KeepError> {
    sqlx::query(
        "INSERT INTO session (digest, handle, provider, subject, sid, sealed, refresh_token,
         id_token, created_s, last_used_s, good_until_s, ends_s, claim, claimed_until_s, version,
         why, ended_s)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 0, $13, '', 0)",
    )
    .bind(facts.digest.to_string())
    .bind(facts.digest.handle().to_string())
    .bind(person.provider.as_str().to_owned())
    .bind(person.subject.as_str().to_owned())
    .bind(facts.sid.as_deref().unwrap_or_default().to_owned())
    .bind(sealed.record)
    .bind(sealed.refresh_token)
    .bind(sealed.id_token)
    .bind(column(facts.created))
    .bind(column(facts.created))
    .bind(column(facts.good_until))
    .bind(column(facts.ends))
    .bind(facts.version)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts what the provider says now in the place of what it said, as part of a
/// change, if whoever does so has the claim to it. Tells whether it did.
pub(super) async fn update(
    connection: &mut AnyConnection,
    facts: &Facts,
    sealed: Sealed,
    claim: &str,
) -> Result<bool, KeepError> {
    let updated = sqlx::query(
        "UPDATE session SET sealed = $1, refresh_token = $2, id_token = $3, good_until_s = $4,
         sid = $5, version = $6, claim = '', claimed_until_s = 0
         WHERE digest = $7 AND claim = $8 AND why = ''",
    )
    .bind(sealed.record)
    .bind(sealed.refresh_token)
    .bind(sealed.id_token)
    .bind(column(facts.good_until))
    .bind(facts.sid.as_deref().unwrap_or_default().to_owned())
    .bind(facts.version)
    .bind(facts.digest.to_string())
    .bind(claim.to_owned())
    .execute(connection)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// The tokens of a session that is in force.
pub(super) async fn tokens(
    database: &Database,
    key: &SealingKey,
    digest: &Digest,
) -> Result<Tokens, KeepError> {
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT refresh_token, id_token FROM session WHERE digest = $1 AND why = ''",
    )
    .bind(digest.to_string())
    .fetch_optional(database.pool())
    .await?;
    let Some((refresh_token, id_token)) = row else {
        return Ok(Tokens::default());
    };
    let read = |kind: &str, sealed: &str| {
        if sealed.is_empty() {
            return Ok(None);
        }
        let name = token_name(digest, kind);
        let bytes = key.unseal(&name, sealed)?;
        let text = str::from_utf8(&bytes).map_err(|_error| SealError::NotOurs { name })?;
        Ok::<_, KeepError>(Some(Zeroizing::new(text.to_owned())))
    };
    Ok(Tokens {
        id_token: read("id_token", &id_token)?,
        refresh_token: read("refresh_token", &refresh_token)?,
    })
}

/// What a session's record is sealed under.
fn seal_name(digest: &Digest) -> String {
    format!("session {digest}")
}

fn token_name(digest: &Digest, kind: &str) -> String {
    format!("session {digest} {kind}")
}
