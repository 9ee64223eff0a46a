//! One request, one answer.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::https::credentials::Credentials;
use crate::https::error::HttpsError;
use crate::https::form::Form;
use crate::https::trust::Trust;
use crate::https::url::Url;
use crate::net::Dialer;

/// Asks servers. Has no state: each request has a connection of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    limits: Limits,
}

/// How much an answer may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// How long reaching the server may take. Above zero.
    pub connect: Duration,
    /// How long all of it may take, from the first packet to the last byte. Above zero.
    pub whole: Duration,
}

impl Default for Limits {
    /// 1 MiB; three seconds to connect, ten for all: whoever asks again after a
    /// while need not be patient.
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            connect: Duration::from_secs(3),
            whole: Duration::from_secs(10),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks, if that is to be said.
    pub credentials: Option<&'a Credentials>,
    /// What is posted. Nothing: it is a GET.
    pub post: Option<Post<'a>>,
    /// Who must answer.
    pub trust: &'a Trust,
    /// Where.
    pub url: &'a Url,
}

/// What is posted.
#[derive(Clone, Copy, Debug)]
pub enum Post<'a> {
    /// Names and values.
    Form(&'a Form),
    /// A document that its sender has signed (RFC 7515), as an ACME CA wants it.
    Jose(&'a str),
    /// A document.
    Json(&'a str),
}

/// How one request is made.
#[derive(Clone, Copy)]
struct Manner {
    /// Whether the answer's head is all that is asked for, where nothing is posted.
    is_head: bool,
    /// Which statuses are what was asked for.
    wanted: fn(StatusCode) -> bool,
}

/// What a server says, whether or not it does what was asked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it says, within the limit.
    pub body: Bytes,
    /// What it says beside that.
    pub headers: HeaderMap,
    /// How it says it; never a redirection.
    pub status: StatusCode,
}

impl Client {
    /// One that takes answers within `limits`.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// The body of the answer, whose status is 200 or 201.
    ///
    /// # Errors
    ///
    /// All of [`HttpsError`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the connection. The server may have acted.
    pub async fn ask(&self, request: Request<'_>) -> Result<Bytes, HttpsError> {
        let manner = Manner {
            is_head: false,
            wanted: |status| matches!(status, StatusCode::OK | StatusCode::CREATED),
        };
        let answer = self.within_limits(request, manner).await;
        answer.map(|answer| answer.body)
    }

    /// The answer, whatever its status: for servers that say in a body why they
    /// do not do what was asked.
    ///
    /// # Errors
    ///
    /// All of [`HttpsError`] but `Status`.
    ///
    /// # Cancellation
    ///
    /// As for [`ask`](Self::ask).
    pub async fn answer(&self, request: Request<'_>) -> Result<Answer, HttpsError> {
        let manner = Manner {
            is_head: false,
            wanted: |_any| true,
        };
        self.within_limits(request, manner).await
    }

    /// The same for what has no body: a HEAD.
    ///
    /// # Errors
    ///
    /// As for [`answer`](Self::answer).
    ///
    /// # Cancellation
    ///
    /// As for [`ask`](Self::ask).
    pub async fn head(&self, request: Request<'_>) -> Result<Answer, HttpsError> {
        let manner = Manner {
            is_head: true,
            wanted: |_any| true,
        };
        self.within_limits(request, manner).await
    }

    async fn within_limits(
        &self,
        request: Request<'_>,
        manner: Manner,
    ) -> Result<Answer, HttpsError> {
        // Boxed: a handshake's state is large.
        let exchange = Box::pin(self.exchange(request, manner));
        timeout(self.limits.whole, exchange)
            .await
            .unwrap_or_else(|_elapsed| {
                Err(HttpsError::TimedOut {
                    url: request.url.clone(),
                    after: self.limits.whole,
                })
            })
    }

    async fn exchange(&self, request: Request<'_>, manner: Manner) -> Result<Answer, HttpsError> {
        let stream = self.dial(request.url).await?;
        if request.url.is_plain() {
            return self.converse(request, manner, stream).await;
        }
        let stream = TlsConnector::from(request.trust.config())
            .connect(request.url.host(), stream)
            .await
            .map_err(|error| HttpsError::from_handshake(request.url, error))?;
        self.converse(request, manner, stream).await
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        request: Request<'_>,
        manner: Manner,
        stream: S,
    ) -> Result<Answer, HttpsError> {
        let url = request.url;
        let broken = |cause| HttpsError::Broken {
            url: url.clone(),
            cause,
        };
        let message = message(request, manner)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MOST_HEAD_BYTES)
            .max_headers(MOST_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let mut answer = pin!(async {
            let response = sender.send_request(message).await.map_err(broken)?;
            self.read(url, response, manner).await
        });
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            // Its last words may be the answer, or why there is none.
            _closed = connection => answer.await,
        }
    }

    async fn dial(&self, url: &Url) -> Result<TcpStream, HttpsError> {
        let dialer = Dialer::new(&url.destination(), self.limits.connect);
        let stream = dialer
            .dial()
            .await
            .map_err(|cause| HttpsError::Unreachable {
                url: url.clone(),
                cause,
            })?;
        // Whoever resolves names decides where `localhost` is.
        let is_near = || stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        if url.is_plain() && !is_near() {
            return Err(HttpsError::NotLoopback { url: url.clone() });
        }
        Ok(stream)
    }

    async fn read(
        &self,
        url: &Url,
        response: http::Response<Incoming>,
        manner: Manner,
    ) -> Result<Answer, HttpsError> {
        let status = response.status();
        let (url, limit) = (url.clone(), self.limits.body_bytes);
        if status.is_redirection() {
            return Err(HttpsError::Redirected { url, status });
        }
        if !(manner.wanted)(status) {
            return Err(HttpsError::Status { url, status });
        }
        let (head, mut body) = response.into_parts();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(HttpsError::TooLarge { url, limit });
        }
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|cause| HttpsError::Broken {
                url: url.clone(),
                cause,
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if data.len() > limit.saturating_sub(read.len()) {
                return Err(HttpsError::TooLarge { url, limit });
            }
            read.extend_from_slice(&data);
        }
        Ok(Answer {
            body: read.freeze(),
            headers: head.headers,
            status,
        })
    }
}

