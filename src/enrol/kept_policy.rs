//! What was told of policies, kept for our next start.
//!
//! A set is kept with its signature, and is worth what that is worth. Groups
//! are as safe as the roots beside them: whoever can write there can be anybody.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use prost::Message as _;

use crate::enrol::EnrolError;
use crate::enrol::SignedPolicyError;
use crate::policy::Groups;
use crate::rpc::authority as rpc;
use crate::store;
use crate::store::StoreError;

/// Writes a set into `folder`. Blocks on the disk.
pub(super) fn keep(folder: &Path, set: &rpc::PolicySet) -> Result<(), EnrolError> {
    let failed = |cause| EnrolError::Store { cause };
    store::make_secret_dir(folder).map_err(failed)?;
    store::write_public(&policy_path(folder), &set.encode_to_vec()).map_err(failed)
}

/// The set in `folder`, not yet held against its signature; nothing if none was kept.
pub(super) fn recall(folder: &Path) -> Result<Option<rpc::PolicySet>, EnrolError> {
    let path = policy_path(folder);
    let Some(bytes) = read(&path)? else {
        return Ok(None);
    };
    let set = rpc::PolicySet::decode(bytes.as_slice());
    set.map(Some).map_err(|_malformed| EnrolError::KeptPolicy {
        path,
        cause: Box::new(SignedPolicyError::OtherDocument),
    })
}

/// Writes groups into `folder`. Blocks on the disk.
pub(super) fn keep_groups(folder: &Path, groups: &Groups) -> Result<(), EnrolError> {
    let failed = |cause| EnrolError::Store { cause };
    store::make_secret_dir(folder).map_err(failed)?;
    let written: BTreeMap<&str, Vec<&str>> = groups
        .iter()
        .map(|(name, ids)| (name.as_str(), ids.iter().map(|id| id.as_str()).collect()))
        .collect();
    let text = serde_json::to_string(&written).unwrap_or_default();
    store::write_public(&groups_path(folder), text.as_bytes()).map_err(failed)
}

/// The groups in `folder`; nothing if none were kept.
pub(super) fn recall_groups(folder: &Path) -> Result<Option<Groups>, EnrolError> {
    let path = groups_path(folder);
    let Some(bytes) = read(&path)? else {
        return Ok(None);
    };
    let groups = read_groups(&bytes).ok_or(EnrolError::KeptGroups { path })?;
    Ok(Some(groups))
}

fn read_groups(bytes: &[u8]) -> Option<Groups> {
    let written: BTreeMap<String, BTreeSet<String>> = serde_json::from_slice(bytes).ok()?;
    written
        .into_iter()
        .map(|(name, ids)| {
            let ids = ids
                .iter()
                .map(|id| id.parse().ok())
                .collect::<Option<_>>()?;
            Some((name.parse().ok()?, ids))
        })
        .collect()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, EnrolError> {
    match store::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::Read { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(cause) => Err(EnrolError::Store { cause }),
    }
}

/// Where a set is kept.
pub(super) fn policy_path(folder: &Path) -> PathBuf {
    folder.join(POLICY)
}

/// Where groups are kept.
pub(super) fn groups_path(folder: &Path) -> PathBuf {
    folder.join(GROUPS)
}

/// A `PolicySet` of `authority.proto`.
const POLICY: &str = "policy.pb";

/// JSON: lists of SPIFFE IDs by name.
const GROUPS: &str = "groups.json";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_are_read_back_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recall_groups(dir.path()).unwrap(), None);
        let id = "spiffe://example.org/web".parse().unwrap();
        let groups = Groups::from([
            ("one".parse().unwrap(), BTreeSet::from([id])),
            ("two".parse().unwrap(), BTreeSet::new()),
        ]);
        keep_groups(dir.path(), &groups).unwrap();
        assert_eq!(recall_groups(dir.path()).unwrap(), Some(groups));
        for other in [
            "",
            "{",
            "[]",
            "{\"One\":[]}",
            "{\"one\":[\"web\"]}",
            "{\"one\":1}",
        ] {
            std::fs::write(dir.path().join(GROUPS), other).unwrap();
            let told = recall_groups(dir.path());
            assert!(
                matches!(told, Err(EnrolError::KeptGroups { .. })),
                "{other}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_groups_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _either = read_groups(&bytes);
        }
    }
}
