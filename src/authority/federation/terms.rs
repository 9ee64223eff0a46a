//! The terms on which a bundle is fetched.

use std::path::Path;

use aws_lc_rs::digest;

use crate::authority::federation::error::FetchError;
use crate::authority::federation::foreign::read_foreign_bundle;
use crate::authority::federation::settings::RelationProfile;
use crate::authority::federation::settings::RelationSettings;
use crate::id::SpiffeId;
use crate::store;
use crate::x509::Bundle;

/// What an operator has said of a relation, read at one moment.
#[derive(Debug)]
pub(super) struct Terms {
    /// A digest of all of it. With another one the relation begins anew.
    pub(super) digest: String,
    /// Who must answer by SPIFFE, and by which roots that is believed at first.
    pub(super) first: Option<(SpiffeId, Bundle)>,
}

impl Terms {
    /// Reads them. Blocks on the disk.
    pub(super) fn read(relation: &RelationSettings) -> Result<Self, FetchError> {
        let mut said = format!("{}\n{}\n", relation.profile.as_str(), relation.url).into_bytes();
        let first = match &relation.profile {
            RelationProfile::Spiffe { spiffe_id, bundle } => {
                let (text, bundle) = read(spiffe_id, bundle)?;
                said.extend(format!("{spiffe_id}\n").into_bytes());
                said.extend(text);
                Some((spiffe_id.clone(), bundle))
            }
            RelationProfile::Web { .. } => None,
        };
        let digest = digest::digest(&digest::SHA256, &said);
        let digest = digest.as_ref().iter();
        Ok(Self {
            digest: digest.map(|byte| format!("{byte:02x}")).collect(),
            first,
        })
    }
}

fn read(spiffe_id: &SpiffeId, path: &Path) -> Result<(Vec<u8>, Bundle), FetchError> {
    let text = store::read(path).map_err(|cause| FetchError::FirstBundleUnreadable { cause })?;
    let trust_domain = spiffe_id.trust_domain().clone();
    let bundle = read_foreign_bundle(trust_domain, &text, &path.to_string_lossy());
    let bundle = bundle.map_err(|cause| FetchError::BadFirstBundle {
        path: path.to_owned(),
        cause,
    })?;
    Ok((text, bundle))
}
