//! The authority's database, as somebody finds it who has the file.

use sqlx::AnyConnection;
use sqlx::Connection as _;

use crate::authority::town::Town;
use crate::authority::town::until;

impl Town {
    /// Does `work` with the database.
    pub(crate) fn with_database<T>(&self, work: impl AsyncFnOnce(&mut AnyConnection) -> T) -> T {
        let url = format!("sqlite://{}", self.path("authority.db").display());
        self.wait(async {
            sqlx::any::install_default_drivers();
            let mut connection = AnyConnection::connect(&url).await.unwrap();
            let outcome = work(&mut connection).await;
            connection.close().await.unwrap();
            outcome
        })
    }

    /// Stops the authority, and waits until its database is one file, which
    /// nobody has open any more.
    pub(crate) fn put_away(&mut self) {
        self.stop();
        self.is_let_go();
    }

    /// Waits until the database is one file, which nobody has open any more.
    pub(crate) fn is_let_go(&self) {
        until(|| {
            self.with_database(async |connection| {
                let query = sqlx::query("SELECT COUNT(*) FROM signing_key");
                query.fetch_one(connection).await.unwrap();
            });
            !self.path("authority.db-wal").exists()
        });
    }

    /// The first row's name and sealed key.
    pub(crate) fn sealed_key(&self) -> (String, String) {
        self.with_database(async |connection| {
            let query = sqlx::query_as("SELECT id, sealed_key FROM signing_key");
            query.fetch_one(connection).await.unwrap()
        })
    }

    /// Changes something behind the authority's back.
    pub(crate) fn tamper(&self, sql: &'static str) {
        self.with_database(async |connection| {
            let done = sqlx::query(sql).execute(connection).await.unwrap();
            assert_eq!(done.rows_affected(), 1);
        });
    }
}