fn message(request: Request<'_>, manner: Manner) -> Result<http::Request<Full<Bytes>>, HttpsError> {
    // A CA answers with JSON here and with PEM there.
    let wanted = match request.post {
        Some(Post::Jose(_)) => "*/*",
        Some(Post::Form(_) | Post::Json(_)) | None => JSON,
    };
    let method = if manner.is_head {
        Method::HEAD
    } else {
        Method::GET
    };
    let mut message = http::Request::builder()
        .method(method)
        .uri(request.url.target())
        .header(header::HOST, request.url.authority())
        .header(header::ACCEPT, wanted)
        .header(header::CONNECTION, "close")
        .header(
            header::USER_AGENT,
            concat!("portreeve/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(value) = request.credentials.and_then(Credentials::field) {
        message = message.header(header::AUTHORIZATION, value);
    }
    let (kind, body) = match request.post {
        Some(Post::Form(form)) => (FORM, form.as_str()),
        Some(Post::Jose(jose)) => (JOSE, jose),
        Some(Post::Json(json)) => (JSON, json),
        None => ("", ""),
    };
    if !kind.is_empty() {
        message = message
            .method(Method::POST)
            .header(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    message
        .body(Full::new(body))
        .map_err(|cause| HttpsError::Unsendable {
            url: request.url.clone(),
            cause,
        })
}

const FORM: &str = "application/x-www-form-urlencoded";
const JOSE: &str = "application/jose+json";
const JSON: &str = "application/json";

/// An answer's head is small where nobody sets cookies.
const MOST_HEAD_BYTES: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
