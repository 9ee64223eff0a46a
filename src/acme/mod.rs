//! Certificates that browsers believe, from a CA that gives them to whoever
//! answers for a host (ACME, RFC 8555).
//!
//! A CA looks at our own door (TLS-ALPN-01, RFC 8737), so nothing but that need be
//! reachable. Of each host there is one certificate, and a host that cannot be
//! had hinders no other. Sidecars that share a store of sessions share the account,
//! the certificates and the answers to challenges there, sealed: one of them
//! orders, and each can answer.
//!
//! - The last certificate is shown until there is a better one, also when it has
//!   expired: a browser then says so to its user, who would otherwise see an
//!   outage without a reason, and nobody who checks certificates is deceived.
//! - A CA is never hammered. Pauses after failures double and are kept in the
//!   store, what a CA says of the time to wait is heeded, and there is a bound on
//!   the orders of an hour, over restarts and sidecars.
//! - What a CA says is bounded in size and time, and reaches the log.

mod account;
mod answer;
mod attending;
mod certificate;
mod contact;
mod courier;
mod error;
mod external;
mod keeper;
mod ledger;
mod metrics;
mod order;
mod retry_after;
mod schedule;
mod settings;
mod standing;

pub use answer::{Answer, AnswerError};
pub use certificate::{CertificateError, Issued};
pub use contact::{Contact, ContactError};
pub use error::OrderError;
pub use external::{ExternalKey, ExternalKeyError};
pub use keeper::Keeper;
pub use metrics::Metrics;
pub use retry_after::retry_after;
pub use settings::{ExternalAccount, Settings};
pub use standing::Standing;

#[cfg(test)]
mod tests;
