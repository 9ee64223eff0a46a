//! What is kept in files: written whole or not at all, and watched by looking.

mod file;
mod fingerprint;

pub use file::{StoreError, make_secret_dir, read, write_public, write_secret};
pub use fingerprint::Fingerprint;
