//! The database: SQLite in a file, or PostgreSQL for several authorities.
//!
//! Both are asked in the same SQL: texts and whole numbers, `$1` for arguments.
//! Every change moves one counter within its own transaction, so whoever has
//! seen a version has seen all that led to it, also of other processes.

use std::borrow::Cow;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::Any;
use sqlx::AnyPool;
use sqlx::Executor as _;
use sqlx::SqlSafeStr as _;
use sqlx::Transaction;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migration;
use sqlx::migrate::MigrationType;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::sleep;

/// Which database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DatabaseSettings {
    /// A server that several authorities may share: a `postgres://` URL.
    Postgres {
        /// The URL. It may hold a password, and is never shown.
        url: Url,
    },
    /// A file, for one authority.
    Sqlite {
        /// The file. It is made if it is not there.
        path: PathBuf,
    },
}

/// A URL that may hold a password.
#[derive(Clone, Eq, PartialEq)]
pub struct Url(String);

impl Url {
    /// Takes it as it is written.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(…)")
    }
}

/// The open database. Whoever opens it must [`follow`](Self::follow) it.
#[derive(Debug)]
pub struct Database {
    pool: AnyPool,
    settings: DatabaseSettings,
    version: watch::Sender<i64>,
    /// Keeps other processes out of a file.
    _lock: Option<File>,
}

impl Database {
    /// Opens the database and brings its tables up to `schema`, whose parts are
    /// applied in their order, each once and for ever.
    ///
    /// # Errors
    ///
    /// All of [`DatabaseError`].
    pub async fn open(
        settings: DatabaseSettings,
        schema: &[&'static str],
    ) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let (lock, pool) = match &settings {
            DatabaseSettings::Postgres { url } => (None, open_server(url).await?),
            DatabaseSettings::Sqlite { path } => {
                let lock = lock(path)?;
                (Some(lock), open_file(path).await?)
            }
        };
        migrator(schema)
            .run(&pool)
            .await
            .map_err(|cause| DatabaseError::Schema { cause })?;
        let database = Self {
            pool,
            settings,
            version: watch::Sender::new(0),
            _lock: lock,
        };
        database.look().await?;
        Ok(database)
    }

    /// For queries that change nothing.
    #[must_use]
    pub const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a change. Dropped without [`Change::commit`], nothing of it happens.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`].
    pub async fn begin(&self) -> Result<Change<'_>, DatabaseError> {
        let transaction = self.pool.begin().await.map_err(failed)?;
        Ok(Change {
            database: self,
            transaction,
        })
    }

    /// The version of what is in it, and every later one.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// Ends all connections. A file is then whole by itself, to be copied.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Learns of what other processes change, for ever.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point and called again.
    pub async fn follow(&self) {
        let DatabaseSettings::Postgres { url } = &self.settings else {
            return std::future::pending().await;
        };
        loop {
            if let Err(error) = self.listen(url).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "the database does not tell of changes; asking instead"
                );
            }
            sleep(ASK_EVERY).await;
            self.look_or_complain().await;
        }
    }

    async fn listen(&self, url: &Url) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(&url.0).await?;
        listener.listen(CHANNEL).await?;
        loop {
            self.look_or_complain().await;
            tokio::select! {
                told = listener.recv() => drop(told?),
                // In case the word was lost with a connection.
                () = sleep(ASK_EVERY) => {}
            }
        }
    }

    async fn look_or_complain(&self) {
        if let Err(error) = self.look().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the database does not answer");
        }
    }

    async fn look(&self) -> Result<(), DatabaseError> {
        let version: i64 = sqlx::query_scalar("SELECT version FROM change_counter")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        self.saw(version);
        Ok(())
    }

    fn saw(&self, version: i64) {
        self.version.send_if_modified(|seen| {
            let newer = version > *seen;
            *seen = version.max(*seen);
            newer
        });
    }
}

/// A change under way.
#[derive(Debug)]
pub struct Change<'a> {
    database: &'a Database,
    transaction: Transaction<'static, Any>,
}

impl Change<'_> {
    /// Where the change's own queries go.
    pub fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.transaction
    }

    /// Makes it so, and tells everybody.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`]: it may have happened if the connection broke,
    /// and has not if the database refused.
    pub async fn commit(mut self) -> Result<i64, DatabaseError> {
        let version: i64 =
            sqlx::query_scalar("UPDATE change_counter SET version = version + 1 RETURNING version")
                .fetch_one(&mut *self.transaction)
                .await
                .map_err(failed)?;
        if matches!(self.database.settings, DatabaseSettings::Postgres { .. }) {
            // Delivered when the transaction is.
            self.transaction
                .execute("NOTIFY portreeve_change")
                .await
                .map_err(failed)?;
        }
        self.transaction.commit().await.map_err(failed)?;
        self.database.saw(version);
        Ok(version)
    }

    /// Makes it so without telling anybody: for what nobody waits for.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_quietly(self) -> Result<(), DatabaseError> {
        self.transaction.commit().await.map_err(failed)
    }
}

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened.
    #[error("cannot open the database `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Another process has the file open.
    #[error(
        "another authority uses the database `{}`; several need PostgreSQL",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A query failed, or the database is not there.
    #[error("the database did not do what it was asked")]
    Query {
        /// What it said.
        #[source]
        cause: sqlx::Error,
    },
    /// The tables are not those of this program, or of a newer version of it.
    #[error("the database's tables cannot be used")]
    Schema {
        /// What is wrong with them.
        #[source]
        cause: sqlx::migrate::MigrateError,
    },
}

