//! Who is revoked, kept for our next start.
//!
//! Whoever comes first then may be one of them, also in the place of the
//! authority: below a company's CA it is this that the roots do not tell.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::enrol::EnrolError;
use crate::identity::Revocations;
use crate::store;
use crate::store::StoreError;

/// As it is written.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    serials: BTreeSet<String>,
    spiffe_ids: BTreeSet<String>,
}

/// Writes `revoked` into `folder`. Blocks on the disk.
pub(super) fn keep(folder: &Path, revoked: &Revocations) -> Result<(), EnrolError> {
    let failed = |cause| EnrolError::Store { cause };
    store::make_secret_dir(folder).map_err(failed)?;
    let written = Written {
        serials: revoked.serials().map(ToOwned::to_owned).collect(),
        spiffe_ids: revoked.ids().map(|id| id.as_str().to_owned()).collect(),
    };
    let text = serde_json::to_string(&written).unwrap_or_default();
    store::write_public(&folder.join(REVOCATIONS), text.as_bytes()).map_err(failed)
}

/// Those in `folder`; nothing if none were kept.
pub(super) fn recall(folder: &Path) -> Result<Option<Revocations>, EnrolError> {
    let path = folder.join(REVOCATIONS);
    let bytes = match store::read(&path) {
        Ok(bytes) => bytes,
        Err(StoreError::Read { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(cause) => return Err(EnrolError::Store { cause }),
    };
    let revoked = read(&bytes).ok_or(EnrolError::KeptRevocations { path })?;
    Ok(Some(revoked))
}

fn read(bytes: &[u8]) -> Option<Revocations> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    let mut revoked = Revocations::default();
    for id in written.spiffe_ids {
        revoked.revoke_id(id.parse().ok()?);
    }
    for serial in written.serials {
        revoked.revoke_serial(serial);
    }
    Some(revoked)
}

/// JSON: lists of serial numbers and of SPIFFE IDs.
const REVOCATIONS: &str = "revocations.json";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn revocations_are_read_back_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recall(dir.path()).unwrap(), None);
        let mut revoked = Revocations::default();
        keep(dir.path(), &revoked).unwrap();
        assert_eq!(recall(dir.path()).unwrap().as_ref(), Some(&revoked));
        revoked.revoke_id("spiffe://example.org/web".parse().unwrap());
        revoked.revoke_serial("4f0a".to_owned());
        keep(dir.path(), &revoked).unwrap();
        assert_eq!(recall(dir.path()).unwrap(), Some(revoked));
        for other in [
            "",
            "{}",
            "[]",
            "{\"serials\":[]}",
            "{\"serials\":[],\"spiffe_ids\":[\"web\"]}",
            "{\"serials\":[],\"spiffe_ids\":[],\"more\":[]}",
        ] {
            std::fs::write(dir.path().join(REVOCATIONS), other).unwrap();
            let told = recall(dir.path());
            assert!(
                matches!(told, Err(EnrolError::KeptRevocations { .. })),
                "{other}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_revocations_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _either = read(&bytes);
        }
    }
}
