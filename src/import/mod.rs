//! Policies of others, in Cedar.
//!
//! A translation says what its original says, or there is none: what cannot be
//! said in the same way is refused with its line. Nothing is ever permitted
//! that the original does not permit.

mod cedar;
mod connection;
mod file;
mod host;
mod istio;
mod node;
mod operation;
mod pattern;
mod pomerium;
mod port;
mod refusals;
mod source;
mod template;
mod translation;
mod trust;

pub use istio::Target;
pub use istio::istio;
pub use pomerium::Route;
pub use pomerium::pomerium;
pub use refusals::Untranslatable;
pub use translation::Imported;
