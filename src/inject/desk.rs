//! One request of an API server, read and answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::inject::answer;
use crate::inject::asked::read_review;
use crate::inject::injector::Injector;
use crate::inject::metrics::Metrics;
use crate::tls::OpenReception;

/// Where reviews are answered.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) injector: Injector,
    pub(super) metrics: Metrics,
    pub(super) reception: OpenReception,
}

impl Desk {
    /// Answers one request, whosever it is: API servers show nothing by default, and
    /// an answer tells nothing that is not in every pod.
    pub(super) async fn converse(&self, stream: TcpStream, source: SocketAddr) {
        let stream = match self.reception.receive(stream).await {
            Ok(stream) => stream,
            Err(why) => {
                let error: &dyn std::error::Error = &why;
                tracing::debug!(%source, error, "a handshake with the injector failed");
                return self.metrics.handshake(&why.reason());
            }
        };
        self.metrics.handshake("ok");
        let service =
            service_fn(async |request| Ok::<_, Infallible>(self.answer(request, source).await));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .max_buf_size(MOST_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        match timeout(PATIENCE, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%source, %error, "a review broke"),
            Err(_elapsed) => tracing::debug!(%source, "a review took too long"),
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        source: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let refused = |status, text: &str| {
            tracing::warn!(%source, %status, text, "not a review that can be answered");
            self.metrics.review("unreadable");
            said(status, "text/plain; charset=utf-8", format!("{text}\n"))
        };
        if head.uri.path() != PATH {
            return refused(StatusCode::NOT_FOUND, "there is only /inject");
        }
        if head.method != Method::POST {
            let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "only POST");
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        if !is_json(&head.headers) {
            let text = "the content-type must be application/json";
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
        }
        let body = match Limited::new(body, MOST_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let text = "a review may have 4 MiB";
                return refused(StatusCode::PAYLOAD_TOO_LARGE, text);
            }
            Err(_broken) => return refused(StatusCode::BAD_REQUEST, "the review broke off"),
        };
        let asked = match read_review(&body) {
            Ok(asked) => asked,
            Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let outcome = self.injector.answer(&asked);
        self.metrics.review(outcome.as_str());
        let review = answer::review(&asked.uid, outcome);
        said(StatusCode::OK, "application/json", review.to_string())
    }
}

/// Whether the body is said to be JSON, whatever is said besides.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let kind = only.to_str().ok().and_then(|text| text.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn said(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// What the cluster's configuration says as well.
const PATH: &str = "/inject";

/// An API server takes at most 3 MiB of an object, and says a little besides.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Its head has some lines.
const MOST_BUFFER_BYTES: usize = 64 * 1024;

/// How long one connection may take after its handshake: what the cluster waits
/// (`timeoutSeconds`) at the most.
const PATIENCE: Duration = Duration::from_secs(10);
