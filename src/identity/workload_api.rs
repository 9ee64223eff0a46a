//! An identity from somebody else's Workload API, such as SPIRE's agent.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use spiffe::WorkloadApiClient;
use spiffe::WorkloadApiError;
use spiffe::X509Context;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::identity::context::ContextError;
use crate::identity::context::read_context;
use crate::identity::schedule::back_off;
use crate::identity::schedule::draw;
use crate::identity::source::Renews;
use crate::identity::source::Source;
use crate::identity::source::SourceError;
use crate::identity::svid::Identity;
use crate::time::Clock;
use crate::x509::Limits;

/// A [`Source`] that keeps a call to a Workload API open and is whom that says.
///
/// Of several identities it takes the first, which is the caller's default.
/// Whatever happens there (an outage, a refusal, an identity that is taken
/// away), the identity in force stays until its end or the next one.
pub struct WorkloadApi {
    endpoint: Endpoint,
    limits: Limits,
    clock: Arc<dyn Clock>,
    contexts: Option<Contexts>,
    /// What came and was not fetched.
    waiting: Option<X509Context>,
    /// What became an identity.
    last: Option<X509Context>,
    /// In a row, without a message between them.
    failures: u32,
    /// How long it is asked before a refusal is taken for one.
    patience: Duration,
}

type Contexts = BoxStream<'static, Result<X509Context, WorkloadApiError>>;

impl WorkloadApi {
    /// Will ask at `endpoint`; does not connect yet.
    #[must_use]
    pub const fn new(endpoint: Endpoint, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self {
            endpoint,
            limits,
            clock,
            contexts: None,
            waiting: None,
            last: None,
            failures: 0,
            patience: PATIENCE,
        }
    }

    /// Takes no for an answer after `patience`.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What the other side says that we are. Asks until patience is over:
    /// an agent may start with us, and learn of us a moment later.
    async fn next(&mut self) -> Result<X509Context, AgentError> {
        if let Some(context) = self.waiting.take() {
            return Ok(context);
        }
        let mut refused = None;
        let asked = timeout(self.patience, async {
            loop {
                match self.ask().await {
                    Ok(context) => break context,
                    Err(error) => refused = Some(error),
                }
                sleep(ASK_AGAIN_AFTER).await;
            }
        });
        asked.await.ok().ok_or_else(|| match refused {
            Some(cause) => AgentError::Refused {
                endpoint: self.endpoint.clone(),
                cause,
            },
            None => AgentError::Silent {
                endpoint: self.endpoint.clone(),
                after: self.patience,
            },
        })
    }

    /// Opens the call anew and waits for its first message, which is whole.
    async fn ask(&mut self) -> Result<X509Context, WorkloadApiError> {
        self.contexts = None;
        let mut contexts = open(&self.endpoint).await?;
        let first = contexts.next().await;
        let context = first.unwrap_or(Err(WorkloadApiError::EmptyResponse))?;
        self.contexts = Some(contexts);
        self.failures = 0;
        Ok(context)
    }

    /// Ends when there is something new in `waiting`.
    async fn wait(&mut self) {
        while self.waiting.is_none() {
            let next = match &mut self.contexts {
                Some(contexts) => contexts.next().await,
                None => {
                    sleep(back_off(self.failures, draw())).await;
                    timeout(self.patience, self.ask()).await.ok()
                }
            };
            match next.unwrap_or(Err(WorkloadApiError::EmptyResponse)) {
                // The same again, as after an outage, is nothing new.
                Ok(context) if self.last.as_ref() == Some(&context) => {}
                Ok(context) => self.waiting = Some(context),
                Err(error) => {
                    self.contexts = None;
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(
                        error = &error as &(dyn std::error::Error + 'static),
                        endpoint = %self.endpoint,
                        "the Workload API does not say who we are; the identity in force stays"
                    );
                }
            }
        }
    }

    fn read(&mut self, context: X509Context) -> Result<Identity, SourceError> {
        let (svid, bundles) = read_context(&context).map_err(|cause| SourceError::WorkloadApi {
            cause: AgentError::BadContext { cause },
        })?;
        let identity = Identity::new(svid, Arc::new(bundles), self.clock.now(), &self.limits)
            .map_err(|cause| SourceError::BadIdentity { cause })?;
        self.last = Some(context);
        Ok(identity)
    }
}

impl fmt::Debug for WorkloadApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadApi")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Source for WorkloadApi {
    fn name(&self) -> &'static str {
        "workload_api"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        async {
            let context = self.next().await;
            let context = context.map_err(|cause| SourceError::WorkloadApi { cause })?;
            self.read(context)
        }
        .boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }

    fn renews(&self) -> Renews {
        Renews::WhenChanged
    }
}

