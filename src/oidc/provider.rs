//! A provider, and what is known of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::https::Answer;
use crate::https::Client;
use crate::https::Credentials;
use crate::https::Limits;
use crate::https::Post;
use crate::https::Request;
use crate::https::Url;
use crate::https::WebRoots;
use crate::jwt::KeySet;
use crate::oidc::cached::Cached;
use crate::oidc::error::ProviderError;
use crate::oidc::metadata::Metadata;
use crate::oidc::settings::ClientAuthentication;
use crate::oidc::settings::ClientSettings;
use crate::oidc::settings::Settings;
use crate::policy::ProviderName;
use crate::store;
use crate::time::Clock;

/// One provider. Whoever shares it asks it once for what all of them need.
#[derive(Debug)]
pub struct Provider {
    clock: Arc<dyn Clock>,
    https: Client,
    keys: Cached<KeySet>,
    metadata: Cached<Metadata>,
    roots: WebRoots,
    settings: Settings,
}

impl Provider {
    /// The provider that `settings` describe. Reads the files, and asks nobody yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if a file does not hold what it should, or what is
    /// configured could mix people up with programs.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError::Unusable { cause };
        if let Some(client) = &settings.client {
            if settings.bearer_audiences.contains(&client.id) {
                return Err(OpenError::AudienceIsClient);
            }
            match &client.authentication {
                ClientAuthentication::Basic { secret_file }
                | ClientAuthentication::Post { secret_file } => {
                    Self::secret(secret_file).map_err(unusable)?;
                }
                ClientAuthentication::Public => {}
            }
        }
        let roots = WebRoots::new(settings.roots.clone(), Arc::clone(&clock));
        roots.trust().map_err(|cause| unusable(cause.into()))?;
        Ok(Self {
            clock,
            https: Client::new(Limits {
                whole: PATIENCE,
                ..Limits::default()
            }),
            keys: Cached::new(KEYS_OLD_AFTER),
            metadata: Cached::new(METADATA_OLD_AFTER),
            roots,
            settings,
        })
    }

    /// What we call it.
    #[must_use]
    pub const fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    /// What is told of it.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Who we are to it.
    pub(super) fn client(&self) -> Result<&ClientSettings, ProviderError> {
        let client = self.settings.client.as_ref();
        client.ok_or(ProviderError::NotAClient)
    }

    pub(super) fn secret(file: &Path) -> Result<Zeroizing<String>, ProviderError> {
        let text = store::read(file).map_err(|cause| ProviderError::NoSecret { cause })?;
        let text = Zeroizing::new(text);
        // What is not text would be an operator's wrong file.
        let text = std::str::from_utf8(&text).ok();
        let secret = text.map(|text| text.trim_end_matches(['\r', '\n']));
        match secret {
            Some(secret) if !secret.is_empty() && !secret.chars().any(char::is_control) => {
                Ok(Zeroizing::new(secret.to_owned()))
            }
            _ => Err(ProviderError::NotASecret),
        }
    }

    /// Where its endpoints are.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        self.metadata.get(self.ask_metadata()).await
    }

    /// What its tokens are checked with.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.get(self.ask_keys()).await
    }

    /// Keys that are newer than `seen`, if there may be some.
    pub(super) async fn newer_keys(
        &self,
        seen: &Arc<KeySet>,
    ) -> Result<Option<Arc<KeySet>>, ProviderError> {
        self.keys.newer(seen, self.ask_keys()).await
    }

    async fn ask_metadata(&self) -> Result<Metadata, ProviderError> {
        let issuer = &self.settings.issuer;
        let body = self.document(issuer.discovery()).await?;
        Metadata::parse(&body, issuer).map_err(|cause| ProviderError::BadMetadata { cause })
    }

    async fn ask_keys(&self) -> Result<KeySet, ProviderError> {
        let metadata = self.metadata().await?;
        let body = self.document(&metadata.jwks_uri).await?;
        KeySet::parse(&body).map_err(|cause| ProviderError::BadKeys { cause })
    }

    async fn document(&self, url: &Url) -> Result<bytes::Bytes, ProviderError> {
        let trust = self.roots.trust()?;
        let request = Request {
            credentials: None,
            post: None,
            trust: &trust,
            url,
        };
        Ok(self.https.ask(request).await?)
    }

    /// What it answers, whatever the status.
    pub(super) async fn answer(
        &self,
        url: &Url,
        credentials: Option<&Credentials>,
        post: Option<Post<'_>>,
    ) -> Result<Answer, ProviderError> {
        let trust = self.roots.trust()?;
        let request = Request {
            credentials,
            post,
            trust: &trust,
            url,
        };
        Ok(self.https.answer(request).await?)
    }
}

/// Why a provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A bearer token would be an ID token of our own people.
    #[error(
        "an audience of bearer tokens is our own `client_id`: choose another, so that no ID token is taken for one"
    )]
    AudienceIsClient,
    /// A file does not hold what it should.
    #[error("it cannot be used as it is configured")]
    Unusable {
        /// Why not.
        #[source]
        cause: ProviderError,
    },
}

/// People wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A key that was taken back is believed no longer than this, while the
/// provider answers.
const KEYS_OLD_AFTER: Duration = Duration::from_secs(300);

const METADATA_OLD_AFTER: Duration = Duration::from_secs(3600);
