//! What is kept: files that are never half written, and the database.

mod database;
mod file;
mod fingerprint;

pub use database::{Change, Database, DatabaseError, DatabaseSettings, Url};
pub use file::{StoreError, create_secret, make_secret_dir, read, write_public, write_secret};
pub use fingerprint::Fingerprint;