/// Where a Workload API is: `unix:///run/spire/agent.sock`.
///
/// TCP, which the standard knows too, is not taken: nothing here would say who
/// is at its other end, or at ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint(PathBuf);

impl Endpoint {
    /// The socket's path.
    #[must_use]
    pub const fn path(&self) -> &PathBuf {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("unix://").ok_or(EndpointError::NotUnix)?;
        if path.len() < 2 || !path.starts_with('/') {
            return Err(EndpointError::NotAbsolute);
        }
        if path.contains(['?', '#', '%']) {
            return Err(EndpointError::NotOnlyAPath);
        }
        Ok(Self(path.into()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.0.display())
    }
}

/// Why a text does not say where a Workload API is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// The path does not begin at the root.
    #[error("the path must be absolute, with three slashes: `unix:///run/agent.sock`")]
    NotAbsolute,
    /// A query, a fragment or an escape.
    #[error("there must be a path alone, without `?`, `#` and `%`")]
    NotOnlyAPath,
    /// Another scheme.
    #[error("it must begin with `unix://`")]
    NotUnix,
}

/// Why a Workload API gave no identity.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// What it says cannot be used.
    #[error("what the Workload API says cannot be used")]
    BadContext {
        /// Why not.
        #[source]
        cause: ContextError,
    },
    /// It cannot be reached, or says that we are nobody.
    #[error(
        "the Workload API at `{endpoint}` gives no identity: does it run, and does it know this program?"
    )]
    Refused {
        /// Where it is.
        endpoint: Endpoint,
        /// What it said last.
        #[source]
        cause: WorkloadApiError,
    },
    /// It says nothing.
    #[error("the Workload API at `{endpoint}` does not answer within {after:?}")]
    Silent {
        /// Where it is.
        endpoint: Endpoint,
        /// The limit.
        after: Duration,
    },
}

async fn open(endpoint: &Endpoint) -> Result<Contexts, WorkloadApiError> {
    let endpoint = spiffe::transport::Endpoint::Unix(endpoint.0.clone());
    let client = WorkloadApiClient::connect(endpoint).await?;
    Ok(client.stream_x509_contexts().await?.boxed())
}

/// How long an answer is waited for: agents learn of new registrations every
/// few seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_absolute_path_on_this_machine() {
        let parsed = "unix:///run/spire/agent.sock".parse::<Endpoint>().unwrap();
        assert_eq!(parsed.path().to_str(), Some("/run/spire/agent.sock"));
        assert_eq!(parsed.to_string(), "unix:///run/spire/agent.sock");
        let cases = [
            ("", EndpointError::NotUnix),
            ("/run/agent.sock", EndpointError::NotUnix),
            ("tcp://127.0.0.1:8081", EndpointError::NotUnix),
            ("unix:/run/agent.sock", EndpointError::NotUnix),
            ("unix://run/agent.sock", EndpointError::NotAbsolute),
            ("unix://", EndpointError::NotAbsolute),
            ("unix:///", EndpointError::NotAbsolute),
            ("unix:///a?b", EndpointError::NotOnlyAPath),
            ("unix:///a%20b", EndpointError::NotOnlyAPath),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Endpoint>(), Err(why), "{text}");
        }
    }
}
