//! What is in flight, and is asked about again when the answer may have changed.
//!
//! A permit is an answer to a question at one moment. Whatever lives on it has
//! its question here until it ends; when other policies are in force, or the
//! clock has moved on for those that read it, the question is put again. What
//! gets a no is cut by whoever serves it, each protocol in its way.
//!
//! Nothing in flight can be missed: each entry has the number of the policies
//! that it was last decided under, and a sweep goes by those numbers and not by
//! what came first.

mod asker;
mod keeper;
mod meters;
mod permission;
mod registry;
mod slots;
mod terms;

pub(super) use asker::Asked;
pub(super) use asker::Asker;
pub(super) use asker::NotAdmitted;
pub(super) use keeper::keep_deciding;
pub use meters::LiveMeters;
pub(super) use meters::LiveMetrics;
pub(super) use permission::PERMIT_WITHDRAWN;
pub(super) use permission::Permission;
pub(super) use permission::Withdrawal;
pub(super) use registry::Registry;
pub(super) use registry::Stake;
pub(super) use terms::Generation;
pub(super) use terms::Moment;
pub(super) use terms::Terms;
