//! The whole sidecar: built, started, drained.
//!
//! [`App::build`] takes every port and reads every file that the configuration
//! names, so that whatever is wrong is known before anything is served.
//! [`App::start`] is the only place that makes threads: one for each worker,
//! one for control (renewal, policy reload, the operator's window) and one
//! that writes records.

mod authority;
mod authority_overview;
mod build;
mod build_error;
mod callers;
mod control;
mod doors;
mod edge;
mod gatehouse;
mod hatch;
mod hosted;
mod injector;
mod logging;
mod names;
mod overview;
mod policies;
mod policy_feed;
mod policy_files;
mod policy_folder;
mod policy_origin;
mod running;
mod signals;
mod source;
mod tcp_doors;
mod thread;
mod transparent;
mod worker;

pub use authority::AuthorityApp;
pub use authority::AuthorityBuildError;
pub use authority::AuthorityRunning;
pub use build::App;
pub use build_error::BuildError;
pub use edge::OpenError as EdgeError;
pub use injector::InjectorApp;
pub use injector::InjectorBuildError;
pub use injector::InjectorRunning;
pub use logging::BadLevel;
pub use logging::start as start_logging;
pub use policies::PolicyMistakes;
pub use policy_feed::KeptPolicy;
pub use policy_feed::NoPolicy;
pub use policy_feed::look_at_kept_policy;
pub use running::Addresses;
pub use running::RunError;
pub use running::Running;
pub use signals::run_authority_until_signalled;
pub use signals::run_injector_until_signalled;
pub use signals::run_until_signalled;
pub use signals::told_to_stop;
pub use source::check;
