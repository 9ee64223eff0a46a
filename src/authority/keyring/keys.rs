//! All signing keys at one moment.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::authority::ledger::KeyRow;
use crate::authority::ledger::KeyState;
use crate::authority::ledger::LedgerError;
use crate::ca::Issued;
use crate::ca::SealError;
use crate::ca::SealingKey;
use crate::ca::Signer;
use crate::ca::SignerError;
use crate::ca::Wish;
use crate::ca::make_root;
use crate::id::TrustDomain;
use crate::identity::IssueError;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;
use crate::x509::CaCertificate;

/// All keys at one moment.
#[derive(Debug)]
pub(in crate::authority) struct Keys {
    signer: Signer,
    held: Vec<Held>,
    bundles: Arc<Bundles>,
}

/// A key, without its secret.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Held {
    pub(in crate::authority) id: String,
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

    /// When the active key's root ends, in seconds since 1970.
    pub(in crate::authority) fn signer_ends_at_s(&self) -> i64 {
        let ends = self.signer.says().not_after();
        let since = ends
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
}

impl From<LedgerError> for KeyringError {
    fn from(cause: LedgerError) -> Self {
        Self::Ledger { cause }
    }
}

/// A new key, not yet used.
pub(super) fn make(
    trust_domain: &TrustDomain,
    lifetime: Duration,
    sealing: &SealingKey,
    now: SystemTime,
) -> Result<KeyRow, KeyringError> {
    let (certificate, key) =
        make_root(trust_domain, lifetime, now).map_err(|cause| KeyringError::Signer { cause })?;
    let key = zeroize::Zeroizing::new(key.serialize_der());
    let id = name(&certificate);
    let sealed_key = sealing
        .seal(&id, &key)
        .map_err(|cause| KeyringError::Sealed { cause })?;
    Ok(KeyRow {
        certificate,
        id,
        sealed_key,
        state: KeyState::Prepared,
    })
}

/// The first half of the certificate's SHA-256, in lower-case hexadecimal.
fn name(certificate: &CertificateDer<'_>) -> String {
    let digest = digest::digest(&digest::SHA256, certificate);
    let half = digest.as_ref().iter().take(16);
    half.map(|byte| format!("{byte:02x}")).collect()
}

/// What `rows` hold.
pub(super) fn unseal(
    rows: Vec<KeyRow>,
    trust_domain: &TrustDomain,
    sealing: &SealingKey,
) -> Result<Keys, KeyringError> {
    let roots = rows.iter().map(|row| row.certificate.clone());
    let bundle = Bundle::new(trust_domain.clone(), roots)
        .map_err(|cause| KeyringError::BadBundle { cause })?;
    let bundles = Bundles::new([bundle]).map_err(|cause| KeyringError::Bundles { cause })?;
    let mut active = None;
    for row in &rows {
        // Also those that do not sign: only who has the sealing key can have put
        // them there, and nobody should believe another's root.
        let signer = unseal_one(row, sealing)?;
        if row.state == KeyState::Active {
            active = Some(signer);
        }
    }
    let signer = active.ok_or(KeyringError::NoneActive)?;
    let held = rows
        .into_iter()
        .map(|row| {
            Ok(Held {
                says: CaCertificate::parse(&row.certificate).map_err(|cause| {
                    KeyringError::Signer {
                        cause: SignerError::BadCertificate { cause },
                    }
                })?,
                id: row.id,
                state: row.state,
                certificate: row.certificate,
            })
        })
        .collect::<Result<_, KeyringError>>()?;
    Ok(Keys {
        signer,
        held,
        bundles: Arc::new(bundles),
    })
}

fn unseal_one(row: &KeyRow, sealing: &SealingKey) -> Result<Signer, KeyringError> {
    let secret = sealing
        .unseal(&row.id, &row.sealed_key)
        .map_err(|cause| KeyringError::Sealed { cause })?;
    let bad = || KeyringError::BadKey { id: row.id.clone() };
    if name(&row.certificate) != row.id {
        return Err(bad());
    }
    let key = PrivatePkcs8KeyDer::from(secret.as_slice());
    let key = KeyPair::try_from(&key).map_err(|_malformed| bad())?;
    Signer::new(row.certificate.clone(), key).map_err(|cause| KeyringError::Signer { cause })
}
