//! Lets clients in whose `:authority` is a path.
//!
//! Over a Unix socket there is no host to name, so gRPC for Python, C++ and
//! Java names the socket: `%2Frun%2Fx.sock`, `/run/x.sock`, or nothing. That is
//! no authority (RFC 9110, 7.2), and our HTTP/2 library resets such streams
//! before anybody sees them. A [`Doorstep`] stands between the socket and the
//! library and puts `localhost` in its place. It changes nothing else that a
//! client says, and a client that overdoes it (a flood of frames, a block that
//! unfolds into megabytes) loses its connection here.

mod block;
mod decoder;
mod field;
mod frame;
mod huffman;
mod rewriter;
mod stream;
mod table;

#[cfg(test)]
mod hpack_tests;
#[cfg(test)]
mod tests;

pub use block::BlockError;
pub use decoder::HpackError;
pub use rewriter::{RewriteError, Rewriter};
pub use stream::Doorstep;
