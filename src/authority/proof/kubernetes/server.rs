//! A cluster's API server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::authority::proof::kubernetes::error::ClusterError;
use crate::authority::settings::ApiServer;
use crate::https::Client;
use crate::https::Credentials;
use crate::https::CredentialsError;
use crate::https::HttpsError;
use crate::https::Limits;
use crate::https::Post;
use crate::https::Request;
use crate::https::TrustError;
use crate::https::Url;
use crate::https::WebRoots;
use crate::time::Clock;

#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    roots: WebRoots,
    token: Option<PathBuf>,
    url: Url,
}

impl Server {
    /// The one that `settings` name. Reads the files, and asks nobody yet.
    pub(super) fn open(settings: &ApiServer, clock: &Arc<dyn Clock>) -> Result<Self, ClusterError> {
        let server = Self {
            client: Client::new(Limits {
                connect: PATIENCE,
                whole: PATIENCE,
                ..Limits::default()
            }),
            roots: WebRoots::new(settings.roots.clone(), Arc::clone(clock)),
            token: settings.token.clone(),
            url: settings.url.clone(),
        };
        let unusable = |cause| ClusterError::Server { cause };
        server
            .roots
            .trust()
            .map_err(|cause| unusable(ServerError::Trust { cause }))?;
        server.bearer().map_err(unusable)?;
        Ok(server)
    }

    /// What it answers, to `json` if that is posted.
    pub(super) async fn ask(&self, json: Option<&str>) -> Result<Bytes, ServerError> {
        let trust = self
            .roots
            .trust()
            .map_err(|cause| ServerError::Trust { cause })?;
        let bearer = self.bearer()?;
        let request = Request {
            credentials: bearer.as_ref(),
            post: json.map(Post::Json),
            trust: &trust,
            url: &self.url,
        };
        self.client
            .ask(request)
            .await
            .map_err(|cause| ServerError::Https { cause })
    }

    /// Kubernetes renews it in its file.
    fn bearer(&self) -> Result<Option<Credentials>, ServerError> {
        self.token
            .as_deref()
            .map(Credentials::read_bearer)
            .transpose()
            .map_err(|cause| ServerError::Token { cause })
    }
}

/// Why an API server says nothing.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It does not answer as it should.
    #[error("it does not answer as it should")]
    Https {
        /// How it fails.
        #[source]
        cause: HttpsError,
    },
    /// There is nothing to show to it.
    #[error("there is no token to show to it")]
    Token {
        /// Why not.
        #[source]
        cause: CredentialsError,
    },
    /// There is nothing to believe it by.
    #[error("there is nothing to believe it by")]
    Trust {
        /// Why not.
        #[source]
        cause: TrustError,
    },
}

/// Sidecars wait ten seconds for an answer of ours.
const PATIENCE: Duration = Duration::from_secs(5);
