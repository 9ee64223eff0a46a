//! The service that calls: whoever asks it is shown what `orders` says.
//!
//! It knows one address, that of its sidecar's outbound door, and nothing of
//! certificates. To people it shows pages, through the edge.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use futures_util::StreamExt as _;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use hyper::body::Frame;

use crate::demo::client;
use crate::demo::orders;
use crate::demo::shop_page;

/// The service, on a thread of its own.
#[derive(Debug)]
pub(super) struct Shop {
    address: SocketAddr,
}

impl Shop {
    /// One that calls `orders` at `door`; `provider` is where people are moved about.
    pub(super) fn start(door: SocketAddr, provider: &str) -> io::Result<Self> {
        let provider = provider.to_owned();
        let address = orders::serve("shop", move |request, _tasks| {
            match request.uri().path() {
                "/" => return shop_page::home(request.headers(), &provider),
                "/live" => return shop_page::live(request.headers(), &provider),
                "/till" => return shop_page::till(request.headers()),
                path if path.starts_with("/orders/") => {}
                "/stream" | "/ws" => {}
                _ => return shop_page::nothing(),
            }
            let path = request
                .uri()
                .path_and_query()
                .map_or("/", |target| target.as_str())
                .to_owned();
            let called = futures_util::stream::once(async move {
                let answer = client::ask(door, &format!("GET {path} HTTP/1.1")).await;
                let text = answer.map_or_else(
                    |error| format!("orders did not answer: {error}\n"),
                    |answer| answer.text,
                );
                Ok::<_, Infallible>(Frame::data(text.into()))
            });
            Response::new(StreamBody::new(called.boxed()).boxed_unsync())
        })?;
        Ok(Self { address })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}
