//! What an API server is answered: an AdmissionReview (`admission.k8s.io/v1`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::inject::asked::KIND;
use crate::inject::asked::VERSION;
use crate::inject::injector::Outcome;

/// The answer to the question that is called `uid`.
pub(super) fn review(uid: &str, outcome: Outcome) -> Value {
    let response = match outcome {
        Outcome::Inject(patch) => json!({
            "uid": uid,
            "allowed": true,
            "patchType": "JSONPatch",
            "patch": STANDARD.encode(patch.into_json().to_string()),
        }),
        Outcome::Keep | Outcome::Leave => json!({ "uid": uid, "allowed": true }),
        Outcome::Refuse(refusal) => json!({
            "uid": uid,
            "allowed": false,
            "status": {
                "code": 403,
                "reason": "Forbidden",
                "message": format!("portreeve: {refusal}"),
            },
        }),
    };
    json!({ "apiVersion": VERSION, "kind": KIND, "response": response })
}
