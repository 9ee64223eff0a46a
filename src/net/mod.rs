//! Sockets and tasks, without meaning.
//!
//! What is said over a connection is nobody's business here: this floor binds,
//! accepts, dials, and keeps count of the tasks that serve what it made.

mod app;
mod aside;
mod bind;
mod capture;
mod captures;
mod curfew;
mod dial;
mod dice;
mod guests;
mod listen;
mod names;
mod network;
mod own;
mod place;
mod proxy_header;
mod pulse;
mod redirected;
mod sources;
mod stall;
mod tasks;
mod tune;
mod unix;
mod whereabouts;

pub use app::{AppAddress, AppAddressError, AppDialer, AppStream};
pub use aside::Aside;
pub use bind::{BindError, Bound, bind};
pub use capture::{Capture, CaptureError, Captured};
pub use captures::{Captures, Found, Lead, Security};
pub use curfew::Curfew;
pub use dial::{DialError, Dialer};
pub use dice::Dice;
pub use guests::{Guest, Guests};
pub use listen::Listener;
pub use names::{NameSettings, Names};
pub use network::{Network, NetworkError};
pub use own::{OwnConnection, OwnConnections};
pub use place::place;
pub use proxy_header::{ProxyHeaderError, parse_proxy_header, read_proxy_header};
pub use pulse::Pulse;
pub use redirected::{RedirectedError, original_destination};
pub use sources::{Excess, SourceLimits, Sources, Visit};
pub use stall::StallGuard;
pub use tasks::Tasks;
pub use tune::{Ending, end_by};
pub use unix::{UnixBindError, UnixPlace, UnixSocket};
pub use whereabouts::{Known, Whereabouts};
