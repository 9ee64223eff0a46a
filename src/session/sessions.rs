//! The sessions of everybody, as the control thread keeps them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use sqlx::AnyConnection;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::policy::Person;
use crate::session::archive;
use crate::session::board::Board;
use crate::session::calendar::column;
use crate::session::calendar::seconds;
use crate::session::ends;
use crate::session::error::CreateError;
use crate::session::error::KeepError;
use crate::session::error::OpenError;
use crate::session::id::Digest;
use crate::session::id::Holder;
use crate::session::id::SessionId;
use crate::session::live::Facts;
use crate::session::live::Life;
use crate::session::live::Session;
use crate::session::live::Sight;
use crate::session::live::Terms;
use crate::session::program::Program;
use crate::session::settings::Limits;
use crate::session::settings::Settings;
use crate::session::signed::Signed;
use crate::session::signed::Tokens;
use crate::session::why::Why;
use crate::store::Change;
use crate::store::Database;
use crate::store::DatabaseError;
use crate::store::SealingKey;
use crate::time::Clock;

/// Everybody's sessions: in the store, and on the [`Board`] for the workers.
///
/// Whoever opens them must [`follow`](Self::follow) them.
#[derive(Debug)]
pub struct Sessions {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) database: Arc<Database>,
    pub(super) key: SealingKey,
    pub(super) terms: Terms,
    /// How far the store has been read.
    pub(super) seen: tokio::sync::Mutex<Seen>,
    /// The damaged rows that the log has told of.
    pub(super) told: Mutex<BTreeSet<String>>,
}

/// How far the store has been read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) version: i64,
    /// When the last reading began.
    pub(super) began: Instant,
}

impl Sessions {
    /// Opens the store and reads what is in it.
    ///
    /// # Errors
    ///
    /// All of [`OpenError`].
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::open(settings.database, &SCHEMA).await;
        let database = database.map_err(|cause| OpenError::Database { cause })?;
        let path = settings.key_file;
        // Several that made a key each could not read what the others write.
        let key = if database.is_shared() {
            SealingKey::load(&path)
        } else {
            SealingKey::load_or_make(&path)
        };
        let key = key.map_err(|cause| OpenError::Key { cause })?;
        check_key(&database, &key, path).await?;
        let sight = Arc::new(Sight::default());
        let sessions = Self {
            board: Arc::new(Board::new(Arc::clone(&sight))),
            clock,
            database: Arc::new(database),
            key,
            terms: Terms {
                limits: settings.limits,
                sight,
            },
            seen: tokio::sync::Mutex::new(Seen {
                version: 0,
                began: Instant::now(),
            }),
            told: Mutex::default(),
        };
        let read = sessions.reload().await;
        read.map_err(|cause| OpenError::Unread { cause })?;
        Ok(sessions)
    }

    /// All sessions, for the workers.
    #[must_use]
    pub const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Where they are kept: for what else sidecars share that share sessions.
    #[must_use]
    pub const fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// What they are sealed with: for what else browsers keep for us.
    #[must_use]
    pub const fn key(&self) -> &SealingKey {
        &self.key
    }

    /// How long they last, and how many there may be.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.terms.limits
    }

    /// Begins a session, always with a new id. That of the same browser which
    /// it `replaces` ends, and so does the oldest of the person's if they have
    /// too many.
    ///
    /// # Errors
    ///
    /// All of [`CreateError`]; nothing has changed then.
    pub async fn create(
        &self,
        signed: Signed,
        replaces: Option<Digest>,
    ) -> Result<SessionId, CreateError> {
        self.create_with(signed, (Holder::Browser, None), replaces)
            .await
    }

    /// As [`create`](Self::create), for a `program`, whose id is a token.
    ///
    /// # Errors
    ///
    /// All of [`CreateError`]; nothing has changed then.
    pub async fn create_for(
        &self,
        program: Program,
        signed: Signed,
    ) -> Result<SessionId, CreateError> {
        self.create_with(signed, (Holder::Program, Some(program)), None)
            .await
    }

    async fn create_with(
        &self,
        signed: Signed,
        (holder, program): (Holder, Option<Program>),
        replaces: Option<Digest>,
    ) -> Result<SessionId, CreateError> {
        let id = SessionId::generate_for(holder);
        let id = id.map_err(|cause| CreateError::NoId { cause })?;
        let store = |cause| CreateError::Store { cause };
        let mut change = self.begin().await.map_err(store)?;
        let (facts, person, tokens) = self.facts(&mut change, id.digest(), signed).await?;
        let facts = Facts { program, ..facts };
        let ended = self.make_room(change.connection(), &facts, &person, replaces);
        let ended = ended.await.map_err(store)?;
        let most = self.terms.limits.most.get();
        let there = ends::count(change.connection()).await.map_err(store)?;
        if there >= most {
            return Err(CreateError::Full { most });
        }
        let sealed = archive::seal(&self.key, &facts, &person, &tokens).map_err(store)?;
        let inserted = archive::insert(change.connection(), &facts, &person, sealed);
        inserted.await.map_err(store)?;
        let committed = change.commit().await;
        committed.map_err(|cause| store(KeepError::Database { cause }))?;
        let life = Arc::new(Life::new(facts.created));
        self.board
            .put(Session::new(facts, person, life, &self.terms));
        for digest in ended {
            self.board.has_ended(&digest, Why::Replaced);
        }
        Ok(id)
    }

    async fn facts(
        &self,
        change: &mut Change<'_>,
        digest: Digest,
        signed: Signed,
    ) -> Result<(Facts, Person, Tokens), CreateError> {
        let version = change.number().await.map_err(|cause| CreateError::Store {
            cause: KeepError::Database { cause },
        })?;
        let now = seconds(self.clock.now());
        let facts = Facts {
            created: now,
            digest,
            ends: now.saturating_add(self.terms.limits.absolute.as_secs()),
            good_until: signed.good_until.map_or(0, seconds),
            host: signed.host.into(),
            program: None,
            renewed_at: now,
            sid: signed.sid.map(Into::into),
            version,
        };
        let tokens = Tokens {
            id_token: signed.id_token,
            refresh_token: signed.refresh_token,
        };
        Ok((facts, signed.person, tokens))
    }

    /// Ends those that must, for a new one to begin.
    async fn make_room(
        &self,
        connection: &mut AnyConnection,
        facts: &Facts,
        person: &Person,
        replaces: Option<Digest>,
    ) -> Result<Vec<Digest>, KeepError> {
        let end = ends::End {
            at: facts.created,
            version: facts.version,
            why: Why::Replaced,
        };
        let mut ended = Vec::new();
        // What it replaces makes room first.
        if let Some(old) = replaces
            && ends::one(connection, &old, end).await?
        {
            ended.push(old);
        }
        let others = self.terms.limits.most_per_person.get() - 1;
        for digest in ends::all_but(connection, person, others).await? {
            if ends::one(connection, &digest, end).await? {
                ended.push(digest);
            }
        }
        Ok(ended)
    }

    /// The session that a worker does not know, or finds over: it may have begun,
    /// or been used, at another sidecar just now. However many ask for strangers,
    /// the store is asked some twenty times a second at most.
    ///
    /// # Errors
    ///
    /// [`KeepError`] if the store does not answer: then nobody knows.
    pub async fn find(&self, digest: &Digest) -> Result<Option<Arc<Session>>, KeepError> {
        let asked = Instant::now();
        if let Some(session) = self.board.find(digest) {
            if session.life().over().is_some() && !session.life().is_written() {
                self.settle(&session).await?;
            }
            return Ok(self.board.find(digest));
        }
        if !self.database.is_shared() {
            return Ok(None);
        }
        let mut seen = self.seen.lock().await;
        // Whoever waited for another's reading, which began after it asked, has
        // what it asked for.
        if seen.began <= asked && self.board.find(digest).is_none() {
            sleep_until(seen.began + BETWEEN_READINGS).await;
            self.read_on(&mut seen).await?;
        }
        drop(seen);
        Ok(self.board.find(digest))
    }

    /// Those that are in force, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Session>> {
        let now = self.clock.now();
        let mut all = self.board.all();
        all.retain(|session| session.check(now).is_ok());
        all.sort_by_key(|session| (std::cmp::Reverse(session.facts().created), session.digest()));
        all
    }

    /// How many are in force.
    #[must_use]
    pub fn count(&self) -> usize {
        let now = self.clock.now();
        let all = self.board.all().into_iter();
        all.filter(|session| session.check(now).is_ok()).count()
    }

    /// The tokens of a session that is in force.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn tokens(&self, digest: &Digest) -> Result<Tokens, KeepError> {
        archive::tokens(&self.database, &self.key, digest).await
    }

    /// Uses up the `id` of a `kind` of things that may be used once, on all
    /// sidecars, until `until`. True for the first who does.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`]: then it must not be used.
    pub async fn spend(
        &self,
        kind: &'static str,
        id: &str,
        until: SystemTime,
    ) -> Result<bool, DatabaseError> {
        let spent = sqlx::query(
            "INSERT INTO spent (kind, digest, until_s) VALUES ($1, $2, $3)
             ON CONFLICT (kind, digest) DO NOTHING",
        )
        .bind(kind)
        .bind(Digest::of(id.as_bytes()).to_string())
        .bind(column(seconds(until)))
        .execute(self.database.pool())
        .await?;
        Ok(spent.rows_affected() == 1)
    }

    /// Begins a change.
    pub(super) async fn begin(&self) -> Result<Change<'_>, KeepError> {
        Ok(self.database.begin().await?)
    }
}

