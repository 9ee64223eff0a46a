//! How asking fails, in words that records and metrics can count.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rustls::CertificateError;
use rustls::OtherError;

use crate::https::url::Url;
use crate::net::DialError;

/// Why a server gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// The connection broke, or what came is not HTTP.
    #[error("`{}` did not answer in HTTP", url.shown())]
    Broken {
        /// What was asked for.
        url: Url,
        /// What went wrong.
        #[source]
        cause: hyper::Error,
    },
    /// The handshake failed.
    #[error("no TLS connection to `{}`", url.shown())]
    Handshake {
        /// What was asked for.
        url: Url,
        /// What went wrong.
        #[source]
        cause: io::Error,
    },
    /// The server's certificate is not believed.
    #[error("the certificate of `{}` is not believed", url.shown())]
    NotBelieved {
        /// What was asked for.
        url: Url,
        /// Why not.
        #[source]
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// What is in the clear would leave the machine.
    #[error("`{}` is not on this machine: only `https` may be elsewhere", url.shown())]
    NotLoopback {
        /// What was asked for.
        url: Url,
    },
    /// The answer points elsewhere, where nobody goes.
    #[error("`{}` redirects ({status}): name the other place in the configuration", url.shown())]
    Redirected {
        /// What was asked for.
        url: Url,
        /// The answer's status.
        status: StatusCode,
    },
    /// The answer is not what was asked for.
    #[error("`{}` answers {status}", url.shown())]
    Status {
        /// What was asked for.
        url: Url,
        /// The answer's status.
        status: StatusCode,
    },
    /// The answer took too long.
    #[error("`{}` did not answer within {after:?}", url.shown())]
    TimedOut {
        /// What was asked for.
        url: Url,
        /// The limit.
        after: Duration,
    },
    /// The answer is larger than anything that belongs here.
    #[error("the answer of `{}` is larger than {limit} bytes", url.shown())]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// The most that is taken.
        limit: usize,
    },
    /// Nobody takes connections there.
    #[error("`{}` cannot be reached", url.shown())]
    Unreachable {
        /// What was asked for.
        url: Url,
        /// Why not.
        #[source]
        cause: DialError,
    },
    /// The request could not be made.
    #[error("the request for `{}` could not be made", url.shown())]
    Unsendable {
        /// What was to be asked for.
        url: Url,
        /// Why not.
        #[source]
        cause: http::Error,
    },
}

impl HttpsError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "broken",
            Self::Handshake { .. } => "handshake",
            Self::NotBelieved { .. } => "not_believed",
            Self::NotLoopback { .. } => "not_loopback",
            Self::Redirected { .. } => "redirected",
            Self::Status { .. } => "bad_status",
            Self::TimedOut { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Unreachable { .. } => "unreachable",
            Self::Unsendable { .. } => "unsendable",
        }
    }

    /// Whether somebody is there who is not whom we asked for, or does not what
    /// was asked: not an outage, and not mended by waiting.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotBelieved { .. }
                | Self::NotLoopback { .. }
                | Self::Redirected { .. }
                | Self::TooLarge { .. }
        )
    }

    /// What the TLS library reports, through the stream it works on.
    pub(super) fn from_handshake(url: &Url, error: io::Error) -> Self {
        let url = url.clone();
        let reported = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let cause: Arc<dyn Error + Send + Sync> = match reported {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))) => {
                Arc::<dyn Error + Send + Sync>::clone(cause)
            }
            Some(cause @ rustls::Error::InvalidCertificate(_)) => Arc::new(cause.clone()),
            _ => return Self::Handshake { url, cause: error },
        };
        Self::NotBelieved { url, cause }
    }
}
