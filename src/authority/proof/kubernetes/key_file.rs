//! Public keys in a file that something else keeps up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;

use crate::authority::proof::kubernetes::error::ClusterError;
use crate::authority::proof::kubernetes::keys::choose;
use crate::store;
use crate::store::Fingerprint;

#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    read: Mutex<Option<(Fingerprint, Arc<JwkSet>)>>,
}

impl KeyFile {
    /// The keys in the file at `path`, a JWK Set, which is read again when it changes.
    pub(super) fn open(path: PathBuf) -> Result<Self, ClusterError> {
        let file = Self {
            path,
            read: Mutex::new(None),
        };
        file.find(None)?;
        Ok(file)
    }

    pub(super) fn find(&self, kid: Option<&str>) -> Result<Option<DecodingKey>, ClusterError> {
        let now = Fingerprint::take([&self.path]);
        let before = self
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let keys = match before {
            Some((then, keys)) if then == now => return Ok(choose(&keys, kid)),
            _ => Arc::new(self.load()?),
        };
        let key = choose(&keys, kid);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys));
        Ok(key)
    }

    fn load(&self) -> Result<JwkSet, ClusterError> {
        let text = store::read(&self.path).map_err(|cause| ClusterError::Unreadable { cause })?;
        serde_json::from_slice(&text).map_err(|cause| ClusterError::NotAKeySet {
            path: self.path.clone(),
            cause,
        })
    }
}
