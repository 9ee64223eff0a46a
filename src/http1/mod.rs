//! HTTP/1 messages on the wire: heads, and where bodies end.
//!
//! A library would run a task for each connection and hand every message over
//! to it and back; a request that passes through pays for that twice. These
//! are the parts by which whoever owns a connection reads and writes on it
//! itself. How fields are spelt is left to `httparse`; that a message has one
//! reading, or none, is looked after here (RFC 9112).

mod chunked;
mod decoder;
mod fields;
mod head;
mod inlet;
mod outlet;
mod request;
mod response;
pub mod text;
mod websocket;

pub use chunked::{ChunkError, Chunked, Step};
pub use decoder::Decoder;
pub use fields::tokens;
pub use head::{Head, HeadError, HeadLimits};
pub use inlet::{Inlet, ReadError};
pub use outlet::{Framing, Outlet, WriteError};
pub use request::RequestHead;
pub use response::{ResponseHead, is_bodiless};
pub use websocket::{POLICY_VIOLATION, WebSocketFrames, is_websocket};
