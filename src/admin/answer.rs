//! What is answered to whom.

use crate::admin::host;
use crate::admin::readiness::Readiness;
use crate::admin::readiness::Unready;
use crate::admin::status::Page;
use crate::admin::status::Report;
use crate::metrics::Exposition;
use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::ALLOW;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use http::header::HeaderName;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http_body_util::Full;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// All that answers are made from.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) exposition: Exposition,
    pub(super) readiness: Readiness,
    pub(super) report: Arc<dyn Report>,
}

/// All of `/readyz`.
#[derive(Serialize)]
struct Verdict {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_ready: Vec<Unready>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<Unready>,
}

/// Where one can look.
#[derive(Clone, Copy)]
enum Path {
    Checkpoint,
    Livez,
    Metrics,
    Readyz,
    Status,
}

impl Path {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/audit/checkpoint" => Some(Self::Checkpoint),
            "/livez" => Some(Self::Livez),
            "/metrics" => Some(Self::Metrics),
            "/readyz" => Some(Self::Readyz),
            "/status" => Some(Self::Status),
            _ => None,
        }
    }

    /// Whether a page in a browser must not read it.
    ///
    /// Where others reach us, Prometheus may use a name of ours for metrics.
    const fn is_guarded(self, at: SocketAddr) -> bool {
        match self {
            Self::Livez | Self::Readyz => false,
            Self::Checkpoint | Self::Metrics => at.ip().is_loopback(),
            Self::Status => true,
        }
    }
}

impl View {
    /// Answers `request`, which came in `at` this address of ours.
    pub(super) fn answer<B>(&self, request: &Request<B>, at: SocketAddr) -> Response<Full<Bytes>> {
        let Some(path) = Path::of(request.uri().path()) else {
            return plain(
                StatusCode::NOT_FOUND,
                "there are: /audit/checkpoint /livez /readyz /metrics /status\n",
            );
        };
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            refusal
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        if path.is_guarded(at) && !host::is_ours(request.uri(), request.headers()) {
            return plain(
                StatusCode::FORBIDDEN,
                "the host must be an IP address or localhost\n",
            );
        }
        match path {
            Path::Checkpoint => self.checkpoint(),
            Path::Livez => plain(StatusCode::OK, "ok\n"),
            Path::Metrics => self.metrics(),
            Path::Readyz => self.readyz(),
            Path::Status => self.status(),
        }
    }

    /// The last checkpoint, for whoever keeps it elsewhere.
    fn checkpoint(&self) -> Response<Full<Bytes>> {
        match self.report.checkpoint() {
            Some(note) => response(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                note.as_bytes().to_vec(),
            ),
            None => plain(
                StatusCode::NOT_FOUND,
                "there is none: nothing was recorded yet, or `audit.checkpoints` is not configured\n",
            ),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match self.exposition.encode() {
            Ok(text) => response(StatusCode::OK, Exposition::CONTENT_TYPE, text),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the metrics cannot be written\n",
                )
            }
        }
    }

    fn readyz(&self) -> Response<Full<Bytes>> {
        let not_ready = self.readiness.unready();
        let ready = not_ready.is_empty();
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let verdict = Verdict {
            ready,
            not_ready,
            remarks: self.readiness.remarks(),
        };
        json(status, &verdict)
    }

    fn status(&self) -> Response<Full<Bytes>> {
        let not_ready = self.readiness.unready();
        let page = Page {
            version: env!("CARGO_PKG_VERSION"),
            ready: not_ready.is_empty(),
            not_ready,
            remarks: self.readiness.remarks(),
            status: self.report.status(),
        };
        json(StatusCode::OK, &page)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            response(status, "application/json", text)
        }
        Err(error) => {
            tracing::error!(%error, "the status cannot be written");
            plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the status cannot be written\n",
            )
        }
    }
}

fn response(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers: [(HeaderName, &'static str); 3] = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
