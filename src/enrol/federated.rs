//! The bundles of other trust domains, kept for our next start.
//!
//! Beside our own roots, in a file of their own: whoever reads it must not take
//! one trust domain's roots for another's.

use std::io;
use std::path::Path;

use crate::enrol::EnrolError;
use crate::enrol::keepsake::Roots;
use crate::id::TrustDomain;
use crate::jwt::BundleDocument;
use crate::jwt::BundleMap;
use crate::store;
use crate::store::StoreError;
use crate::x509::Bundle;

/// Writes them into `folder`. Blocks on the disk.
pub(super) fn keep(folder: &Path, roots: Roots<'_>) -> Result<(), EnrolError> {
    let path = folder.join(FEDERATED);
    let others = roots
        .all
        .iter()
        .filter(|bundle| bundle.trust_domain() != roots.own.trust_domain());
    let map: BundleMap = others
        .map(|bundle| {
            let document = BundleDocument {
                roots: bundle.certificates().cloned().collect(),
                ..BundleDocument::default()
            };
            (bundle.trust_domain().clone(), document)
        })
        .collect();
    let text = map.to_json().map_err(|cause| EnrolError::BadFederated {
        path: path.clone(),
        cause,
    })?;
    store::write_public(&path, text.as_bytes()).map_err(|cause| EnrolError::Store { cause })
}

/// What is in `folder`; nothing if nothing was ever kept there. Our `own` trust
/// domain has its roots elsewhere.
pub(super) fn recall(folder: &Path, own: &TrustDomain) -> Result<Vec<Bundle>, EnrolError> {
    let path = folder.join(FEDERATED);
    let text = match store::read(&path) {
        Ok(text) => text,
        Err(StoreError::Read { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        Err(cause) => return Err(EnrolError::Store { cause }),
    };
    let map = BundleMap::parse(&text).map_err(|cause| EnrolError::BadFederated { path, cause })?;
    map.into_iter()
        .filter(|(trust_domain, _)| trust_domain != own)
        .map(|(trust_domain, document)| {
            Bundle::new(trust_domain, document.roots)
                .map_err(|cause| EnrolError::BadBundle { cause })
        })
        .collect()
}

/// A SPIFFE bundle map.
const FEDERATED: &str = "federated.json";
