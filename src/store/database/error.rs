//! Why the database could not be used.

use std::io;
use std::path::PathBuf;

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file is there, but not even its head.
    #[error(
        "the database `{}` was cut to {bytes} bytes: put the last copy of it back, or remove it to begin anew",
        path.display()
    )]
    CutShort {
        /// The file.
        path: PathBuf,
        /// What is left of it.
        bytes: u64,
    },
    /// The file has been damaged.
    #[error("the database `{}` is damaged ({said}): put the last copy of it back", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says of it.
        said: String,
    },
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
        "another process uses the database `{}`; several need PostgreSQL",
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

pub(super) const fn failed(cause: sqlx::Error) -> DatabaseError {
    DatabaseError::Query { cause }
}
