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
    let mut response = json!({ "uid": uid, "allowed": true });
    match outcome {
        Outcome::Inject(patch) => {
            let patch = patch.into_json().to_string();
            response["patchType"] = json!("JSONPatch");
            response["patch"] = json!(STANDARD.encode(patch));
        }
        Outcome::Keep | Outcome::Leave => {}
        Outcome::Refuse(refusal) => {
            response["allowed"] = json!(false);
            response["status"] = json!({
                "code": 403,
                "reason": "Forbidden",
                "message": format!("portreeve: {refusal}"),
            });
        }
    }
    json!({ "apiVersion": VERSION, "kind": KIND, "response": response })
}
