//! Requests out of a connection, and their responses back into it.

mod followed;
mod http1;
mod http2;
mod unread;

use std::future::Future;

use http::Request;
use http::Response;

use crate::http2::Flood;
use crate::proxy::body::Source;
use crate::proxy::download::Download;
use crate::proxy::lifetime::Fate;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::Wire;
use crate::tls::Protocol;

/// Answers the requests of one connection. Two doors answer, each in its way.
pub(super) trait Answer {
    /// The answer to `request`, which must come whatever happens.
    fn answer(&self, request: Request<Source>) -> impl Future<Output = Response<Download>>;

    /// Notes a request that was refused for `reason` before it could be handed to us.
    fn unread(&self, reason: &'static str);
}

/// A connection that is ready to be served.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) fate: Fate,
    pub(super) lifetime: Lifetime,
    pub(super) limits: Limits,
    pub(super) protocol: Protocol,
    pub(super) wire: Wire,
}

impl Connection {
    /// Serves until either side is done.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if the caller broke the protocol or went away. What was
    /// in flight is recorded by then.
    pub(super) async fn serve(self, answer: impl Answer + 'static) -> Result<(), ServeError> {
        match self.protocol {
            Protocol::Http1 => http1::serve(self, answer).await,
            Protocol::Http2 => http2::serve(self, answer).await,
        }
    }
}

/// Why a connection ended badly.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error("too many frames that are no request")]
    Flood { flood: Flood },
    #[error("the HTTP/1 connection failed")]
    Http1 {
        #[source]
        cause: hyper::Error,
    },
    #[error("the HTTP/2 connection failed")]
    Http2 {
        #[source]
        cause: h2::Error,
    },
    #[error("no HTTP/2 preface came in time")]
    NoPreface,
}

impl ServeError {
    /// What the caller did wrong, as records and metrics have it; nothing if
    /// it only went away.
    pub(super) fn offence(&self) -> Option<&'static str> {
        match self {
            Self::Http1 { cause } if cause.is_parse_too_large() => Some("head_too_large"),
            Self::Http1 { cause } if cause.is_parse() => Some("malformed_message"),
            Self::Http1 { cause } if cause.is_timeout() => Some("header_timeout"),
            Self::Http2 { cause } if cause.is_go_away() && cause.is_library() => {
                Some("http2_violation")
            }
            Self::Flood { flood } => Some(flood.reason()),
            Self::NoPreface => Some("header_timeout"),
            Self::Http1 { .. } | Self::Http2 { .. } => None,
        }
    }
}
