//! Asking an API server what a token is worth (TokenReview).
//!
//! It knows what no signature says: whether the pod and its service account are
//! still there.

use std::collections::BTreeSet;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::authority::proof::kubernetes::claims::Pod;
use crate::authority::proof::kubernetes::error::KubernetesError;
use crate::authority::proof::kubernetes::server::Server;
use crate::authority::selector::Selector;

/// What `server` says of `token`, if that is for `audience`.
pub(super) async fn ask(
    server: &Server,
    token: &str,
    audience: &str,
) -> Result<Bytes, KubernetesError> {
    let question = Question {
        api_version: VERSION,
        kind: KIND,
        spec: Spec {
            audiences: [audience],
            token,
        },
    };
    let question =
        serde_json::to_string(&question).map_err(|_unwritable| KubernetesError::Malformed)?;
    let question = Zeroizing::new(question);
    server
        .ask(Some(&question))
        .await
        .map_err(|cause| KubernetesError::NoReview { cause })
}

/// What `answer`, an API server's JSON, says of a pod of `cluster` that has
/// shown a token for `audience`.
///
/// # Errors
///
/// [`KubernetesError::BadName`], [`KubernetesError::BadReview`],
/// [`KubernetesError::NotAuthenticated`], [`KubernetesError::NotProjected`] and
/// [`KubernetesError::OtherAudience`].
pub fn read_review(
    cluster: &str,
    audience: &str,
    answer: &[u8],
) -> Result<BTreeSet<Selector>, KubernetesError> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_malformed| KubernetesError::BadReview)?;
    if answer.api_version != VERSION || answer.kind != KIND {
        return Err(KubernetesError::BadReview);
    }
    let status = answer.status;
    if !status.authenticated || status.error.is_some_and(|error| !error.is_empty()) {
        return Err(KubernetesError::NotAuthenticated);
    }
    // A server that does not know of audiences names none.
    if !status.audiences.iter().any(|found| found == audience) {
        return Err(KubernetesError::OtherAudience);
    }
    let user = status.user.ok_or(KubernetesError::BadReview)?;
    let (namespace, account) = user
        .username
        .strip_prefix(PREFIX)
        .and_then(|name| name.split_once(':'))
        .filter(|(_, account)| !account.contains(':'))
        .ok_or(KubernetesError::NotProjected)?;
    let pod = Pod {
        account,
        name: only(&user.extra, POD)?,
        namespace,
        node: only(&user.extra, NODE)?,
    };
    pod.of(cluster)
}

/// The value of `name`, if there is one. Two would be two pods.
fn only<'a>(extra: &'a Extra, name: &str) -> Result<Option<&'a str>, KubernetesError> {
    match extra.get(name).map(Vec::as_slice) {
        None | Some([]) => Ok(None),
        Some([value]) => Ok(Some(value)),
        Some(_) => Err(KubernetesError::BadReview),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    api_version: &'a str,
    kind: &'a str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Spec<'a> {
    audiences: [&'a str; 1],
    token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    kind: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    authenticated: bool,
    error: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    extra: Extra,
}

type Extra = HashMap<String, Vec<String>>;

const VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenReview";
const PREFIX: &str = "system:serviceaccount:";
const POD: &str = "authentication.kubernetes.io/pod-name";
const NODE: &str = "authentication.kubernetes.io/node-name";
