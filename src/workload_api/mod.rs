//! The SPIFFE Workload API: identities for the programs on this machine.
//!
//! A program connects to a Unix socket and says nothing about itself: the
//! kernel says who it is ([`Caller`]). Who may be whom is for a [`Registrar`]
//! to say; this module carries its answers as the standard wants them: whole at
//! first, whole again on every change, and an end when an identity is taken
//! away. Clients of every language may come, also those whose gRPC names the
//! socket as its host ([`Doorstep`](crate::rpc::doorstep::Doorstep)).

mod caller;
mod digests;
mod executable;
mod messages;
mod metrics;
mod nursery;
mod own;
mod process;
mod registrar;
mod server;
mod service;
mod settings;
mod tokens;
mod updates;

#[cfg(test)]
mod tests;

pub use caller::{Caller, CallerError};
pub use digests::Digests;
pub use executable::{Executable, ExecutableError};
pub use metrics::Metrics;
pub use own::OwnIdentity;
pub use process::{Process, ProcessError};
pub use registrar::{
    Hint, HintError, HintedSvid, Refusal, Registrar, Token, TokenRequest, Updates, X509Context,
};
pub use server::Server;
pub use settings::{Mode, ModeError, Settings};
pub use tokens::Tokens;