impl From<sqlx::Error> for DatabaseError {
    fn from(cause: sqlx::Error) -> Self {
        failed(cause)
    }
}

const fn failed(cause: sqlx::Error) -> DatabaseError {
    DatabaseError::Query { cause }
}

fn lock(path: &Path) -> Result<File, DatabaseError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let unusable = |path: &Path, cause| DatabaseError::File {
        path: path.to_owned(),
        cause,
    };
    // Made before SQLite makes it, so that nobody else may ever read it.
    let _made = for_our_eyes(path).map_err(|cause| unusable(path, cause))?;
    let file = for_our_eyes(&beside).map_err(|cause| unusable(&beside, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(DatabaseError::InUse {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(cause)) => Err(unusable(&beside, cause)),
    }
}

fn for_our_eyes(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

async fn open_file(path: &Path) -> Result<AnyPool, DatabaseError> {
    let absolute = std::path::absolute(path).map_err(|cause| DatabaseError::File {
        path: path.to_owned(),
        cause,
    })?;
    let url = format!("sqlite://{}", escaped(&absolute.to_string_lossy()));
    AnyPoolOptions::new()
        // One writer at a time is all that SQLite has; a second connection
        // would only be told that it is busy.
        .max_connections(1)
        .acquire_timeout(WAIT_FOR_CONNECTION)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // A commit is on the disk when it returns, also after a power failure.
                connection
                    .execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")
                    .await?;
                Ok(())
            })
        })
        .connect(&url)
        .await
        .map_err(failed)
}

async fn open_server(url: &Url) -> Result<AnyPool, DatabaseError> {
    AnyPoolOptions::new()
        .max_connections(MOST_CONNECTIONS)
        .acquire_timeout(WAIT_FOR_CONNECTION)
        .connect(&url.0)
        .await
        .map_err(failed)
}

/// A path as a URL may hold it.
fn escaped(path: &str) -> String {
    path.replace('%', "%25")
        .replace('?', "%3F")
        .replace('#', "%23")
}

fn migrator(schema: &[&'static str]) -> Migrator {
    let parts = [CHANGE_COUNTER].into_iter().chain(schema.iter().copied());
    let migrations = (1..).zip(parts).map(|(number, sql)| {
        Migration::new(
            number,
            Cow::Borrowed("portreeve"),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

const CHANGE_COUNTER: &str = "
    CREATE TABLE change_counter (version BIGINT NOT NULL);
    INSERT INTO change_counter (version) VALUES (1);
";

const CHANNEL: &str = "portreeve_change";

/// How long a change by another process may go unnoticed when its word was lost.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A database that does not answer for so long is down.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);

/// More would not make a database faster that signs nothing itself.
const MOST_CONNECTIONS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(path: &Path) -> Result<Database, DatabaseError> {
        let path = path.to_owned();
        Database::open(
            DatabaseSettings::Sqlite { path },
            &["CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT)"],
        )
        .await
    }

    async fn add(database: &Database, name: &str) -> Result<i64, DatabaseError> {
        let mut change = database.begin().await?;
        sqlx::query("INSERT INTO thing (name, size) VALUES ($1, $2)")
            .bind(name.to_owned())
            .bind(7_i64)
            .execute(change.connection())
            .await?;
        change.commit().await
    }

    #[tokio::test]
    async fn a_change_moves_the_version_and_a_dropped_one_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(&dir.path().join("a ?#%.db")).await.unwrap();
        let mut versions = database.versions();
        let before = *versions.borrow_and_update();
        let after = add(&database, "one").await.unwrap();
        assert_eq!(after, before + 1);
        assert_eq!(*versions.borrow_and_update(), after);
        assert!(add(&database, "one").await.is_err(), "the name is taken");
        assert!(!versions.has_changed().unwrap());
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM thing")
            .fetch_all(database.pool())
            .await
            .unwrap();
        assert_eq!(names, ["one"]);
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_restart_and_is_ours_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.db");
        let database = open(&path).await.unwrap();
        add(&database, "kept").await.unwrap();
        let in_use = open(&path).await.unwrap_err();
        assert!(matches!(in_use, DatabaseError::InUse { .. }), "{in_use:?}");
        drop(database);
        let database = open(&path).await.unwrap();
        let sizes: Vec<i64> = sqlx::query_scalar("SELECT size FROM thing WHERE name = $1")
            .bind("kept")
            .fetch_all(database.pool())
            .await
            .unwrap();
        assert_eq!(sizes, [7]);
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.db");
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert!(open(&path).await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; 8192]);
    }

    #[test]
    fn a_password_is_never_shown() {
        let settings = DatabaseSettings::Postgres {
            url: Url::new("postgres://user:secret@host/db".to_owned()),
        };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
