//! Reaching another address in time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::dice::Dice;
use crate::net::tune;
use crate::net::whereabouts::Known;
use crate::net::whereabouts::Whereabouts;

/// Knows one destination and how long reaching it may take.
#[derive(Clone, Debug)]
pub struct Dialer {
    destination: Arc<str>,
    /// Where it is; whoever has none asks the system, each time.
    found: Option<Whereabouts>,
    limit: Duration,
}

impl Dialer {
    /// `destination` is `host:port`; `limit` covers the name's resolution and
    /// all its addresses together, and is above zero.
    #[must_use]
    pub fn new(destination: &str, limit: Duration) -> Self {
        Self {
            destination: destination.into(),
            found: None,
            limit,
        }
    }

    /// The same, with the addresses that are kept of the destination.
    #[must_use]
    pub fn following(self, whereabouts: Whereabouts) -> Self {
        Self {
            found: Some(whereabouts),
            ..self
        }
    }

    /// What is dialled, as written.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// A connection to the first address that answers. Of addresses that are
    /// kept some are tried, drawn at random, so that they share the load.
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
        if let Some(whereabouts) = &self.found {
            return self.try_some(whereabouts).await;
        }
        if let Ok(address) = self.destination.parse::<SocketAddr>() {
            return TcpStream::connect(address).await;
        }
        TcpStream::connect(&*self.destination).await
    }
}

impl Dialer {
    async fn try_some(&self, whereabouts: &Whereabouts) -> io::Result<TcpStream> {
        whereabouts.clone().told().await;
        let Known::At(addresses) = whereabouts.now() else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "its name has no address",
            ));
        };
        let first = Dice::new().below(addresses.len());
        let turned = addresses.iter().cycle().skip(first);
        let tries = addresses.len().min(MOST_TRIES);
        // One that says nothing must leave time for the others.
        let limit = self.limit / u32::try_from(tries).unwrap_or(1).max(1);
        let mut outcome = Err(io::ErrorKind::NotFound.into());
        for address in turned.take(tries) {
            outcome = match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(failed) => failed,
                Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
            };
        }
        outcome
    }
}

/// How many addresses are tried: more would leave too little time for each.
const MOST_TRIES: usize = 3;

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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::*;

    #[tokio::test]
    async fn any_of_the_addresses_that_are_kept_will_do() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let well = listener.local_addr().unwrap();
        // Nobody listens there: it is bound by nobody who would.
        let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let ill = closed.local_addr().unwrap();
        drop(closed);
        let (tell, known) = watch::channel(Known::NotYet);
        let dialer = Dialer::new("no.such.name.invalid:1", Duration::from_secs(9))
            .following(Whereabouts::told_by(known));
        let (dialled, ()) = tokio::join!(dialer.dial(), async {
            tell.send(Known::At([ill, well].into())).unwrap();
        });
        assert_eq!(dialled.unwrap().peer_addr().unwrap(), well);
        tell.send(Known::Lost).unwrap();
        let error = dialer.dial().await.unwrap_err();
        assert!(
            matches!(error, DialError::Failed { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
        );
    }
}
