//! One request, one answer.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
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
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::https::bearer::Bearer;
use crate::https::error::HttpsError;
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
    pub bearer: Option<&'a Bearer>,
    /// What is posted, JSON. Nothing: it is a GET.
    pub json: Option<&'a str>,
    /// Who must answer.
    pub trust: &'a Trust,
    /// Where.
    pub url: &'a Url,
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
        // Boxed: a handshake's state is large.
        let exchange = Box::pin(self.exchange(request));
        timeout(self.limits.whole, exchange)
            .await
            .unwrap_or_else(|_elapsed| {
                Err(HttpsError::TimedOut {
                    url: request.url.clone(),
                    after: self.limits.whole,
                })
            })
    }

    async fn exchange(&self, request: Request<'_>) -> Result<Bytes, HttpsError> {
        let url = request.url;
        let broken = |cause| HttpsError::Broken {
            url: url.clone(),
            cause,
        };
        let message = message(request)?;
        let stream = self.connect(request).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MOST_HEAD_BYTES)
            .max_headers(MOST_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let mut answer = pin!(async {
            let response = sender.send_request(message).await.map_err(broken)?;
            self.read(url, response).await
        });
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            // Its last words may be the answer, or why there is none.
            _closed = connection => answer.await,
        }
    }

    async fn connect(&self, request: Request<'_>) -> Result<TlsStream<TcpStream>, HttpsError> {
        let url = request.url;
        let dialer = Dialer::new(&url.destination(), self.limits.connect);
        let stream = dialer
            .dial()
            .await
            .map_err(|cause| HttpsError::Unreachable {
                url: url.clone(),
                cause,
            })?;
        TlsConnector::from(request.trust.config())
            .connect(url.host(), stream)
            .await
            .map_err(|error| HttpsError::from_handshake(url, error))
    }

    async fn read(
        &self,
        url: &Url,
        response: http::Response<Incoming>,
    ) -> Result<Bytes, HttpsError> {
        let status = response.status();
        let (url, limit) = (url.clone(), self.limits.body_bytes);
        if status.is_redirection() {
            return Err(HttpsError::Redirected { url, status });
        }
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            return Err(HttpsError::Status { url, status });
        }
        let mut body = response.into_body();
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
        Ok(read.freeze())
    }
}

fn message(request: Request<'_>) -> Result<http::Request<Full<Bytes>>, HttpsError> {
    let mut message = http::Request::builder()
        .uri(request.url.target())
        .header(header::HOST, request.url.authority())
        .header(header::ACCEPT, JSON)
        .header(header::CONNECTION, "close")
        .header(
            header::USER_AGENT,
            concat!("portreeve/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(value) = request.bearer.and_then(Bearer::field) {
        message = message.header(header::AUTHORIZATION, value);
    }
    let body = match request.json {
        Some(json) => {
            message = message
                .method(Method::POST)
                .header(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            Bytes::copy_from_slice(json.as_bytes())
        }
        None => Bytes::new(),
    };
    message
        .body(Full::new(body))
        .map_err(|cause| HttpsError::Unsendable {
            url: request.url.clone(),
            cause,
        })
}

const JSON: &str = "application/json";

/// An answer's head is small where nobody sets cookies.
const MOST_HEAD_BYTES: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
