//! Why sessions could not be kept.

use std::path::PathBuf;

use crate::session::id::SessionIdError;
use crate::store::DatabaseError;
use crate::store::SealError;
use crate::store::SealingKeyError;

/// Why there are no sessions.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be opened.
    #[error("the store of sessions cannot be opened")]
    Database {
        /// Why.
        #[source]
        cause: DatabaseError,
    },
    /// The key cannot be used.
    #[error("the key that sessions are sealed with cannot be used")]
    Key {
        /// Why.
        #[source]
        cause: SealingKeyError,
    },
    /// The sessions were sealed with another key.
    #[error(
        "`{}` is not the key that the sessions in the store were sealed with: put that one back, or begin with an empty store",
        path.display()
    )]
    OtherKey {
        /// The key's file.
        path: PathBuf,
    },
    /// The store cannot be read.
    #[error("the sessions cannot be read")]
    Unread {
        /// Why.
        #[source]
        cause: KeepError,
    },
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The database did not answer.
    #[error("the store of sessions did not answer")]
    Database {
        /// Why.
        #[source]
        cause: DatabaseError,
    },
    /// What it says cannot be unsealed.
    #[error("a session cannot be sealed or unsealed")]
    Seal {
        /// Why.
        #[source]
        cause: SealError,
    },
    /// More is known of the person than a session may hold.
    #[error("what the provider says of the person is too long for a session")]
    TooLarge,
}

/// Why there is no new session.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There are as many as there may be.
    #[error("there are {most} sessions, and there may be no more")]
    Full {
        /// How many there may be.
        most: usize,
    },
    /// There is no id for it.
    #[error("no id can be drawn")]
    NoId {
        /// Why.
        #[source]
        cause: SessionIdError,
    },
    /// The store did not take it.
    #[error("the session cannot be kept")]
    Store {
        /// Why.
        #[source]
        cause: KeepError,
    },
}

/// Why a session was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// It is over, or somebody else renews it since.
    #[error("the session is over, or is renewed by another")]
    NotOurs,
    /// The provider speaks of another person now.
    #[error("the provider speaks of another person than who signed in")]
    OtherPerson,
    /// The store did not take it.
    #[error("the renewed session cannot be kept")]
    Store {
        /// Why.
        #[source]
        cause: KeepError,
    },
}

impl From<DatabaseError> for KeepError {
    fn from(cause: DatabaseError) -> Self {
        Self::Database { cause }
    }
}

impl From<sqlx::Error> for KeepError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Database {
            cause: cause.into(),
        }
    }
}

impl From<SealError> for KeepError {
    fn from(cause: SealError) -> Self {
        Self::Seal { cause }
    }
}
