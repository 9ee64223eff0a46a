//! The way to our own application, and whether it was open when last tried.
//!
//! A port that nobody listens on says so at once. An application that hangs
//! does not: with its queue full, each request would wait in front of it for as
//! long as connecting may take. So once that has been waited for, requests are
//! told at once for a moment, and then one of them tries again.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::AppAddress;
use crate::net::AppDialer;
use crate::net::AppStream;
use crate::net::DialError;
use crate::proxy::upstream::UpstreamError;

/// One worker's way to the application.
#[derive(Debug)]
pub(in crate::proxy) struct AppWay {
    dialer: AppDialer,
    limit: Duration,
    shut_until: Cell<Option<Instant>>,
}

impl AppWay {
    /// To `address`, where connecting may take `limit`.
    pub(in crate::proxy) const fn new(address: AppAddress, limit: Duration) -> Self {
        Self {
            dialer: AppDialer::new(address, limit),
            limit,
            shut_until: Cell::new(None),
        }
    }

    /// A connection.
    pub(super) async fn dial(&self) -> Result<AppStream, UpstreamError> {
        let now = Instant::now();
        match self.shut_until.get() {
            Some(until) if now < until => return Err(UpstreamError::Unreachable),
            // This one tries, and until it has, others are told as before.
            Some(_over) => self.shut_until.set(Some(now + self.limit)),
            None => {}
        }
        let dialled = self.dialer.dial().await;
        let hangs = matches!(dialled, Err(DialError::TimedOut { .. }));
        self.shut_until
            .set(hangs.then(|| Instant::now() + A_MOMENT));
        dialled.map_err(|cause| UpstreamError::Dial { cause })
    }
}

/// As long as `retry-after` tells callers to wait.
const A_MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::Domain;
    use socket2::SockAddr;
    use socket2::Socket;
    use socket2::Type;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn after_one_has_waited_in_vain_others_are_told_at_once_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        // It takes up the only place in the queue.
        let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let limit = Duration::from_secs(5);
        let way = AppWay::new(AppAddress::Unix(path.into()), limit);
        let start = Instant::now();
        let waited = |expected| assert_eq!(start.elapsed().as_secs(), expected);

        let error = way.dial().await.unwrap_err();
        assert!(matches!(error, UpstreamError::Dial { .. }), "{error}");
        waited(5);
        let error = way.dial().await.unwrap_err();
        assert!(matches!(error, UpstreamError::Unreachable), "{error}");
        waited(5);
        advance(A_MOMENT).await;
        // One tries; the other does not wait for it.
        let (tried, other) = tokio::join!(way.dial(), way.dial());
        assert!(matches!(tried, Err(UpstreamError::Dial { .. })));
        assert!(matches!(other, Err(UpstreamError::Unreachable)));
        waited(11);
        advance(A_MOMENT).await;
        socket.accept().unwrap();
        way.dial().await.unwrap();
        socket.accept().unwrap();
        way.dial().await.unwrap();
        waited(12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_shuts_nothing() {
        let way = AppWay::new(
            AppAddress::Unix(std::path::Path::new("/nowhere/app.sock").into()),
            Duration::from_secs(5),
        );
        for _ in 0..2 {
            let error = way.dial().await.unwrap_err();
            assert!(matches!(error, UpstreamError::Dial { .. }), "{error}");
        }
    }
}