/// Whether `key` is what the store's sessions are sealed with; from now on, if
/// the store is new. From then on the first of several keys must be among those
/// that others have.
async fn check_key(database: &Database, key: &SealingKey, path: PathBuf) -> Result<(), OpenError> {
    let checked = is_key(database, key).await;
    if checked.map_err(|cause| OpenError::Unread { cause })? {
        Ok(())
    } else {
        Err(OpenError::OtherKey { path })
    }
}

async fn is_key(database: &Database, key: &SealingKey) -> Result<bool, KeepError> {
    let mut change = database.begin().await?;
    // Of two that begin at once, one waits.
    change.alone().await?;
    let sealed: Option<String> = sqlx::query_scalar("SELECT sealed FROM seal")
        .fetch_optional(change.connection())
        .await?;
    let is_ours = |sealed: &String| key.unseal(SEAL, sealed).is_ok();
    if sealed.as_ref().is_some_and(|sealed| !is_ours(sealed)) {
        return Ok(false);
    }
    // Anew each time: a key that was replaced can be left out one day.
    sqlx::query("DELETE FROM seal")
        .execute(change.connection())
        .await?;
    sqlx::query("INSERT INTO seal (sealed) VALUES ($1)")
        .bind(key.seal(SEAL, SEAL.as_bytes())?)
        .execute(change.connection())
        .await?;
    change.commit_quietly().await?;
    Ok(true)
}

/// Each part once, in this order, whatever was there before.
const SCHEMA: [&str; 3] = [
    include_str!("schema.sql"),
    include_str!("certificates.sql"),
    include_str!("devices.sql"),
];

/// What tells one key from another.
const SEAL: &str = "sessions";

/// How soon the store is asked again for somebody whom nobody knows.
const BETWEEN_READINGS: Duration = Duration::from_millis(50);
