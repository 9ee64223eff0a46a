//! Programs that wait until their person has let them in (RFC 8628).
//!
//! Whichever sidecar on the store is asked next knows of them: what their
//! provider gave us lies there, sealed, under the digest of a code of our own.
//! There are so many of them and no more, each is asked about no sooner than its
//! provider wants, and ends once.

use std::net::IpAddr;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::net::place;
use crate::session::calendar::column;
use crate::session::calendar::from_column;
use crate::session::calendar::seconds;
use crate::session::error::KeepError;
use crate::session::id::Digest;
use crate::session::id::SessionId;
use crate::session::id::SessionIdError;
use crate::session::program::Program;
use crate::session::sessions::Sessions;

/// A program that waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// The host that it signs in on.
    pub host: String,
    /// Who it is.
    pub program: Program,
    /// The provider that is asked.
    pub provider: String,
    /// What the provider is asked with.
    pub code: ProvidersCode,
}

impl Waiting {
    /// How long a program waits at most: whoever sends somebody else a code of
    /// their own has so long.
    pub const LONGEST: Duration = Duration::from_secs(600);
}

/// What a provider is asked with. It is never shown, and to nobody but the provider.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProvidersCode(String);

impl ProvidersCode {
    /// Keeps `code`.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ProvidersCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProvidersCode(…)")
    }
}

impl Drop for ProvidersCode {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// As it is sealed.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    code: ProvidersCode,
    host: String,
    name: String,
    provider: String,
    source: IpAddr,
}

/// What is to be done about a program that asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Turn {
    /// The provider is to be asked, by whoever is told so and nobody else just now.
    Ask(Waiting),
    /// Nothing: its time is over.
    Over,
    /// Nothing: it asks too soon, and is to wait five seconds longer from now on.
    TooSoon,
    /// Nothing: no such program waits on this host.
    Unknown,
}

/// Why no program can wait.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There are too many.
    #[error("too many programs wait for their persons already")]
    Full,
    /// There is no code for it.
    #[error("no code can be drawn")]
    NoCode {
        /// Why.
        #[source]
        cause: SessionIdError,
    },
    /// The store did not take it.
    #[error("a program that waits cannot be kept")]
    Store {
        /// Why.
        #[source]
        cause: KeepError,
    },
}

impl Sessions {
    /// Takes a place for a program at `source`, before its provider is asked for
    /// anything. Tells the code that it has then.
    ///
    /// # Errors
    ///
    /// All of [`WaitError`].
    pub async fn take_place(&self, source: IpAddr) -> Result<Zeroizing<String>, WaitError> {
        let code = SessionId::generate().map_err(|cause| WaitError::NoCode { cause })?;
        let code = code.cookie();
        // Whoever has an IPv6 address has some 2⁶⁴ of them.
        let source = place(source).to_string();
        let taken = self.try_to_take(&code, &source).await;
        match taken.map_err(|cause| WaitError::Store { cause })? {
            true => Ok(code),
            false => Err(WaitError::Full),
        }
    }

    async fn try_to_take(&self, code: &str, source: &str) -> Result<bool, KeepError> {
        let now = seconds(self.clock.now());
        // Whoever is refused costs a look, and no turn at changing something.
        let mut connection = self.database.pool().acquire().await?;
        if !is_there_room(&mut connection, source, now).await? {
            return Ok(false);
        }
        drop(connection);
        let mut change = self.begin().await?;
        change.alone().await?;
        if !is_there_room(change.connection(), source, now).await? {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO device_grant (digest, source, sealed, interval_s, next_s, until_s)
             VALUES ($1, $2, '', 0, 0, $3)",
        )
        .bind(digest(code))
        .bind(source.to_owned())
        .bind(column(now.saturating_add(Waiting::LONGEST.as_secs())))
        .execute(change.connection())
        .await?;
        change.commit_quietly().await?;
        Ok(true)
    }

