//! What is kept: files that are never half written, the database, and what only
//! we can read in it.

mod database;
mod file;
mod fingerprint;
mod sealing;

pub use database::{Change, Database, DatabaseError, DatabaseSettings, Url};
pub use file::{StoreError, create_secret, make_secret_dir, read, write_public, write_secret};
pub use fingerprint::Fingerprint;
pub use sealing::{SealError, SealingKey, SealingKeyError};
