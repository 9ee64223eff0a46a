//! What may end while it is under way.
//!
//! A certificate says until when; it cannot say that its holder is believed no
//! longer. That is said here, and whoever serves somebody looks: at every
//! handshake, at every request, and while a connection stands still.

mod revocations;
mod watchlist;

pub use revocations::Revocations;
pub use watchlist::Watchlist;
