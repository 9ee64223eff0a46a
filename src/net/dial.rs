//! Reaching another address in time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::tune;

/// Knows one destination and how long reaching it may take.
#[derive(Clone, Debug)]
pub struct Dialer {
    destination: Arc<str>,
    limit: Duration,
}

impl Dialer {
    /// `destination` is `host:port`; `limit` covers the name's resolution and
    /// all its addresses together, and is above zero.
    #[must_use]
    pub fn new(destination: &str, limit: Duration) -> Self {
        Self {
            destination: destination.into(),
            limit,
        }
    }

    /// What is dialled, as written.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// A connection to the first address that answers.
    ///
    /// # Errors
    ///
    /// [`DialError`], which names the destination.
    pub async fn dial(&self) -> Result<TcpStream, DialError> {
        match timeout(self.limit, self.try_all()).await {
            Ok(Ok(stream)) => {
                tune::connection(&stream);
                Ok(stream)
            }
            Ok(Err(cause)) => Err(DialError::Failed {
                destination: Arc::clone(&self.destination),
                cause,
            }),
            Err(_elapsed) => Err(DialError::TimedOut {
                destination: Arc::clone(&self.destination),
                after: self.limit,
            }),
        }
    }

    async fn try_all(&self) -> io::Result<TcpStream> {
        if let Ok(address) = self.destination.parse::<SocketAddr>() {
            return TcpStream::connect(address).await;
        }
        TcpStream::connect(&*self.destination).await
    }
}

/// Why a destination was not reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No address, or none that takes connections.
    #[error("cannot connect to `{destination}`")]
    Failed {
        /// Where to.
        destination: Arc<str>,
        /// What the system says of the last address.
        #[source]
        cause: io::Error,
    },
    /// Nobody answered.
    #[error("no connection to `{destination}` within {after:?}")]
    TimedOut {
        /// Where to.
        destination: Arc<str>,
        /// The limit.
        after: Duration,
    },
}
