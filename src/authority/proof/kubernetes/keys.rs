//! A cluster's public keys.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::jwk::PublicKeyUse;

use crate::authority::proof::kubernetes::error::ClusterError;
use crate::authority::proof::kubernetes::key_file::KeyFile;
use crate::authority::proof::kubernetes::key_url::KeyUrl;

/// Where they are.
#[derive(Debug)]
pub(super) enum Keys {
    File(KeyFile),
    Url(KeyUrl),
}

impl Keys {
    /// The key named `kid`; without a name, the only one there is.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
    ) -> Result<Option<DecodingKey>, ClusterError> {
        match self {
            Self::File(file) => file.find(kid),
            Self::Url(url) => url.find(kid).await,
        }
    }
}

/// The key of `keys` named `kid`; without a name, the only one there is.
pub(super) fn choose(keys: &JwkSet, kid: Option<&str>) -> Option<DecodingKey> {
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
