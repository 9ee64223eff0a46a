//! Where operators order a sidecar about: a Unix socket, beside the window that
//! they look through.
//!
//! Only the sidecar's own user and root are heard, by the kernel's word. Each
//! order that changes something has its record in the audit log, with who gave
//! it, before whoever gave it learns of the outcome; without room for the record
//! nothing is changed.

mod operator;
mod orders;
mod service;
mod signals;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;

use crate::drain::Watch;
use crate::net::UnixBindError;
use crate::net::UnixSocket;
use crate::rpc::sidecar::operations_server::OperationsServer;

pub use orders::Orders;
pub use signals::Signals;

use service::Service;

/// The socket for operators, open, with nobody served yet.
#[derive(Debug)]
pub struct Hatch {
    service: Service,
    socket: UnixSocket,
}

impl Hatch {
    /// Opens the socket for `orders`.
    ///
    /// # Errors
    ///
    /// All of [`UnixBindError`].
    pub fn bind(path: &Path, orders: Orders) -> Result<Self, UnixBindError> {
        Ok(Self {
            service: Service {
                orders: Arc::new(orders),
            },
            socket: UnixSocket::bind(path, MODE)?,
        })
    }

    /// Takes orders until `stop`; then the socket's file goes.
    ///
    /// # Errors
    ///
    /// If nobody can be served any more.
    pub async fn serve(self, mut stop: Watch) -> Result<(), HatchError> {
        let UnixSocket { listener, place } = self.socket;
        let listener = UnixListener::from_std(listener);
        let listener = listener.map_err(|cause| HatchError::Socket { cause })?;
        let (callers, incoming) = mpsc::channel::<io::Result<_>>(WAITING);
        let until = stop.clone();
        let served = Server::builder()
            .max_concurrent_streams(MOST_STREAMS)
            .http2_keepalive_interval(Some(PING_EVERY))
            .add_service(
                OperationsServer::new(self.service).max_decoding_message_size(MOST_MESSAGE_BYTES),
            )
            .serve_with_incoming_shutdown(ReceiverStream::new(incoming), ended(until));
        let accepts = async {
            loop {
                let accepted = tokio::select! {
                    () = stop.draining() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, _nameless)) => drop(callers.send(Ok(stream)).await),
                    Err(error) => {
                        tracing::warn!(%error, "an operator's connection cannot be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        let (served, ()) = tokio::join!(served, accepts);
        drop(place);
        served.map_err(|cause| HatchError::Grpc { cause })
    }
}

/// Owns its watch: the server may outlive whoever started it by a moment.
async fn ended(mut stop: Watch) {
    stop.draining().await;
}

/// Why no orders are taken any more.
#[derive(Debug, thiserror::Error)]
pub enum HatchError {
    /// gRPC cannot go on.
    #[error("operators cannot be answered")]
    Grpc {
        /// Why.
        #[source]
        cause: tonic::transport::Error,
    },
    /// The system does not let us watch the socket.
    #[error("the operators' socket cannot be watched")]
    Socket {
        /// What it says.
        #[source]
        cause: io::Error,
    },
}

/// For the sidecar's own user, and nobody else.
const MODE: u32 = 0o600;
/// What a person and a script ask at once.
const MOST_STREAMS: u32 = 16;
/// A name and a value fit many times.
const MOST_MESSAGE_BYTES: usize = 64 * 1024;
/// Whoever has stopped in the middle is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Connections that wait to be served.
const WAITING: usize = 16;
/// What to wait when the system has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
