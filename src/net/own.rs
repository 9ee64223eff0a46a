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

/// Ours, by their two ends: the kernel gives one port to several connections
/// that lead to different places. Clones share one list.
#[derive(Clone, Default)]
pub struct OwnConnections(Arc<Mutex<HashSet<Ends>>>);

/// Where a connection is from, and where to.
type Ends = [SocketAddr; 2];

impl OwnConnections {
    /// Lists `stream`, which we have dialled, until the answer is dropped.
    #[must_use]
    pub fn list(&self, stream: &TcpStream) -> OwnConnection {
        let ends = stream
            .local_addr()
            .and_then(|from| Ok([from, stream.peer_addr()?]));
        // One that is gone again has no ends, and comes back to nobody.
        let ends = ends.ok();
        self.change(|all| all.extend(ends));
        OwnConnection {
            all: self.clone(),
            ends,
        }
    }

    /// Whether a connection from `source`, which was going to `destination`, is one of ours.
    #[must_use]
    pub fn include(&self, source: SocketAddr, destination: SocketAddr) -> bool {
        self.change(|all| all.contains(&[source, destination]))
    }

    fn change<T>(&self, by: impl FnOnce(&mut HashSet<Ends>) -> T) -> T {
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
    ends: Option<Ends>,
}

impl Drop for OwnConnection {
    fn drop(&mut self) {
        if let Some(ends) = self.ends {
            self.all.change(|all| all.remove(&ends));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn ours_are_known_by_both_ends_for_as_long_as_they_are_held() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let stream = TcpStream::connect(there).await.unwrap();
        let (_accepted, source) = listener.accept().await.unwrap();
        let own = OwnConnections::default();
        assert!(!own.include(source, there));
        let listed = own.list(&stream);
        assert!(own.include(source, there));
        let elsewhere = "127.0.0.2:1".parse().unwrap();
        assert!(!own.include(source, elsewhere), "a port is not ours alone");
        drop(listed);
        assert!(!own.include(source, there));
    }
}
