//! Service-account tokens that a kubelet projects into a pod.
//!
//! A cluster's own signing keys say which pod asks. The token must be for us
//! (its audience), so that what a pod shows to somebody else is no use here.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::Validation;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::jwk::PublicKeyUse;
use serde::Deserialize;

use crate::authority::selector::Selector;
use crate::authority::selector::SelectorError;
use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;

/// A cluster whose pods may ask.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    issuer: String,
    audience: String,
    keys: KeyFile,
}

impl Cluster {
    /// The cluster that its issuer calls `issuer`, and whose public keys are in
    /// `jwks`, which is read again when it changes. Tokens must be for `audience`.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if the file is not there or holds no keys.
    pub fn open(
        name: String,
        issuer: String,
        audience: String,
        jwks: PathBuf,
    ) -> Result<Self, ClusterError> {
        let keys = KeyFile {
            path: jwks,
            read: Mutex::new(None),
        };
        keys.with(|_| ())?;
        Ok(Self {
            name,
            issuer,
            audience,
            keys,
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
    pub(in crate::authority) fn prove(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<BTreeSet<Selector>, KubernetesError> {
        let header =
            jsonwebtoken::decode_header(token).map_err(|_malformed| KubernetesError::Malformed)?;
        let algorithm = TAKEN
            .into_iter()
            .find(|taken| *taken == header.alg)
            .ok_or(KubernetesError::BadAlgorithm)?;
        let key = self
            .keys
            .with(|keys| choose(keys, header.kid.as_deref()))
            .map_err(|cause| KubernetesError::NoKeys { cause })?
            .ok_or(KubernetesError::UnknownKey)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key, &self.validation(algorithm))
            .map_err(|error| KubernetesError::from_library(&error))?;
        judge(&self.name, decoded.claims, now)
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

/// Why a cluster's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The file holds no JWK Set.
    #[error("`{}` is not a JWK Set (`kubectl get --raw /openid/v1/jwks` makes one)", path.display())]
    NotAKeySet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// The file cannot be read.
    #[error("the cluster's public keys cannot be read")]
    Unreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

/// Why a Kubernetes token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum KubernetesError {
    /// An algorithm that clusters do not use, or none.
    #[error("its algorithm is not one that clusters sign with")]
    BadAlgorithm,
    /// A name that cannot be one.
    #[error("a name in it is not valid")]
    BadName {
        /// What is wrong with it.
        #[source]
        cause: SelectorError,
    },
    /// The signature is wrong.
    #[error("its signature is wrong")]
    BadSignature,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It is no token.
    #[error("it is not a service-account token")]
    Malformed,
    /// The cluster's keys cannot be read at the moment.
    #[error("the cluster's keys cannot be read")]
    NoKeys {
        /// Why not.
        #[source]
        cause: ClusterError,
    },
    /// It is for somebody else.
    #[error("it is not for this authority's audience")]
    OtherAudience,
    /// It is not from a cluster that we know.
    #[error("its issuer is not a cluster that this authority knows")]
    OtherIssuer,
    /// It is a token of the old kind, or no service account's.
    #[error("it says nothing of a namespace and a service account")]
    NotProjected,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It was signed with a key that the cluster does not have.
    #[error("it was signed with an unknown key")]
    UnknownKey,
}

impl KubernetesError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadAlgorithm => "kubernetes_token_bad_algorithm",
            Self::BadName { .. } | Self::Malformed => "kubernetes_token_malformed",
            Self::BadSignature => "kubernetes_token_bad_signature",
            Self::Expired => "kubernetes_token_expired",
            Self::NoKeys { .. } => "kubernetes_keys_unavailable",
            Self::OtherAudience => "kubernetes_token_other_audience",
            Self::OtherIssuer => "kubernetes_token_other_issuer",
            Self::NotProjected => "kubernetes_token_not_projected",
            Self::NotYetValid => "kubernetes_token_not_yet_valid",
            Self::UnknownKey => "kubernetes_token_unknown_key",
        }
    }

    fn from_library(error: &jsonwebtoken::errors::Error) -> Self {
        use jsonwebtoken::errors::ErrorKind;

        match error.kind() {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidIssuer => Self::OtherIssuer,
            ErrorKind::InvalidAudience => Self::OtherAudience,
            // Nor is it one for a key of another kind.
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Self::BadAlgorithm,
            _ => Self::Malformed,
        }
    }
}

/// What `claims`, the JSON of a token, say at `now` of a pod of `cluster`.
/// Nothing here looks at a signature: whoever asks has done so.
///
/// # Errors
///
/// [`KubernetesError::BadName`], [`KubernetesError::Expired`],
/// [`KubernetesError::Malformed`], [`KubernetesError::NotProjected`] and
/// [`KubernetesError::NotYetValid`].
pub fn read_claims(
    cluster: &str,
    claims: &[u8],
    now: SystemTime,
) -> Result<BTreeSet<Selector>, KubernetesError> {
    let claims = serde_json::from_slice(claims).map_err(|_malformed| KubernetesError::Malformed)?;
    judge(cluster, claims, now)
}

fn judge(
    cluster: &str,
    claims: Claims,
    now: SystemTime,
) -> Result<BTreeSet<Selector>, KubernetesError> {
    let since_epoch = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if since_epoch > Duration::from_secs(claims.exp).saturating_add(LEEWAY) {
        return Err(KubernetesError::Expired);
    }
    let begins = claims.nbf.or(claims.iat).unwrap_or(0);
    if since_epoch.saturating_add(LEEWAY) < Duration::from_secs(begins) {
        return Err(KubernetesError::NotYetValid);
    }
    let about = claims.kubernetes.ok_or(KubernetesError::NotProjected)?;
    let facts = [
        ("k8s:cluster", Some(cluster)),
        ("k8s:ns", Some(about.namespace.as_str())),
        ("k8s:sa", Some(about.serviceaccount.name.as_str())),
        ("k8s:pod", about.pod.as_ref().map(|pod| pod.name.as_str())),
        (
            "k8s:node",
            about.node.as_ref().map(|node| node.name.as_str()),
        ),
    ];
    facts
        .into_iter()
        .filter_map(|(kind, value)| Some(Selector::new(kind, value?)))
        .collect::<Result<_, _>>()
        .map_err(|cause| KubernetesError::BadName { cause })
}

/// The issuer that a token names, not yet believed.
pub(in crate::authority) fn named_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode::<Named>(token)
        .ok()
        .map(|decoded| decoded.claims.iss)
}

