//! Asks the application now and then whether it is ready.
//!
//! On a connection of its own each time, so that what is asked is what a new
//! caller would meet: whether connections are taken, and answered.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::AppAddress;
use crate::net::AppDialer;
use crate::net::AppStream;
use crate::net::DialError;
use crate::proxy::gates::AppHealth;
use crate::proxy::probe_path::ProbePath;
use crate::proxy::settings::Inbound;
use crate::tls::Protocol;

/// How the application is asked whether it is ready.
#[derive(Clone, Debug)]
pub struct AppReady {
    /// After how many bad answers in a row it is taken for not ready. At least 1.
    pub failures: u32,
    /// How long to wait between two questions. Above zero.
    pub interval: Duration,
    /// What to ask for; none if it is enough that connections are taken.
    pub path: Option<ProbePath>,
    /// How long an answer may take, with the connection. Above zero.
    pub timeout: Duration,
}

/// Looks after what is known of the application.
#[derive(Debug)]
pub struct AppWatch {
    dialer: AppDialer,
    health: AppHealth,
    host: String,
    protocol: Protocol,
    ready: AppReady,
}

impl AppWatch {
    /// For the application of `door`, to be asked as `ready` says.
    #[must_use]
    pub fn new(door: &Inbound, ready: AppReady, health: AppHealth) -> Self {
        Self {
            dialer: AppDialer::new(door.app.clone(), ready.timeout),
            health,
            host: match &door.app {
                AppAddress::Network(address) => address.to_string(),
                AppAddress::Unix(_) => "localhost".to_owned(),
            },
            protocol: door.app_protocol,
            ready,
        }
    }

    /// Asks, for ever.
    pub async fn run(self) {
        let mut bad = 0;
        loop {
            match self.ask().await {
                Ok(()) => {
                    bad = 0;
                    if self.health.up() {
                        tracing::info!("the application is ready");
                    }
                }
                Err(error) => {
                    bad = self.ready.failures.min(bad + 1);
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the application does not answer as it should"
                    );
                    if bad == self.ready.failures && self.health.down(chain(&error)) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the application is not ready: requests get 503"
                        );
                    }
                }
            }
            sleep(self.ready.interval).await;
        }
    }

    async fn ask(&self) -> Result<(), NotReady> {
        let after = self.ready.timeout;
        let asked = timeout(after, self.ask_at_leisure()).await;
        asked.map_err(|_elapsed| NotReady::NoAnswer { after })?
    }

    async fn ask_at_leisure(&self) -> Result<(), NotReady> {
        let dialled = self.dialer.dial().await;
        let stream = dialled.map_err(|cause| NotReady::Unreachable { cause })?;
        let Some(path) = &self.ready.path else {
            return Ok(());
        };
        let status = match self.protocol {
            Protocol::Http1 => self.ask_http1(stream, path).await?,
            Protocol::Http2 => self.ask_http2(stream, path).await?,
        };
        // As the kubelet has it.
        if status.is_success() || status.is_redirection() {
            return Ok(());
        }
        Err(NotReady::Status { status })
    }

    async fn ask_http1(&self, stream: AppStream, path: &ProbePath) -> Result<StatusCode, NotReady> {
        let request = Request::get(path.as_str())
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, AGENT)
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|cause| NotReady::Unaskable { cause })?;
        let failed = |cause| NotReady::Http1 { cause };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(failed)?;
        let mut answered = pin!(sender.send_request(request));
        let answer = tokio::select! {
            biased;
            answer = &mut answered => answer,
            // It may have left an answer behind.
            _ended = connection => answered.await,
        };
        Ok(answer.map_err(failed)?.status())
    }

    async fn ask_http2(&self, stream: AppStream, path: &ProbePath) -> Result<StatusCode, NotReady> {
        let target = Uri::builder()
            .scheme("http")
            .authority(self.host.as_str())
            .path_and_query(path.as_str())
            .build()
            .map_err(|cause| NotReady::Unaskable { cause })?;
        let request = Request::get(target)
            .header(header::USER_AGENT, AGENT)
            .body(())
            .map_err(|cause| NotReady::Unaskable { cause })?;
        let failed = |cause| NotReady::Http2 { cause };
        let handshake = h2::client::handshake(stream).await;
        let (mut sender, connection): (h2::client::SendRequest<Bytes>, _) =
            handshake.map_err(failed)?;
        let (response, _) = sender.send_request(request, true).map_err(failed)?;
        let mut answered = pin!(response);
        let answer = tokio::select! {
            biased;
            answer = &mut answered => answer,
            _ended = connection => answered.await,
        };
        Ok(answer.map_err(failed)?.status())
    }
}

/// Why the application is not ready.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    /// The connection failed before there was an answer.
    #[error("the connection failed before there was an answer")]
    Http1 {
        #[source]
        cause: hyper::Error,
    },
    /// The same in HTTP/2.
    #[error("the connection failed before there was an answer")]
    Http2 {
        #[source]
        cause: h2::Error,
    },
    /// It takes too long.
    #[error("it does not answer within {after:?}")]
    NoAnswer { after: Duration },
    /// It says so itself.
    #[error("it answers with {status}")]
    Status { status: StatusCode },
    /// The question cannot be written.
    #[error("it cannot be asked")]
    Unaskable {
        #[source]
        cause: http::Error,
    },
    /// It takes no connection.
    #[error("it takes no connection")]
    Unreachable {
        #[source]
        cause: DialError,
    },
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What tells such a question from a request, in the application's own log.
const AGENT: &str = concat!("portreeve-probe/", env!("CARGO_PKG_VERSION"));
