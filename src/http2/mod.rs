//! HTTP/2 from outside: what kinds of frames pass, whatever is in them.
//!
//! The HTTP/2 library answers PING and SETTINGS, applies window updates and
//! skips what it does not know, as fast as it comes and for as long as it
//! comes. None of that is a request, so nothing that counts requests would
//! ever see it. A [`FloodGuard`] reads the heads of the frames, which are nine
//! bytes each, and says when there are more of them than the connection's own
//! requests and responses give reason for. [`Reading`] sees to it that those
//! that may be sent are not all looked at while others wait.

mod flood;
mod frames;
mod guarded;
mod reading;

pub use flood::{Flood, FloodGuard, worth};
pub use frames::{FrameHead, Frames, written_parts};
pub use guarded::Guarded;
pub use reading::Reading;