/// Public keys in a file that something else keeps up to date.
#[derive(Debug)]
struct KeyFile {
    path: PathBuf,
    read: Mutex<Option<(Fingerprint, Arc<JwkSet>)>>,
}

impl KeyFile {
    fn with<T>(&self, look: impl FnOnce(&JwkSet) -> T) -> Result<T, ClusterError> {
        let now = Fingerprint::take([&self.path]);
        let before = self
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let keys = match before {
            Some((then, keys)) if then == now => return Ok(look(&keys)),
            _ => Arc::new(self.load()?),
        };
        let answer = look(&keys);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys));
        Ok(answer)
    }

    fn load(&self) -> Result<JwkSet, ClusterError> {
        let text = store::read(&self.path).map_err(|cause| ClusterError::Unreadable { cause })?;
        serde_json::from_slice(&text).map_err(|cause| ClusterError::NotAKeySet {
            path: self.path.clone(),
            cause,
        })
    }
}

/// The key named `kid`; without a name, the only one there is.
fn choose(keys: &JwkSet, kid: Option<&str>) -> Option<DecodingKey> {
    let signs = |key: &&Jwk| {
        let usage = key.common.public_key_use.as_ref();
        usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
    };
    let mut usable = keys.keys.iter().filter(signs);
    let key = match kid {
        Some(kid) => usable.find(|key| key.common.key_id.as_deref() == Some(kid))?,
        None => usable.next().filter(|_| usable.next().is_none())?,
    };
    DecodingKey::from_jwk(key).ok()
}

#[derive(Deserialize)]
struct Claims {
    exp: u64,
    iat: Option<u64>,
    nbf: Option<u64>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<About>,
}

#[derive(Deserialize)]
struct About {
    namespace: String,
    serviceaccount: Named,
    pod: Option<Named>,
    node: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// What clusters sign with: RSA by default, ECDSA where it was chosen.
const TAKEN: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
];

/// How far the cluster's clock and ours may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
