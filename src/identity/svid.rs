//! Our certificate with its key, and the bundles that go with it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::id::SpiffeId;
use crate::x509::Bundles;
use crate::x509::ChainError;
use crate::x509::Leaf;
use crate::x509::LeafError;
use crate::x509::Limits;
use crate::x509::to_pkcs8;
use crate::x509::verify;

/// An X.509-SVID of ours: a chain, and the key of its leaf.
///
/// Whoever holds one may rely on the key being the leaf's. The key never shows
/// in `Debug`.
#[derive(Clone)]
pub struct Svid {
    leaf: Leaf,
    key: Arc<CertifiedKey>,
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
}

impl Svid {
    /// Puts a chain, leaf first, and its private key together.
    ///
    /// # Errors
    ///
    /// All of [`SvidError`].
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, SvidError> {
        let first = chain.first().ok_or(SvidError::Empty)?;
        let leaf = Leaf::parse(first).map_err(|cause| SvidError::BadLeaf { cause })?;
        let pkcs8 = to_pkcs8(&key, &leaf).ok_or(SvidError::UnknownKeyForm)?;
        let private = default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|cause| SvidError::UnusableKey { cause })?;
        let key = CertifiedKey::new(chain, private);
        // Unlike `CertifiedKey::from_der`, an answer of "unknown" is a no.
        key.keys_match()
            .map_err(|cause| SvidError::OtherKey { cause })?;
        Ok(Self {
            leaf,
            key: Arc::new(key),
            pkcs8: Arc::new(pkcs8),
        })
    }

    /// Who we are.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        self.leaf.id()
    }

    /// What the leaf says.
    #[must_use]
    pub const fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }

    /// The first instant at which it holds.
    #[must_use]
    pub const fn not_before(&self) -> SystemTime {
        self.leaf.not_before()
    }

    /// The last instant at which it holds.
    #[must_use]
    pub const fn not_after(&self) -> SystemTime {
        self.leaf.not_after()
    }

    /// Chain and key as a handshake needs them.
    #[must_use]
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// The private key itself: PKCS #8, DER, not encrypted.
    ///
    /// It leaves this process in one place only, the Workload API, where the
    /// standard wants it: for a program on this machine that may be whom this
    /// names. Whoever calls this must know that. It is never printed, logged or
    /// written to a file.
    #[must_use]
    pub fn private_key_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}

impl fmt::Debug for Svid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Svid")
            .field("leaf", &self.leaf)
            .field("key", &"…")
            .finish()
    }
}

/// Who we are and whom we believe: an SVID and the bundles that vouch for it.
///
/// Made only from an SVID in force, in a trust domain whose bundle is there.
#[derive(Clone, Debug)]
pub struct Identity {
    svid: Arc<Svid>,
    bundles: Arc<Bundles>,
    generation: u64,
}

impl Identity {
    /// Puts an SVID and bundles together.
    ///
    /// # Errors
    ///
    /// [`IdentityError::NotBelieved`] if a peer that has the same bundles would
    /// refuse the SVID at `now`.
    pub fn new(
        svid: Svid,
        bundles: Arc<Bundles>,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Self, IdentityError> {
        verify(svid.chain(), &bundles, now, limits)
            .map_err(|cause| IdentityError::NotBelieved { cause })?;
        Ok(Self {
            svid: Arc::new(svid),
            bundles,
            generation: 0,
        })
    }

    /// Who we are.
    #[must_use]
    pub const fn svid(&self) -> &Arc<Svid> {
        &self.svid
    }

    /// Whom we believe.
    #[must_use]
    pub const fn bundles(&self) -> &Arc<Bundles> {
        &self.bundles
    }

    /// How many identities were in force before this one; 0 for the first, and
    /// for one that is not in force yet.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) const fn with_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }
}

/// Why a chain and a key do not make an SVID.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SvidError {
    /// The first certificate is not an X.509-SVID.
    #[error("the certificate is not an X.509-SVID")]
    BadLeaf {
        /// What is wrong with it.
        #[source]
        cause: LeafError,
    },
    /// No certificate at all.
    #[error("there is no certificate")]
    Empty,
    /// The private key is not the certificate's.
    #[error("the private key does not belong to the certificate")]
    OtherKey {
        /// What the comparison said.
        #[source]
        cause: rustls::Error,
    },
    /// The private key is in no form that we know.
    #[error("the private key is neither PKCS #8, nor SEC 1, nor PKCS #1")]
    UnknownKeyForm,
    /// The private key is malformed or of a kind that we do not know.
    #[error("the private key cannot be used")]
    UnusableKey {
        /// What the reader said.
        #[source]
        cause: rustls::Error,
    },
}

/// Why an SVID and bundles do not make an identity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    /// Our own bundles do not vouch for the SVID.
    #[error("our own bundles do not vouch for the certificate")]
    NotBelieved {
        /// Why not.
        #[source]
        cause: ChainError,
    },
}
