//! The operator's window: what is counted, whether we live, whether we may be
//! sent requests, and how we are.
//!
//! | path | answer |
//! |---|---|
//! | `/livez` | 200 as long as the control thread runs |
//! | `/readyz` | 200, or 503 and the conditions that are not met |
//! | `/metrics` | what is counted, in Prometheus' text format |
//! | `/status` | identity, policy, listeners and audit, as JSON |
//! | `/records` | each record of the audit log that fits the filter in the query, as it is written (Server-Sent Events) |
//! | `/traffic` | who calls whom, how often and with what outcome, each second, with all of `/status` |
//! | `/` | a page that shows all of it to people |
//!
//! What callers did is shown on this machine only, whoever else may ask how we are:
//! `src/admin/visitor.rs` says why.
//!
//! It can be looked through, not climbed through: only `GET` and `HEAD`, no key
//! and no credential. The default is loopback; an address that others can
//! reach must be written down. A page in the operator's browser cannot read it
//! either: where that could matter, requests must name an IP address or
//! `localhost` as their host, so that a name which is bent to us ("DNS
//! rebinding") gets nothing. What changes something is ordered elsewhere, at the
//! [`Hatch`].

mod answer;
mod events;
mod hatch;
mod host;
mod page;
mod readiness;
mod records;
mod spread;
mod status;
mod traffic;
mod visitor;
mod window;

pub use hatch::{Hatch, HatchError, Orders, Signals};
pub use readiness::{Block, Readiness, Unready};
pub use status::{AuditState, Identity, Listener, Live, Policy, Report, Status, Trouble};
pub use window::{BindError, Settings, Window};

#[cfg(test)]
mod tests;

#[cfg(test)]
mod watch_tests;
