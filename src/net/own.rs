//! The connections that we make ourselves, to know them when they come back.
//!
//! A firewall that redirects what we dial brings it to our own door, which
//! would dial again, and so on for ever.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::net::TcpStream;

/// Ours, by the addresses that they are from. Clones share one list.
#[derive(Clone, Default)]
pub struct OwnConnections(Arc<Mutex<HashSet<SocketAddr>>>);

impl OwnConnections {
    /// Lists `stream`, which we have dialled, until the answer is dropped.
    #[must_use]
    pub fn list(&self, stream: &TcpStream) -> OwnConnection {
        let from = stream.local_addr().ok();
        self.change(|all| all.extend(from));
        OwnConnection {
            all: self.clone(),
            from,
        }
    }

    /// Whether a connection from `source` is one of ours.
    #[must_use]
    pub fn include(&self, source: SocketAddr) -> bool {
        self.change(|all| all.contains(&source))
    }

    fn change<T>(&self, by: impl FnOnce(&mut HashSet<SocketAddr>) -> T) -> T {
        // No step under the lock leaves the list half done.
        by(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for OwnConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnConnections(…)")
    }
}

/// One connection that is listed.
#[derive(Debug)]
pub struct OwnConnection {
    all: OwnConnections,
    from: Option<SocketAddr>,
}

impl Drop for OwnConnection {
    fn drop(&mut self) {
        if let Some(from) = self.from {
            self.all.change(|all| all.remove(&from));
        }
    }
}
