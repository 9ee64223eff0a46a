//! Who has signed in: sessions that can be ended, everywhere and at once.
//!
//! A browser has 256 random bits in a cookie, a program has them as a token; the
//! store and the memory know only their SHA-256. A session is sealed in the store, so that whoever can
//! write there can make none. [`Sessions`] keeps them on the control thread;
//! workers look at the [`Board`] through a [`Desk`] of their own, without a lock
//! or the store.
//!
//! - What is over stays over, also when the clock goes back: an end is written.
//! - An end reaches every sidecar on the same store within a second, and what is
//!   in flight there through [`Board::changed`].
//! - What is not known, is damaged or cannot be unsealed is no session.

mod archive;
mod board;
mod calendar;
mod desk;
mod device;
mod ends;
mod error;
mod follow;
mod id;
mod live;
mod program;
mod record;
mod refresh;
mod secrets;
mod sessions;
mod settings;
mod signed;
mod why;

pub use board::Board;
pub use desk::Desk;
pub use desk::Found;
pub use device::ProvidersCode;
pub use device::Turn;
pub use device::WaitError;
pub use device::Waiting;
pub use ends::Whose;
pub use error::CreateError;
pub use error::KeepError;
pub use error::OpenError;
pub use error::RenewError;
pub use id::Digest;
pub use id::Handle;
pub use id::HandleError;
pub use id::Holder;
pub use id::SessionId;
pub use id::SessionIdError;
pub use live::Over;
pub use live::Session;
pub use program::Program;
pub use refresh::Claim;
pub use refresh::Due;
pub use sessions::Sessions;
pub use settings::Limits;
pub use settings::Settings;
pub use signed::Signed;
pub use signed::Tokens;
pub use why::Why;

#[cfg(test)]
mod tests;
