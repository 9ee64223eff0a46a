//! Policies of other meshes, in Cedar.
//!
//! A translation says what its original says, or there is none: what cannot be
//! said in the same way is refused with its line. Nothing is ever permitted
//! that the original does not permit.

mod cedar;
mod file;
mod istio;
mod operation;
mod pattern;
mod refusals;
mod source;

pub use istio::Imported;
pub use istio::Target;
pub use istio::istio;
pub use refusals::Untranslatable;
