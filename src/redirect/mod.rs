//! The firewall's part: rules by which the kernel brings connections to our doors.
//!
//! The rules are one nftables table of our own, written as a whole and loaded
//! as a whole: loading it again replaces it, and nobody else's rules are
//! touched. Only TCP is redirected. Where a door has no listener for a family
//! of addresses, what is redirected is refused by the kernel: never let past.

mod nft;
mod plan;
mod rules;

pub use nft::NftError;
pub use nft::apply;
pub use nft::remove;
pub use plan::Exclusions;
pub use plan::Inward;
pub use plan::Plan;
pub use plan::PlanError;
