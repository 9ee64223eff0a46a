//! All signing keys at one moment.

use std::sync::Arc;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::authority::ledger::KeyState;
use crate::authority::ledger::LedgerError;
use crate::ca::Issued;
use crate::ca::Signer;
use crate::ca::SignerError;
use crate::ca::UpstreamError;
use crate::ca::Wish;
use crate::identity::IssueError;
use crate::jwt;
use crate::jwt::Claims;
use crate::jwt::JwtKeys;
use crate::jwt::JwtKeysError;
use crate::jwt::SigningError;
use crate::store::SealError;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;
use crate::x509::CaCertificate;

/// All keys at one moment.
#[derive(Debug)]
pub(in crate::authority) struct Keys {
    pub(super) signer: Signer,
    /// The signer's companion for tokens.
    pub(super) tokens: jwt::SigningKey,
    pub(super) jwt_keys: JwtKeys,
    pub(super) held: Vec<Held>,
    pub(super) bundles: Arc<Bundles>,
}

/// A key, without its secret.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Held {
    pub(in crate::authority) id: String,
    /// Whether it is its own root, and not an intermediate of an upstream CA.
    pub(in crate::authority) is_root: bool,
    pub(in crate::authority) state: KeyState,
    pub(in crate::authority) certificate: CertificateDer<'static>,
    pub(in crate::authority) says: CaCertificate,
}

impl Keys {
    /// Every key that is published.
    pub(in crate::authority) fn held(&self) -> &[Held] {
        &self.held
    }

    /// Whether these are the same keys, in the same states.
    pub(super) fn are(&self, other: &Self) -> bool {
        let lives = |keys: &Self| -> Vec<(String, KeyState)> {
            keys.held
                .iter()
                .map(|held| (held.id.clone(), held.state))
                .collect()
        };
        lives(self) == lives(other)
    }

    /// Whom workloads should believe.
    pub(in crate::authority) const fn bundles(&self) -> &Arc<Bundles> {
        &self.bundles
    }

    /// What workloads should check tokens with.
    pub(in crate::authority) const fn jwt_keys(&self) -> &JwtKeys {
        &self.jwt_keys
    }

    /// Signs a token with the active key's companion.
    pub(in crate::authority) fn mint(&self, claims: &Claims<'_>) -> Result<String, SigningError> {
        self.tokens.sign(claims)
    }

    /// When the active key's root ends.
    pub(in crate::authority) const fn signer_ends_at(&self) -> SystemTime {
        self.signer.says().not_after()
    }

    /// The same, in seconds since 1970.
    pub(in crate::authority) fn signer_ends_at_s(&self) -> i64 {
        let since = self
            .signer_ends_at()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// Signs with the active key.
    pub(in crate::authority) fn sign(
        &self,
        wish: Wish<'_>,
        now: SystemTime,
    ) -> Result<Issued, IssueError> {
        self.signer.sign(wish, &self.bundles, now)
    }

    pub(super) fn the(&self, state: KeyState) -> Option<&Held> {
        self.held.iter().find(|held| held.state == state)
    }
}

/// Why the signing keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A root that must not be one.
    #[error("the roots make no bundle")]
    BadBundle {
        /// What is wrong with one.
        #[source]
        cause: BundleError,
    },
    /// Keys for tokens that do not go together.
    #[error("the keys for tokens do not go together")]
    BadJwtKeys {
        /// Why not.
        #[source]
        cause: JwtKeysError,
    },
    /// A key that is none.
    #[error("signing key `{id}` is malformed")]
    BadKey {
        /// Its name.
        id: String,
    },
    /// The keys in the database are of other trust domains, or there are two of ours.
    #[error("the bundles do not stand side by side")]
    Bundles {
        /// Why not.
        #[source]
        cause: BundlesError,
    },
    /// A key for tokens cannot be made or used.
    #[error("a key for tokens cannot be made or used")]
    Jwt {
        /// Why not.
        #[source]
        cause: SigningError,
    },
    /// The database gave no answer that can be used.
    #[error("the signing keys cannot be read or written")]
    Ledger {
        /// Why.
        #[source]
        cause: LedgerError,
    },
    /// No key signs.
    #[error("no signing key is active")]
    NoneActive,
    /// A key cannot be sealed or unsealed: wrong sealing key, or damaged.
    #[error(
        "a signing key cannot be unsealed: is the sealing key the one that it was sealed with?"
    )]
    Sealed {
        /// Which.
        #[source]
        cause: SealError,
    },
    /// A key cannot sign.
    #[error("a signing key cannot be made or used")]
    Signer {
        /// Why.
        #[source]
        cause: SignerError,
    },
    /// The upstream CA signs nothing for us.
    #[error("the upstream CA signs no intermediate for us")]
    Upstream {
        /// Why not.
        #[source]
        cause: UpstreamError,
    },
}

impl From<LedgerError> for KeyringError {
    fn from(cause: LedgerError) -> Self {
        Self::Ledger { cause }
    }
}
