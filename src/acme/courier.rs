//! Carries one order's messages to the CA and back, within limits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use instant_acme::BodyWrapper;
use instant_acme::BytesResponse;
use instant_acme::Error;
use instant_acme::HttpClient;

use crate::acme::retry_after::retry_after;
use crate::https::Answer;
use crate::https::Client;
use crate::https::HttpsError;
use crate::https::Limits;
use crate::https::Post;
use crate::https::Request;
use crate::https::Trust;
use crate::https::Url;
use crate::time::Clock;

/// Goes to one CA.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    client: Client,
    clock: Arc<dyn Clock>,
    /// Whether the CA is a developer's, on this machine and in the clear.
    is_plain: bool,
    patience: Patience,
    trust: Trust,
}

/// How long the CA wants to be left alone, by its last answer. Clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Duration>>>);

impl Patience {
    /// What was said last, if anything was.
    pub(super) fn said(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, said: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }
}

impl Courier {
    /// One that goes to the CA whose directory is at `directory`.
    pub(super) fn new(directory: &Url, trust: Trust, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: Client::new(LIMITS),
            clock,
            is_plain: directory.to_string().starts_with("http://"),
            patience: Patience::default(),
            trust,
        }
    }

    /// How long the CA wants to be left alone.
    pub(super) fn patience(&self) -> Patience {
        self.patience.clone()
    }

    async fn carry(
        self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Result<BytesResponse, Error> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        // Whoever is asked in secret does not send us elsewhere in the clear.
        let url = head.uri.to_string();
        let url = if self.is_plain {
            Url::loopback(&url)
        } else {
            url.parse()
        };
        let url = url.map_err(other)?;
        let signed = str::from_utf8(&body).map_err(other)?;
        let request = Request {
            credentials: None,
            post: (head.method == Method::POST).then_some(Post::Jose(signed)),
            trust: &self.trust,
            url: &url,
        };
        let answer = if head.method == Method::HEAD {
            self.client.head(request).await
        } else {
            self.client.answer(request).await
        };
        answer
            .map(|answer| self.heard(answer))
            .map_err(other::<HttpsError>)
    }

    fn heard(&self, answer: Answer) -> BytesResponse {
        let Answer {
            body,
            headers,
            status,
        } = answer;
        let (mut parts, ()) = http::Response::new(()).into_parts();
        (parts.status, parts.headers) = (status, headers);
        let said = parts.headers.remove(RETRY_AFTER);
        let said = said.and_then(|said| retry_after(said.to_str().ok()?, self.clock.now()));
        self.patience.hear(said);
        // A sum of a date and what a CA may say does not always exist.
        if let Some(said) = said {
            let seconds = HeaderValue::from(said.as_secs());
            parts.headers.insert(RETRY_AFTER, seconds);
        }
        BytesResponse {
            parts,
            body: Box::new(body),
        }
    }
}

type Carried = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Courier {
    fn request(&self, request: http::Request<BodyWrapper<Bytes>>) -> Carried {
        Box::pin(self.clone().carry(request))
    }
}

fn other<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    Error::Other(Box::new(error))
}

/// A chain is the largest that a CA sends. Some are slow at the end of an order.
const LIMITS: Limits = Limits {
    body_bytes: 256 * 1024,
    connect: Duration::from_secs(10),
    whole: Duration::from_secs(30),
};
