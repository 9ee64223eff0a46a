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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::ca::Authority;
    use crate::time::SystemClock;
    use crate::x509::Bundles;

    #[test]
    fn each_trust_domain_is_kept_by_itself_and_ours_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let [own, one, two] = ["own.example", "one.example", "two.example"].map(bundle);
        let keep_both = |others: &[&Bundle]| {
            let all = others.iter().copied().chain([&own]).cloned();
            let all = Bundles::new(all).unwrap();
            let roots = Roots {
                own: &own,
                all: &all,
            };
            keep(folder.path(), roots).unwrap();
        };
        let kept = |own: &str| {
            let kept = recall(folder.path(), &own.parse().unwrap()).unwrap();
            let names = kept.iter().map(|bundle| bundle.trust_domain().to_string());
            names.collect::<Vec<_>>()
        };
        assert_eq!(kept("own.example"), [""; 0], "nothing was kept yet");
        keep_both(&[&two, &one]);
        assert_eq!(kept("own.example"), ["one.example", "two.example"]);
        // Whoever has become another has its own roots elsewhere, too.
        assert_eq!(kept("one.example"), ["two.example"]);
        let recalled = recall(folder.path(), own.trust_domain()).unwrap();
        assert!(recalled[0].certificates().eq(one.certificates()));
        keep_both(&[]);
        assert_eq!(kept("own.example"), [""; 0], "it is not forgotten");
    }

    #[test]
    fn what_is_damaged_is_refused_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{}", "{\"trust_domains\":{\"a\":1}}"] {
            fs::write(folder.path().join(FEDERATED), text).unwrap();
            let error = recall(folder.path(), &"own.example".parse().unwrap()).unwrap_err();
            assert!(error.to_string().contains(FEDERATED), "{error}");
        }
    }

    fn bundle(name: &str) -> Bundle {
        let folder = tempfile::tempdir().unwrap();
        let trust_domain: TrustDomain = name.parse().unwrap();
        let authority = Authority::open(folder.path(), trust_domain.clone(), Arc::new(SystemClock));
        Bundle::new(trust_domain, [authority.unwrap().root().clone()]).unwrap()
    }
}
