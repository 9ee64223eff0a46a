//! Sockets and tasks, without meaning.
//!
//! What is said over a connection is nobody's business here: this floor binds,
//! accepts, dials, and keeps count of the tasks that serve what it made.

mod bind;
mod dial;
mod listen;
mod stall;
mod tasks;
mod tune;

pub use bind::{BindError, Bound, bind};
pub use dial::{DialError, Dialer};
pub use listen::Listener;
pub use stall::StallGuard;
pub use tasks::Tasks;
