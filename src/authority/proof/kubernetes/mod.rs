//! Service-account tokens that a kubelet projects into a pod.
//!
//! A cluster says which pod asks: by its signing keys, or by its API server,
//! which also knows whether the pod is still there. The token must be for us
//! (its audience), so that what a pod shows to somebody else is no use here.

mod claims;
mod error;
mod key_file;
mod key_url;
mod keys;
mod review;
mod server;

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::Algorithm;
use jsonwebtoken::Validation;

use crate::authority::selector::Selector;
use crate::authority::settings::ClusterChecks;
use crate::authority::settings::ClusterSettings;
use crate::time::Clock;

pub(in crate::authority) use claims::named_issuer;
pub use claims::read_claims;
pub use error::{ClusterError, KubernetesError};
pub use review::read_review;
pub use server::ServerError;

use claims::Claims;
use key_file::KeyFile;
use key_url::KeyUrl;
use keys::Keys;
use server::Server;

/// A cluster whose pods may ask.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    issuer: String,
    audience: String,
    checks: Checks,
}

/// Who says whether a token is good.
#[derive(Debug)]
enum Checks {
    Keys(Keys),
    Review(Server),
}

impl Cluster {
    /// The cluster that `settings` describe. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if a file is not there or does not hold what it should.
    pub fn open(settings: &ClusterSettings, clock: &Arc<dyn Clock>) -> Result<Self, ClusterError> {
        let checks = match &settings.checks {
            ClusterChecks::KeyFile(path) => Checks::Keys(Keys::File(KeyFile::open(path.clone())?)),
            ClusterChecks::KeyUrl(server) => {
                Checks::Keys(Keys::Url(KeyUrl::new(Server::open(server, clock)?)))
            }
            ClusterChecks::Review(server) => Checks::Review(Server::open(server, clock)?),
        };
        Ok(Self {
            name: settings.name.clone(),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            checks,
        })
    }

    /// The cluster's own name for itself, as its tokens have it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What `token` proves at `now`.
    ///
    /// # Errors
    ///
    /// All of [`KubernetesError`].
    pub(in crate::authority) async fn prove(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<BTreeSet<Selector>, KubernetesError> {
        match &self.checks {
            Checks::Keys(keys) => self.prove_by_key(keys, token, now).await,
            Checks::Review(server) => {
                // What another cluster has made is not for this one to see.
                match named_issuer(token) {
                    Some(issuer) if issuer == self.issuer => {}
                    Some(_) => return Err(KubernetesError::OtherIssuer),
                    None => return Err(KubernetesError::Malformed),
                }
                let answer = review::ask(server, token, &self.audience).await?;
                read_review(&self.name, &self.audience, &answer)
            }
        }
    }

    async fn prove_by_key(
        &self,
        keys: &Keys,
        token: &str,
        now: SystemTime,
    ) -> Result<BTreeSet<Selector>, KubernetesError> {
        let header =
            jsonwebtoken::decode_header(token).map_err(|_malformed| KubernetesError::Malformed)?;
        let algorithm = TAKEN
            .into_iter()
            .find(|taken| *taken == header.alg)
            .ok_or(KubernetesError::BadAlgorithm)?;
        let key = keys
            .find(header.kid.as_deref())
            .await
            .map_err(|cause| KubernetesError::NoKeys { cause })?
            .ok_or(KubernetesError::UnknownKey)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key, &self.validation(algorithm))
            .map_err(|error| KubernetesError::from_library(&error))?;
        decoded.claims.judge(&self.name, now)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        // Dates are judged by our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.required_spec_claims = HashSet::from(["iss", "aud", "exp"].map(String::from));
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation
    }
}

/// What clusters sign with: RSA by default, ECDSA where it was chosen.
const TAKEN: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
];
