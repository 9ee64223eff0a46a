//! The volumes that a pod gets.

use serde_json::Value;
use serde_json::json;

use crate::inject::containers::CONFIG_FILE;
use crate::inject::settings::SidecarSettings;
use crate::inject::wishes::PolicyFrom;
use crate::inject::wishes::Wishes;
use crate::inject::words;

/// All of them: what the sidecar is told, what it has been given, and policies if
/// they are the pod's own affair.
pub(super) fn volumes(settings: &SidecarSettings, wishes: &Wishes) -> Vec<Value> {
    let told = json!({
        "name": words::CONFIG_VOLUME,
        "projected": {
            "defaultMode": MODE,
            "sources": [
                { "downwardAPI": { "items": [
                    from_annotation(words::SIDECAR_CONFIG, CONFIG_FILE),
                    from_annotation(words::SIDECAR_ROOTS, "ca.pem"),
                ] } },
                { "serviceAccountToken": {
                    "audience": settings.audience,
                    "expirationSeconds": TOKEN_SECONDS,
                    "path": "token",
                } },
            ],
        },
    });
    // In memory: a key must not be on a disk that outlives the pod.
    let given = json!({
        "name": words::STATE_VOLUME,
        "emptyDir": { "medium": "Memory", "sizeLimit": STATE_SIZE },
    });
    let mut volumes = vec![told, given];
    if let PolicyFrom::ConfigMap(name) = &wishes.policy {
        volumes.push(json!({
            "name": words::POLICY_VOLUME,
            "configMap": { "defaultMode": MODE, "name": name },
        }));
    }
    volumes
}

fn from_annotation(name: &str, path: &str) -> Value {
    let field = format!("metadata.annotations['{name}']");
    json!({ "path": path, "fieldRef": { "apiVersion": "v1", "fieldPath": field } })
}

/// 0644: what is told is no secret, and tokens have a mode of their own.
const MODE: u32 = 0o644;
/// The kubelet renews it after four fifths of that.
const TOKEN_SECONDS: u32 = 3_600;
/// An SVID with its key, and the most that an authority gives out of policies and
/// groups (4 MiB each), once in place and once beside.
const STATE_SIZE: &str = "20Mi";
