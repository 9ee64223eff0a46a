//! The door for people.
//!
//! A browser proves nothing by TLS; who asks is known by a cookie of ours, which
//! stands for a session that a provider vouched for at its beginning. Each
//! request is put to the same policy as every other's, with the person as
//! principal. Whoever has to sign in first is sent to a provider and back.
//!
//! `passage.rs` has the steps in their order. What takes a provider, the store or
//! a cipher is the [`Office`]'s, on the control thread.

mod assertion;
mod browser;
mod cookies;
mod door;
mod errand;
mod fields;
mod html;
mod lines;
mod metrics;
mod office;
mod origins;
mod page;
mod papers;
mod passage;
mod routes;
mod say;
mod settings;
mod visitor;
mod who;

pub use assertion::Asserter;
pub use door::EdgeDoor;
pub use door::EdgeEquipment;
pub use errand::Counter;
pub use errand::Errand;
pub use errand::Errands;
pub use errand::counter;
pub use html::Shown;
pub use metrics::EdgeMetrics;
pub use office::NoKeys;
pub use office::Office;
pub use page::Page;
pub use settings::Edge;
pub use settings::EdgeRoute;
pub use settings::EdgeTarget;
