//! Who may say that a connection is from somebody else.
//!
//! A balancer that hands connections on hides where they come from, and says
//! so in a header before the first byte. Only those that the operator lists
//! are believed, and they must say it each time: whoever could leave it out
//! would pass for the balancer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::Network;
use crate::net::ProxyHeaderError;
use crate::net::read_proxy_header;

/// The balancers that a door believes.
#[derive(Clone, Debug)]
pub struct Balancers {
    /// Where they are. Nobody, if it is empty.
    pub from: Vec<Network>,
    /// How long a header may take. Above zero.
    pub timeout: Duration,
}

impl Balancers {
    /// Whether `source` is one of them.
    pub(super) fn are_at(&self, source: SocketAddr) -> bool {
        let address = source.ip();
        self.from.iter().any(|network| network.contains(address))
    }

    /// Where the connection `stream`, which `source` made, is from.
    pub(super) async fn source(
        &self,
        stream: &mut TcpStream,
        source: SocketAddr,
    ) -> Result<SocketAddr, Unannounced> {
        if !self.are_at(source) {
            return Ok(source);
        }
        // Boxed: most connections have no part in it.
        let reading = Box::pin(timeout(self.timeout, read_proxy_header(stream)));
        match reading.await {
            Ok(Ok(announced)) => Ok(announced.unwrap_or(source)),
            Ok(Err(cause)) => Err(Unannounced::Unreadable { cause }),
            Err(_elapsed) => Err(Unannounced::Late {
                after: self.timeout,
            }),
        }
    }
}

/// Why a balancer's connection is nobody's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unannounced {
    /// The header did not come.
    #[error("no PROXY header within {after:?}")]
    Late {
        /// The limit.
        after: Duration,
    },
    /// What came is none.
    #[error("the balancer does not say whom the connection is from")]
    Unreadable {
        /// Why not.
        #[source]
        cause: ProxyHeaderError,
    },
}

impl Unannounced {
    /// A stable word for records and metrics.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Late { .. } => "proxy_header_timeout",
            Self::Unreadable { cause } => cause.reason(),
        }
    }
}
