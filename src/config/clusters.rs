//! The clusters whose tokens an authority takes.

use std::path::Path;

use crate::authority;
use crate::authority::ApiServer;
use crate::authority::ClusterChecks;
use crate::config::Mistakes;
use crate::config::authority_file as file;

pub(super) fn clusters(
    written: &[file::Cluster],
    folder: &Path,
    notes: &mut Mistakes,
) -> Vec<authority::ClusterSettings> {
    let mut clusters = Vec::new();
    for (at, cluster) in written.iter().enumerate() {
        let path = format!("proofs.kubernetes[{at}]");
        if let Err(error) = authority::Selector::new("k8s:cluster", &cluster.name) {
            notes.add(format!("{path}.name"), error.to_string());
        }
        let same = |other: &file::Cluster| other.issuer == cluster.issuer;
        if written.iter().take(at).any(same) {
            notes.add(
                format!("{path}.issuer"),
                format!("`{}` is another cluster's already", cluster.issuer),
            );
        }
        if cluster.audience.is_empty() {
            notes.add(format!("{path}.audience"), "must not be empty");
        }
        let checks = checks(&path, cluster, folder, notes);
        clusters.extend(checks.map(|checks| authority::ClusterSettings {
            name: cluster.name.clone(),
            issuer: cluster.issuer.clone(),
            audience: cluster.audience.clone(),
            checks,
        }));
    }
    clusters
}

fn checks(
    path: &str,
    written: &file::Cluster,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<ClusterChecks> {
    let file::Cluster {
        jwks_file,
        jwks_url,
        token_review,
        ..
    } = written;
    if jwks_url.is_none() {
        for (key, is_written) in [
            ("ca_file", written.ca_file.is_some()),
            ("token_file", written.token_file.is_some()),
        ] {
            if is_written {
                notes.add(
                    format!("{path}.{key}"),
                    "belongs to `jwks_url`, which is missing",
                );
            }
        }
    }
    match (jwks_file, jwks_url, token_review) {
        (Some(file), None, None) => Some(ClusterChecks::KeyFile(folder.join(file))),
        (None, Some(url), None) => Some(ClusterChecks::KeyUrl(ApiServer {
            url: notes.parse(format!("{path}.jwks_url"), url)?,
            roots: written.ca_file.as_ref().map(|file| folder.join(file)),
            token: written.token_file.as_ref().map(|file| folder.join(file)),
        })),
        (None, None, Some(review)) => Some(ClusterChecks::Review(ApiServer {
            url: notes.parse(format!("{path}.token_review.url"), &review.url)?,
            roots: Some(folder.join(&review.ca_file)),
            token: Some(folder.join(&review.token_file)),
        })),
        _ => {
            let text = "must have exactly one of `jwks_file`, `jwks_url` and `token_review`";
            notes.add(path, text);
            None
        }
    }
}
