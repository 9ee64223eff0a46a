//! The database: SQLite in a file, or PostgreSQL for several authorities.
//!
//! Both are asked in the same SQL: texts and whole numbers, `$1` for arguments.
//! Every change moves one counter within its own transaction, so whoever has
//! seen a version has seen all that led to it, also of other processes.

mod error;
mod opening;
mod settings;

use std::borrow::Cow;
use std::fs::File;
use std::time::Duration;

use sqlx::Any;
use sqlx::AnyPool;
use sqlx::Executor as _;
use sqlx::SqlSafeStr as _;
use sqlx::Transaction;
use sqlx::migrate::Migration;
use sqlx::migrate::MigrationType;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;

pub use error::DatabaseError;
pub use settings::DatabaseSettings;
pub use settings::Url;

use error::failed;
use opening::lock;
use opening::open_file;
use opening::open_server;

/// The open database. Whoever opens it must [`follow`](Self::follow) it.
#[derive(Debug)]
pub struct Database {
    pool: AnyPool,
    settings: DatabaseSettings,
    version: watch::Sender<i64>,
    /// When it last answered.
    heard: watch::Sender<Instant>,
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
            heard: watch::Sender::new(Instant::now()),
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
            number: None,
        })
    }

    /// The version of what is in it, and every later one.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// For how long nothing was learnt of what other processes change; no time
    /// for a file, which has no others.
    #[must_use]
    pub fn silence(&self) -> Duration {
        match self.settings {
            DatabaseSettings::Postgres { .. } => self.heard.borrow().elapsed(),
            DatabaseSettings::Sqlite { .. } => Duration::ZERO,
        }
    }

    /// Whether other processes may change what is in it.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.settings, DatabaseSettings::Postgres { .. })
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
        let mut listener = PgListener::connect(url.as_str()).await?;
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

    /// Asks for the version, which [`versions`](Self::versions) then tells.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`].
    pub async fn look(&self) -> Result<(), DatabaseError> {
        let version: i64 = sqlx::query_scalar("SELECT version FROM change_counter")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        self.heard.send_replace(Instant::now());
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
    number: Option<i64>,
}

impl Change<'_> {
    /// Where the change's own queries go.
    pub fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.transaction
    }

    /// The version that this change makes, to be written into its rows. Other
    /// changes that ask for theirs, or that have committed, wait from here on: so
    /// whoever finds a row of one version finds those of all before.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`].
    pub async fn number(&mut self) -> Result<i64, DatabaseError> {
        if let Some(number) = self.number {
            return Ok(number);
        }
        let number: i64 =
            sqlx::query_scalar("UPDATE change_counter SET version = version + 1 RETURNING version")
                .fetch_one(&mut *self.transaction)
                .await
                .map_err(failed)?;
        self.number = Some(number);
        Ok(number)
    }

    /// Waits until no other change is under way that has a number, and makes
    /// those to come wait: for changes of many rows, which would else wait for
    /// each other in circles.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`].
    pub async fn alone(&mut self) -> Result<(), DatabaseError> {
        self.transaction
            .execute("UPDATE change_counter SET version = version")
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Makes it so, and tells everybody.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Query`]: it may have happened if the connection broke,
    /// and has not if the database refused.
    pub async fn commit(mut self) -> Result<i64, DatabaseError> {
        let version = self.number().await?;
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

    /// Makes it so without telling anybody: for what nobody waits for, and has no
    /// [`number`](Self::number).
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_quietly(self) -> Result<(), DatabaseError> {
        self.transaction.commit().await.map_err(failed)
    }
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

#[cfg(test)]
mod tests;
