//! Requests out of a connection, and their responses back into it.

mod caller;
mod conversation;
mod date;
mod followed;
mod http1;
mod http2;
mod reply_text;
mod unread;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use http::Request;
use http::Response;

use crate::http1::HeadError;
use crate::http2::Flood;
use crate::proxy::body::Source;
use crate::proxy::download::Download;
use crate::proxy::handover::Awaited;
use crate::proxy::lifetime::Fate;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::Wire;
use crate::tls::Protocol;

pub(super) use caller::CallerBody;

/// Answers the requests of one connection. Two doors answer, each in its way.
pub(super) trait Answer {
    /// The answer to `request`, which must come whatever happens. If that is to
    /// change protocols, the connection comes with `caller`.
    fn answer(
        &self,
        request: Request<Source>,
        caller: Option<Awaited>,
    ) -> impl Future<Output = Response<Download>>;

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
    pub(super) fn serve(self, answer: impl Answer + 'static) -> Serving {
        let answer = Rc::new(answer);
        // Each is as large as its protocol needs it, for as long as the connection lives.
        match self.protocol {
            Protocol::Http1 => Box::pin(http1::serve(self, answer)),
            Protocol::Http2 => Box::pin(http2::serve(self, answer)),
        }
    }
}

/// A connection that is served.
pub(super) type Serving = Pin<Box<dyn Future<Output = Result<(), ServeError>>>>;

/// Why a connection ended badly.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error("too many frames that are no request")]
    Flood { flood: Flood },
    #[error("a request's head cannot be read")]
    Head {
        #[source]
        cause: HeadError,
    },
    #[error("a request's head did not come in time")]
    HeaderTimeout,
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
            Self::Head {
                cause: HeadError::TooLarge | HeadError::TooManyFields,
            } => Some("head_too_large"),
            Self::Head { .. } => Some("malformed_message"),
            Self::Http2 { cause } if cause.is_go_away() && cause.is_library() => {
                Some("http2_violation")
            }
            Self::Flood { flood } => Some(flood.reason()),
            Self::HeaderTimeout | Self::NoPreface => Some("header_timeout"),
            Self::Http2 { .. } => None,
        }
    }
}
