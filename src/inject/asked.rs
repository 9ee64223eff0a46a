//! What an API server asks: an AdmissionReview (`admission.k8s.io/v1`).

use serde::Deserialize;
use serde_json::Value;

/// A question about one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What the answer must repeat.
    pub uid: String,
    /// Where the object is to be.
    pub namespace: String,
    /// Whose wish it is: a user, or a controller's account.
    pub user: String,
    /// The pod that is to be made; nothing if it is about something else.
    pub pod: Option<Value>,
}

/// Reads a review.
///
/// # Errors
///
/// All of [`ReviewError`].
pub fn read_review(body: &[u8]) -> Result<Asked, ReviewError> {
    let review: Review = serde_json::from_slice(body).map_err(|error| ReviewError::BadForm {
        line: error.line(),
        column: error.column(),
    })?;
    if review.api_version != VERSION || review.kind != KIND {
        return Err(ReviewError::OtherKind {
            found: format!("{} {}", review.api_version, review.kind),
        });
    }
    let request = review.request.ok_or(ReviewError::NoRequest)?;
    if request.uid.is_empty() {
        return Err(ReviewError::NoUid);
    }
    let is_pod = request.kind.group.is_empty()
        && request.kind.version == "v1"
        && request.kind.kind == "Pod"
        && request.sub_resource.is_none_or(|part| part.is_empty());
    let pod = (is_pod && request.operation == "CREATE").then_some(request.object);
    if let Some(pod) = &pod
        && !(pod.is_object() && pod["metadata"].is_object() && pod["spec"].is_object())
    {
        return Err(ReviewError::NoPod);
    }
    Ok(Asked {
        uid: request.uid,
        namespace: request.namespace,
        user: request.user_info.username,
        pod,
    })
}

/// Why a review cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReviewError {
    /// Not JSON, or not in that form.
    #[error("line {line}, column {column}: this is no AdmissionReview")]
    BadForm {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// What is to be made is not there.
    #[error("`request.object` is no pod with `metadata` and `spec`")]
    NoPod,
    /// It asks for nothing.
    #[error("there is no `request`")]
    NoRequest,
    /// It cannot be answered.
    #[error("`request.uid` is empty")]
    NoUid,
    /// Something else, or another version of it.
    #[error("`{found}` is not `{VERSION} {KIND}`")]
    OtherKind {
        /// What it says that it is.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Option<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    kind: Kind,
    sub_resource: Option<String>,
    operation: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    user_info: UserInfo,
    #[serde(default)]
    object: Value,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

#[derive(Default, Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
}

/// The version that we speak, both ways.
pub(super) const VERSION: &str = "admission.k8s.io/v1";
/// What we speak of.
pub(super) const KIND: &str = "AdmissionReview";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn review() -> Value {
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5",
                "kind": { "group": "", "version": "v1", "kind": "Pod" },
                "operation": "CREATE",
                "namespace": "shop",
                "userInfo": { "username": "system:serviceaccount:kube-system:replicaset-controller" },
                "object": { "metadata": {}, "spec": {} },
            },
        })
    }

    fn with(path: &str, value: Value) -> Result<Asked, ReviewError> {
        let mut review = review();
        *review.pointer_mut(path).unwrap() = value;
        read_review(review.to_string().as_bytes())
    }

    #[test]
    fn a_pod_that_is_to_be_made_is_read() {
        let asked = read_review(review().to_string().as_bytes()).unwrap();
        assert_eq!(asked.uid, "705ab4f5");
        assert_eq!(asked.namespace, "shop");
        assert_eq!(asked.pod, Some(json!({ "metadata": {}, "spec": {} })));
    }

    #[test]
    fn what_is_about_something_else_has_no_pod() {
        for (path, value) in [
            ("/request/kind/kind", "Deployment"),
            ("/request/kind/group", "apps"),
            ("/request/kind/version", "v2"),
            ("/request/operation", "UPDATE"),
        ] {
            assert_eq!(with(path, json!(value)).unwrap().pod, None, "{path}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_understand() {
        use ReviewError::{BadForm, NoPod, NoRequest, NoUid, OtherKind};

        assert_eq!(with("/request", Value::Null), Err(NoRequest));
        assert_eq!(with("/request/uid", json!("")), Err(NoUid));
        assert_eq!(with("/request/object", json!([])), Err(NoPod));
        assert_eq!(with("/request/object/spec", json!(1)), Err(NoPod));
        let found = "admission.k8s.io/v1beta1 AdmissionReview".to_owned();
        let other = with("/apiVersion", json!("admission.k8s.io/v1beta1"));
        assert_eq!(other, Err(OtherKind { found }));
        let bad = read_review(b"{\n]").unwrap_err();
        assert_eq!(bad, BadForm { line: 2, column: 1 });
        assert!(matches!(
            with("/request/uid", json!(7)),
            Err(BadForm { .. })
        ));
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_be_answered(body in "\\PC{0,200}", at in 0_usize..400, byte: u8) {
            let mut bytes = review().to_string().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            for body in [body.as_bytes(), &bytes] {
                if let Ok(asked) = read_review(body) {
                    prop_assert!(!asked.uid.is_empty());
                    prop_assert!(asked.pod.is_none_or(|pod| pod["spec"].is_object()));
                }
            }
        }
    }
}
