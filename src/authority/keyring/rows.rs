//! Signing keys at rest: made, sealed and unsealed.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::authority::keyring::KeyringError;
use crate::authority::keyring::Keys;
use crate::authority::keyring::keys::Held;
use crate::authority::ledger::KeyRow;
use crate::authority::ledger::KeyState;
use crate::ca::Signer;
use crate::ca::SignerError;
use crate::ca::Upstream;
use crate::ca::make_root;
use crate::id::TrustDomain;
use crate::jwt;
use crate::jwt::Algorithm;
use crate::jwt::JwtKey;
use crate::jwt::JwtKeys;
use crate::store::SealingKey;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::CaCertificate;

/// Of what kind the keys are that are made.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Make {
    /// How long each holds.
    pub(in crate::authority) lifetime: Duration,
    pub(in crate::authority) trust_domain: TrustDomain,
    /// Who signs their certificates. Nobody: each is a root.
    pub(in crate::authority) upstream: Option<Upstream>,
}

impl Make {
    /// A new key, not yet used.
    pub(super) fn next(
        &self,
        sealing: &SealingKey,
        now: SystemTime,
    ) -> Result<KeyRow, KeyringError> {
        let (line, key) = match &self.upstream {
            Some(upstream) => upstream
                .make(&self.trust_domain, self.lifetime, now)
                .map_err(|cause| KeyringError::Upstream { cause })?,
            None => {
                let (root, key) = make_root(&self.trust_domain, self.lifetime, now)
                    .map_err(|cause| KeyringError::Signer { cause })?;
                (vec![root], key)
            }
        };
        let key = Zeroizing::new(key.serialize_der());
        let id = name(&line);
        let sealed_key = sealing
            .seal(&id, &key)
            .map_err(|cause| KeyringError::Sealed { cause })?;
        Ok(KeyRow {
            line,
            sealed_jwt_key: make_jwt_key(&id, sealing)?,
            id,
            sealed_key,
            state: KeyState::Prepared,
        })
    }
}

/// A companion for tokens for the key named `id`, sealed.
pub(super) fn make_jwt_key(id: &str, sealing: &SealingKey) -> Result<String, KeyringError> {
    let unusable = |cause| KeyringError::Jwt { cause };
    let key = jwt::SigningKey::generate().map_err(unusable)?;
    let key = key.to_pkcs8().map_err(unusable)?;
    sealing
        .seal(&jwt_name(id), &key)
        .map_err(|cause| KeyringError::Sealed { cause })
}

/// What `rows` hold.
pub(super) fn unseal(
    rows: Vec<KeyRow>,
    trust_domain: &TrustDomain,
    sealing: &SealingKey,
) -> Result<Keys, KeyringError> {
    let bundle = Bundle::new(trust_domain.clone(), roots(&rows))
        .map_err(|cause| KeyringError::BadBundle { cause })?;
    let bundles = Bundles::new([bundle]).map_err(|cause| KeyringError::Bundles { cause })?;
    let mut active = None;
    let mut jwt_keys = Vec::new();
    for row in &rows {
        // Also those that do not sign: only who has the sealing key can have put
        // them there, and nobody should believe another's root.
        let signer = unseal_one(row, sealing)?;
        let tokens = unseal_jwt_key(row, sealing)?;
        let published = JwtKey::new(tokens.public_key(), Some(Algorithm::Es256));
        jwt_keys.push((tokens.kid().to_owned(), published));
        if row.state == KeyState::Active {
            active = Some((signer, tokens));
        }
    }
    let (signer, tokens) = active.ok_or(KeyringError::NoneActive)?;
    Ok(Keys {
        signer,
        tokens,
        jwt_keys: JwtKeys::new(jwt_keys).map_err(|cause| KeyringError::BadJwtKeys { cause })?,
        held: rows.into_iter().map(held).collect::<Result<_, _>>()?,
        bundles: Arc::new(bundles),
    })
}

/// Each once: intermediates of one upstream CA have one root.
fn roots(rows: &[KeyRow]) -> Vec<CertificateDer<'static>> {
    let mut roots: Vec<CertificateDer<'static>> = Vec::new();
    for root in rows.iter().filter_map(|row| row.line.last()) {
        if !roots.contains(root) {
            roots.push(root.clone());
        }
    }
    roots
}

fn held(row: KeyRow) -> Result<Held, KeyringError> {
    let is_root = row.line.len() == 1;
    let bad = KeyringError::BadKey { id: row.id.clone() };
    let certificate = row.line.into_iter().next().ok_or(bad)?;
    let says = CaCertificate::parse(&certificate).map_err(|cause| KeyringError::Signer {
        cause: SignerError::BadCertificate { cause },
    })?;
    Ok(Held {
        says,
        id: row.id,
        is_root,
        state: row.state,
        certificate,
    })
}

fn unseal_one(row: &KeyRow, sealing: &SealingKey) -> Result<Signer, KeyringError> {
    let secret = sealing
        .unseal(&row.id, &row.sealed_key)
        .map_err(|cause| KeyringError::Sealed { cause })?;
    let bad = || KeyringError::BadKey { id: row.id.clone() };
    if name(&row.line) != row.id {
        return Err(bad());
    }
    let key = PrivatePkcs8KeyDer::from(secret.as_slice());
    let key = KeyPair::try_from(&key).map_err(|_malformed| bad())?;
    Signer::new(row.line.clone(), key).map_err(|cause| KeyringError::Signer { cause })
}

fn unseal_jwt_key(row: &KeyRow, sealing: &SealingKey) -> Result<jwt::SigningKey, KeyringError> {
    let secret = sealing
        .unseal(&jwt_name(&row.id), &row.sealed_jwt_key)
        .map_err(|cause| KeyringError::Sealed { cause })?;
    jwt::SigningKey::from_pkcs8(&secret).map_err(|cause| KeyringError::Jwt { cause })
}

/// The first half of the SHA-256 of all its certificates, in lower-case
/// hexadecimal. What is sealed under it is bound to its root as well.
fn name(line: &[CertificateDer<'_>]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for certificate in line {
        context.update(certificate);
    }
    let digest = context.finish();
    let half = digest.as_ref().iter().take(16);
    half.map(|byte| format!("{byte:02x}")).collect()
}

/// Under which name the companion of the key named `id` is sealed: neither
/// can be put in the other's place.
fn jwt_name(id: &str) -> String {
    format!("{id} jwt")
}
