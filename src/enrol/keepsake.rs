//! What we have been given, kept for our next start.
//!
//! Only where a folder is configured: then a restart needs no new proof, and
//! whoever can read the folder can be us until the certificate ends.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::enrol::EnrolError;
use crate::enrol::federated;
use crate::id::TrustDomain;
use crate::identity::Svid;
use crate::store;
use crate::store::StoreError;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;
use crate::x509::private_key_from_pem;
use crate::x509::private_key_to_pem;

/// An SVID, and whom to believe.
#[derive(Clone, Debug)]
pub(super) struct Keepsake {
    pub(super) svid: Arc<Svid>,
    pub(super) bundles: Arc<Bundles>,
}

/// The roots to be kept: those of our own trust domain, and all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roots<'a> {
    pub(super) own: &'a Bundle,
    pub(super) all: &'a Bundles,
}

/// Writes what was given into `folder`. Blocks on the disk.
pub(super) fn keep(
    folder: &Path,
    chain: &[CertificateDer<'static>],
    key: &PrivatePkcs8KeyDer<'_>,
    roots: Roots<'_>,
) -> Result<(), EnrolError> {
    let failed = |cause| EnrolError::Store { cause };
    // The roots first: they vouch for the old certificate as well as the new.
    keep_roots(folder, roots)?;
    let svid: String = chain.iter().map(|der| certificates_to_pem([der])).collect();
    let svid = Zeroizing::new(svid + &private_key_to_pem(key));
    store::write_secret(&folder.join(SVID), svid.as_bytes()).map_err(failed)
}

/// Writes other roots for the certificate that is there. Blocks on the disk.
pub(super) fn keep_roots(folder: &Path, roots: Roots<'_>) -> Result<(), EnrolError> {
    let failed = |cause| EnrolError::Store { cause };
    store::make_secret_dir(folder).map_err(failed)?;
    let own: String = roots
        .own
        .certificates()
        .map(|root| certificates_to_pem([root]))
        .collect();
    federated::keep(folder, roots)?;
    store::write_public(&folder.join(ROOTS), own.as_bytes()).map_err(failed)
}

/// What is in `folder`; nothing if nothing was ever kept there.
pub(super) fn recall(
    folder: &Path,
    trust_domain: &TrustDomain,
) -> Result<Option<Keepsake>, EnrolError> {
    let path = folder.join(SVID);
    let text = match store::read(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(StoreError::Read { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(cause) => return Err(EnrolError::Store { cause }),
    };
    let place = path.to_string_lossy();
    let not_pem = |cause| EnrolError::File { cause };
    let chain = certificates_from_pem(&text, &place).map_err(not_pem)?;
    let key = private_key_from_pem(&text, &place).map_err(not_pem)?;
    let svid = Svid::new(chain, key).map_err(|cause| EnrolError::BadSvid { cause })?;
    let own = read_own_bundle(&folder.join(ROOTS), trust_domain)?;
    let others = federated::recall(folder, trust_domain)?;
    let bundles = Bundles::new([own].into_iter().chain(others))
        .map_err(|cause| EnrolError::BadBundles { cause })?;
    Ok(Some(Keepsake {
        svid: Arc::new(svid),
        bundles: Arc::new(bundles),
    }))
}

/// The roots in the PEM file at `path`.
pub(super) fn read_bundle(path: &Path, trust_domain: &TrustDomain) -> Result<Bundles, EnrolError> {
    let bundle = read_own_bundle(path, trust_domain)?;
    Bundles::new([bundle]).map_err(|cause| EnrolError::BadBundles { cause })
}

fn read_own_bundle(path: &Path, trust_domain: &TrustDomain) -> Result<Bundle, EnrolError> {
    let text = store::read(path).map_err(|cause| EnrolError::Store { cause })?;
    let roots = certificates_from_pem(&text, &path.to_string_lossy())
        .map_err(|cause| EnrolError::File { cause })?;
    Bundle::new(trust_domain.clone(), roots).map_err(|cause| EnrolError::BadBundle { cause })
}

/// Certificate chain and key.
const SVID: &str = "svid.pem";

/// The roots of our trust domain.
const ROOTS: &str = "bundle.pem";
