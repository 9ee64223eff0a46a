//! Names that are valid once made.
//!
//! A [`SpiffeId`] or [`TrustDomain`] can only come from parsing, and parsing
//! accepts exactly what the SPIFFE ID standard allows in its canonical form.
//! Whatever the standard lets a *parser* fold (an upper-case scheme or trust
//! domain, SPIFFE-ID 2.4) is refused here: two spellings of one name are how
//! access rules are bypassed.

mod pattern;
mod spiffe_id;
mod trust_domain;

pub use pattern::{SpiffeIdPattern, SpiffeIdPatternError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use trust_domain::{TrustDomain, TrustDomainError};
