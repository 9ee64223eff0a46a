//! Sockets and tasks, without meaning.
//!
//! What is said over a connection is nobody's business here: this floor binds,
//! accepts, dials, and keeps count of the tasks that serve what it made.

mod bind;
mod curfew;
mod dial;
mod guests;
mod listen;
mod place;
mod sources;
mod stall;
mod tasks;
mod tune;
mod unix;

pub use bind::{BindError, Bound, bind};
pub use curfew::Curfew;
pub use dial::{DialError, Dialer};
pub use guests::{Guest, Guests};
pub use listen::Listener;
pub use place::place;
pub use sources::{Excess, SourceLimits, Sources, Visit};
pub use stall::StallGuard;
pub use tasks::Tasks;
pub use tune::{Ending, end_by};
pub use unix::{UnixBindError, UnixPlace, UnixSocket};