    /// Lets the program with the place that `code` stands for wait until `until`,
    /// of which the provider is asked once in `interval`.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn let_wait(
        &self,
        code: &str,
        waiting: &Waiting,
        (interval, until): (Duration, SystemTime),
    ) -> Result<(), KeepError> {
        let written = Written {
            code: waiting.code.clone(),
            host: waiting.host.clone(),
            name: waiting.program.name().to_owned(),
            provider: waiting.provider.clone(),
            source: waiting.program.source(),
        };
        let text = serde_json::to_vec(&written).map(Zeroizing::new);
        let text = text.map_err(|_never| KeepError::TooLarge)?;
        let sealed = self.key.seal(&seal_name(code), &text)?;
        let interval = interval.as_secs();
        sqlx::query(
            "UPDATE device_grant SET sealed = $1, interval_s = $2, next_s = $3, until_s = $4
             WHERE digest = $5 AND sealed = ''",
        )
        .bind(sealed)
        .bind(column(interval))
        .bind(column(seconds(self.clock.now()).saturating_add(interval)))
        .bind(column(seconds(until)))
        .bind(digest(code))
        .execute(self.database.pool())
        .await?;
        Ok(())
    }

    /// Whether the provider is to be asked about the program that shows `code` on
    /// `host`. What is asked on another host changes nothing.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn take_turn(&self, code: &str, host: &str) -> Result<Turn, KeepError> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT sealed, until_s FROM device_grant WHERE digest = $1")
                .bind(digest(code))
                .fetch_optional(self.database.pool())
                .await?;
        let Some((sealed, until)) = row.filter(|(sealed, _)| !sealed.is_empty()) else {
            return Ok(Turn::Unknown);
        };
        let text = self.key.unseal(&seal_name(code), &sealed)?;
        let waiting = read(&text).filter(|waiting| waiting.host == host);
        let Some(waiting) = waiting else {
            return Ok(Turn::Unknown);
        };
        let now = seconds(self.clock.now());
        if from_column(until).is_none_or(|until| now >= until) {
            return Ok(Turn::Over);
        }
        let taken = sqlx::query(
            "UPDATE device_grant SET next_s = $1 + interval_s WHERE digest = $2 AND next_s <= $3",
        )
        .bind(column(now))
        .bind(digest(code))
        .bind(column(now))
        .execute(self.database.pool())
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(Turn::Ask(waiting));
        }
        self.slow_down(code).await?;
        Ok(Turn::TooSoon)
    }

    /// The program that `code` stands for is to ask more seldom.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn slow_down(&self, code: &str) -> Result<(), KeepError> {
        sqlx::query(
            "UPDATE device_grant SET interval_s = interval_s + $1,
             next_s = $2 + interval_s + $3 WHERE digest = $4",
        )
        .bind(column(LONGER_S))
        .bind(column(seconds(self.clock.now())))
        .bind(column(LONGER_S))
        .bind(digest(code))
        .execute(self.database.pool())
        .await?;
        Ok(())
    }

    /// The program that `code` stands for waits no longer. True for the first who
    /// says so, on all sidecars.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn end_wait(&self, code: &str) -> Result<bool, KeepError> {
        let ended = sqlx::query("DELETE FROM device_grant WHERE digest = $1")
            .bind(digest(code))
            .execute(self.database.pool())
            .await?;
        Ok(ended.rows_affected() == 1)
    }
}

async fn is_there_room(
    connection: &mut sqlx::AnyConnection,
    source: &str,
    now: u64,
) -> Result<bool, KeepError> {
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM device_grant WHERE until_s > $1")
        .bind(column(now))
        .fetch_one(&mut *connection)
        .await?;
    let near: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM device_grant WHERE source = $1 AND until_s > $2")
            .bind(source.to_owned())
            .bind(column(now))
            .fetch_one(&mut *connection)
            .await?;
    Ok(all < MOST && near < MOST_OF_ONE)
}

fn read(text: &[u8]) -> Option<Waiting> {
    let written: Written = serde_json::from_slice(text).ok()?;
    Some(Waiting {
        code: written.code,
        host: written.host,
        program: Program::new(&written.name, written.source),
        provider: written.provider,
    })
}

fn digest(code: &str) -> String {
    Digest::of(code.as_bytes()).to_string()
}

fn seal_name(code: &str) -> String {
    format!("device {}", digest(code))
}

/// RFC 8628, 3.5.
const LONGER_S: u64 = 5;

/// How many programs may wait at once.
pub(super) const MOST: i64 = 4096;

/// How many of them at one address.
pub(super) const MOST_OF_ONE: i64 = 16;
