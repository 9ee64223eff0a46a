//! What is answered to whom.

use crate::admin::events;
use crate::admin::events::Body;
use crate::admin::host;
use crate::admin::page;
use crate::admin::readiness::Readiness;
use crate::admin::readiness::Unready;
use crate::admin::records::Records;
use crate::admin::status::Page;
use crate::admin::status::Report;
use crate::admin::traffic::Traffic;
use crate::admin::visitor;
use crate::audit::Filter;
use crate::drain::Watch;
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
use http_body_util::BodyExt as _;
use http_body_util::Full;
use serde::Serialize;
use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// All that answers are made from.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) exposition: Exposition,
    pub(super) readiness: Readiness,
    pub(super) report: Arc<dyn Report>,
    /// Places for those who watch.
    pub(super) places: Arc<Semaphore>,
    /// Ends what is told as it happens.
    pub(super) stop: Watch,
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
    Page(&'static page::File),
    Readyz,
    Records,
    Status,
    Traffic,
}

impl Path {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/audit/checkpoint" => Some(Self::Checkpoint),
            "/livez" => Some(Self::Livez),
            "/metrics" => Some(Self::Metrics),
            "/readyz" => Some(Self::Readyz),
            "/records" => Some(Self::Records),
            "/status" => Some(Self::Status),
            "/traffic" => Some(Self::Traffic),
            other => page::file(other).map(Self::Page),
        }
    }

    /// Whether a page in a browser must not read it.
    ///
    /// Where others reach us, Prometheus may use a name of ours for metrics.
    const fn is_guarded(self, at: SocketAddr) -> bool {
        match self {
            Self::Livez | Self::Readyz => false,
            Self::Checkpoint | Self::Metrics => at.ip().is_loopback(),
            Self::Page(_) | Self::Records | Self::Status | Self::Traffic => true,
        }
    }

    /// Whether it tells what callers did.
    const fn is_private(self) -> bool {
        matches!(self, Self::Records | Self::Traffic)
    }
}

impl View {
    /// Answers `request`, which came in `at` this address of ours, and is `from` there.
    pub(super) fn answer<B>(
        &self,
        request: &Request<B>,
        at: SocketAddr,
        from: SocketAddr,
    ) -> Response<Body> {
        let Some(path) = Path::of(request.uri().path()) else {
            return plain(
                StatusCode::NOT_FOUND,
                "there are: / /audit/checkpoint /livez /metrics /readyz /records /status /traffic\n",
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
        if path.is_private()
            && let Err(stranger) = visitor::may_see(request, from.ip())
        {
            return plain(StatusCode::FORBIDDEN, stranger.advice());
        }
        match path {
            Path::Checkpoint => self.checkpoint(),
            Path::Livez => plain(StatusCode::OK, "ok\n"),
            Path::Metrics => self.metrics(),
            Path::Page(file) => page::answer(file),
            Path::Readyz => self.readyz(),
            Path::Records => self.records(request.uri().query().unwrap_or_default()),
            Path::Status => json(StatusCode::OK, &self.page()),
            Path::Traffic => self
                .watch(|place| events::body(Traffic::new(self.clone()), place, self.stop.clone())),
        }
    }

    /// The last checkpoint, for whoever keeps it elsewhere.
    fn checkpoint(&self) -> Response<Body> {
        match self.report.checkpoint() {
            Some(note) => response(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                whole(note.as_bytes().to_vec()),
            ),
            None => plain(
                StatusCode::NOT_FOUND,
                "there is none: nothing was recorded yet, or `audit.checkpoints` is not configured\n",
            ),
        }
    }

    fn records(&self, query: &str) -> Response<Body> {
        let filter = match Filter::read(form_urlencoded::parse(query.as_bytes())) {
            Ok(filter) => filter,
            Err(error) => {
                let cause = error.source().map(|cause| format!(": {cause}"));
                let text = format!("{error}{}\n", cause.unwrap_or_default());
                return plain(StatusCode::BAD_REQUEST, text);
            }
        };
        self.watch(|place| {
            let watcher = self.report.watch();
            events::body(Records { filter, watcher }, place, self.stop.clone())
        })
    }

    /// Gives a place to somebody who watches, if there is one.
    fn watch(&self, body: impl FnOnce(OwnedSemaphorePermit) -> Body) -> Response<Body> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => response(StatusCode::OK, "text/event-stream", body(place)),
            Err(_taken) => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "as many watch as may: close another page, `portreeve tap` or `portreeve top`\n",
            ),
        }
    }

    fn metrics(&self) -> Response<Body> {
        match self.exposition.encode() {
            Ok(text) => response(StatusCode::OK, Exposition::CONTENT_TYPE, whole(text)),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the metrics cannot be written\n",
                )
            }
        }
    }

    fn readyz(&self) -> Response<Body> {
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

    /// How we are.
    pub(super) fn page(&self) -> Page {
        let not_ready = self.readiness.unready();
        Page {
            version: env!("CARGO_PKG_VERSION"),
            ready: not_ready.is_empty(),
            not_ready,
            remarks: self.readiness.remarks(),
            status: self.report.status(),
        }
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", whole(text))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            response(status, "application/json", whole(text))
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

/// A body that is there at once.
pub(super) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

pub(super) fn response(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
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
