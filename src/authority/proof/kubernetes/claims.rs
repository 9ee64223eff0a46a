//! What a token says of the pod that shows it.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;

use crate::authority::proof::kubernetes::error::KubernetesError;
use crate::authority::selector::Selector;

/// What `claims`, the JSON of a token, say at `now` of a pod of `cluster`.
/// Nothing here looks at a signature: whoever asks has done so.
///
/// # Errors
///
/// [`KubernetesError::BadName`], [`KubernetesError::Expired`],
/// [`KubernetesError::Malformed`], [`KubernetesError::NotProjected`] and
/// [`KubernetesError::NotYetValid`].
pub fn read_claims(
    cluster: &str,
    claims: &[u8],
    now: SystemTime,
) -> Result<BTreeSet<Selector>, KubernetesError> {
    let claims: Claims =
        serde_json::from_slice(claims).map_err(|_malformed| KubernetesError::Malformed)?;
    claims.judge(cluster, now)
}

/// The issuer that a token names, not yet believed.
pub(in crate::authority) fn named_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode::<Named>(token)
        .ok()
        .map(|decoded| decoded.claims.iss)
}

#[derive(Deserialize)]
pub(super) struct Claims {
    exp: u64,
    iat: Option<u64>,
    nbf: Option<u64>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<About>,
}

impl Claims {
    pub(super) fn judge(
        self,
        cluster: &str,
        now: SystemTime,
    ) -> Result<BTreeSet<Selector>, KubernetesError> {
        let since_epoch = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        if since_epoch > Duration::from_secs(self.exp).saturating_add(LEEWAY) {
            return Err(KubernetesError::Expired);
        }
        let begins = self.nbf.or(self.iat).unwrap_or(0);
        if since_epoch.saturating_add(LEEWAY) < Duration::from_secs(begins) {
            return Err(KubernetesError::NotYetValid);
        }
        let about = self.kubernetes.ok_or(KubernetesError::NotProjected)?;
        let pod = Pod {
            account: &about.serviceaccount.name,
            name: about.pod.as_ref().map(|pod| pod.name.as_str()),
            namespace: &about.namespace,
            node: about.node.as_ref().map(|node| node.name.as_str()),
        };
        pod.of(cluster)
    }
}

/// A pod, as far as it is known.
pub(super) struct Pod<'a> {
    pub(super) account: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) namespace: &'a str,
    pub(super) node: Option<&'a str>,
}

impl Pod<'_> {
    /// What is proved by being it.
    pub(super) fn of(&self, cluster: &str) -> Result<BTreeSet<Selector>, KubernetesError> {
        let facts = [
            ("k8s:cluster", Some(cluster)),
            ("k8s:ns", Some(self.namespace)),
            ("k8s:sa", Some(self.account)),
            ("k8s:pod", self.name),
            ("k8s:node", self.node),
        ];
        facts
            .into_iter()
            .filter_map(|(kind, value)| Some(Selector::new(kind, value?)))
            .collect::<Result<_, _>>()
            .map_err(|cause| KubernetesError::BadName { cause })
    }
}

#[derive(Deserialize)]
struct About {
    namespace: String,
    serviceaccount: Named,
    pod: Option<Named>,
    node: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// How far the cluster's clock and ours may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
