//! The other side: our application, or another sidecar.
//!
//! One worker's connections to one destination. Plain requests share what is
//! there: kept-alive HTTP/1 connections, or HTTP/2 connections with many
//! streams each. A request that wants to leave HTTP gets a connection of its
//! own, which nothing else ever uses.

mod alone;
mod apart;
mod app_way;
mod bond;
mod budget;
mod destination;
mod health;
mod heard;
mod http1;
mod http2;
mod idle;
mod keeper;
mod line;
mod load;
mod roster;
mod streaming;
mod trial;
mod vigil;
mod wire;

use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;
use http::Response;
use http::StatusCode;

use crate::net::DialError;
use crate::net::Whereabouts;
use crate::proxy::body::Source;
use crate::proxy::canonical::Canonical;
use crate::proxy::handover::Handed;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::destination::Destination;
use crate::tls::ConnectError;
use crate::tls::Protocol;

pub(super) use bond::Bond;
pub use budget::Retries;
pub use destination::Balancing;
pub use health::Ejection;
pub(super) use keeper::Keeper;
pub(super) use keeper::Shown;
pub(super) use line::LineError;
pub(super) use line::Reading;
pub(super) use streaming::Streaming;
pub(super) use wire::Reach;
pub(super) use wire::Way;
pub(super) use wire::Wire;

/// How connections to a destination are made and kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    /// How long an unused HTTP/1 connection is kept.
    pub(super) idle: Duration,
    /// The most unused HTTP/1 connections.
    pub(super) most_idle: usize,
    /// What plain requests are spoken in.
    pub(super) protocol: Protocol,
}

/// One worker's way to one destination.
#[derive(Debug)]
pub(super) struct Upstream {
    to: To,
}

#[derive(Debug)]
enum To {
    /// To our own application.
    Application {
        http1: http1::Connections,
        http2: http2::Tunnels,
        protocol: Protocol,
        reach: Rc<Reach>,
    },
    /// To another workload.
    Workload(Box<Destination>),
}

impl Upstream {
    /// To our own application.
    pub(super) fn new(reach: Reach, keeping: Keeping) -> Self {
        let reach = Rc::new(reach);
        Self {
            to: To::Application {
                http1: http1::Connections::new(Rc::clone(&reach), keeping),
                http2: http2::Tunnels::new(Rc::clone(&reach), None),
                protocol: keeping.protocol,
                reach,
            },
        }
    }

    /// To another workload, which is at `whereabouts`.
    pub(super) fn to_workload(
        reach: Reach,
        whereabouts: Whereabouts,
        balancing: Balancing,
    ) -> Self {
        Self {
            to: To::Workload(Box::new(Destination::new(reach, whereabouts, balancing))),
        }
    }

    /// What `request` will be spoken in, as records have it.
    pub(super) fn protocol_of(&self, request: &Canonical) -> &'static str {
        let protocol = match self.to {
            To::Application { protocol, .. } => protocol,
            To::Workload(_) => Protocol::Http2,
        };
        match protocol {
            Protocol::Http2 if request.upgrade.is_none() => "HTTP/2",
            Protocol::Http1 | Protocol::Http2 => "HTTP/1.1",
        }
    }

    /// Sends `outgoing` and returns the head of the answer.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]; the destination may have seen the request only where
    /// the variant says so.
    ///
    /// # Cancellation
    ///
    /// Dropping the future resets the stream or closes the connection.
    pub(super) async fn send(&self, outgoing: Box<Outgoing>) -> Result<Answer, UpstreamError> {
        match &self.to {
            To::Application { reach, .. } if outgoing.upgrade.is_some() => {
                Box::pin(alone::send(reach, outgoing)).await
            }
            To::Application {
                http1, protocol, ..
            } if *protocol == Protocol::Http1 => http1.send(outgoing).await,
            To::Application { http2, .. } => http2.send(outgoing).await,
            To::Workload(destination) => destination.send(outgoing).await,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// What binds its connection, if that is to another sidecar.
    pub(super) bond: Option<Rc<Bond>>,
    pub(super) response: Response<Source>,
    pub(super) rest: Rest,
}

fn response(status: StatusCode, headers: HeaderMap, source: Source) -> Response<Source> {
    let mut response = Response::new(source);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What an exchange still holds of its upstream while the response streams.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// The destination agreed to another protocol.
    Switched(Handed),
    /// A stream, and perhaps a request body that is still being sent.
    Streaming(#[expect(dead_code, reason = "held for its drop, which ends the stream")] Streaming),
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    /// The response has two lengths, or a transfer coding other than one `chunked`.
    #[error("the response can be framed in two ways")]
    AmbiguousFraming,
    /// The destination could not be reached. It has seen nothing.
    #[error("the destination cannot be reached")]
    Dial {
        /// Why.
        #[source]
        cause: DialError,
    },
    /// The connection failed before a response. The destination may have seen the request.
    #[error("the connection failed before there was a response")]
    Http1 {
        /// Why.
        #[source]
        cause: LineError,
    },
    /// The stream or its connection failed. The destination may have seen the request.
    #[error("the stream failed before there was a response")]
    Http2 {
        /// What h2 says.
        #[source]
        cause: h2::Error,
    },
    /// We ended the connection. The destination may have seen the request.
    #[error("the destination is not believed any more: `{reason}`")]
    Lost {
        /// Why, as records have it.
        reason: &'static str,
    },
    /// No address of the destination is known. It has seen nothing.
    #[error("the destination's name leads nowhere")]
    Nowhere,
    /// The canonical request cannot be written in the destination's protocol.
    #[error("the request cannot be written for the destination")]
    Unwritable {
        /// What http says.
        #[source]
        cause: http::Error,
    },
    /// The destination proved no identity that we expect. It has seen nothing.
    #[error("the destination is not who it should be")]
    Tls {
        /// Why.
        #[source]
        cause: ConnectError,
    },
    /// The other requests that waited for the same connection were told why.
    #[error("the destination could not be reached a moment ago")]
    Unreachable,
    /// The destination agreed to a protocol that nobody asked for.
    #[error("the destination switched protocols unasked, with {status}")]
    UnaskedUpgrade {
        /// Its status.
        status: StatusCode,
    },
}
