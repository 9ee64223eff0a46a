//! Who we are, and whom we believe, at this moment.
//!
//! An [`Identity`] can only be made from an SVID that its own bundles vouch
//! for, so a broken set of files or a confused authority never replaces what
//! works. [`Live`] holds the one in force, and says who is believed no longer
//! whatever certificate is shown; [`Renewal`] keeps it fresh from any
//! [`Source`]. Workers learn of a swap by one relaxed load of a counter.

mod context;
mod embedded;
mod endorsement;
mod files;
mod issuer;
mod live;
mod metrics;
mod renewal;
mod revocations;
mod schedule;
mod source;
mod svid;
mod watchlist;
mod workload_api;

pub use context::ContextError;
pub use embedded::Embedded;
pub use endorsement::{Endorsed, Endorsement, EndorsementError};
pub use files::{FilePaths, Files, FilesError};
pub use issuer::{IssueError, Issuer};
pub use live::Live;
pub use metrics::Metrics;
pub use renewal::{Renewal, wait_for};
pub use revocations::Revocations;
pub use schedule::{RenewalError, draw, renew_at};
pub use source::{Renews, Source, SourceError};
pub use svid::{Identity, IdentityError, Svid, SvidError};
pub use watchlist::Watchlist;
pub use workload_api::{AgentError, Endpoint, EndpointError, WorkloadApi};
