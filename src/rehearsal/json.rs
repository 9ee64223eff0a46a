//! An answer for programs.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::policy::Condition;
use crate::policy::DenialReason;
use crate::policy::Explanation;
use crate::policy::Finding;
use crate::policy::Outcome;
use crate::policy::PolicyName;
use crate::rehearsal::asked::Asked;
use crate::rehearsal::asked::Told;
use crate::rehearsal::asked::What;

/// The answer with its reasons. Fields may be added; what is there keeps its meaning.
#[must_use]
pub fn to_json(asked: &Asked, told: &Told) -> Value {
    let mut whole = Map::new();
    whole.insert("decision".to_owned(), told.decision().into());
    if let Some(reason) = told.reason() {
        whole.insert("reason".to_owned(), reason.into());
    }
    let mut request = request(asked);
    match told {
        Told::Refused(why) => {
            whole.insert("status".to_owned(), why.status.into());
            whole.insert("why".to_owned(), why.to_string().into());
        }
        Told::Decided {
            explanation,
            target,
            wants_sign_in,
        } => {
            if *wants_sign_in {
                whole.insert("wants_sign_in".to_owned(), true.into());
            }
            if let Some((host, path)) = target {
                request.insert("host".to_owned(), host.as_str().into());
                request.insert("path".to_owned(), path.as_str().into());
            }
            whole.extend(decided(explanation));
        }
    }
    whole.insert("request".to_owned(), request.into());
    whole.into()
}

fn request(asked: &Asked) -> Map<String, Value> {
    let now = jiff::Timestamp::try_from(asked.now);
    let now = now.map_or(Value::Null, |now| now.to_string().into());
    let method = match &asked.what {
        What::Connection => "connect",
        What::Request { method, .. } => method.as_str(),
    };
    fields([
        ("caller", asked.caller.name().into()),
        ("service", asked.service.as_str().into()),
        ("method", method.into()),
        ("source", asked.source.to_string().into()),
        ("at", now),
    ])
}

fn decided(explanation: &Explanation) -> Map<String, Value> {
    let policies = explanation.answer.policies.iter();
    let policies: Vec<&str> = policies.map(PolicyName::as_str).collect();
    let params = explanation.params.iter().cloned();
    let params: Map<String, Value> = params.map(|(name, value)| (name, value.into())).collect();
    let near = explanation.near.iter().map(|near| {
        json!({
            "id": near.policy.as_str(),
            "place": near.place.to_string(),
            "part": near.part,
            "demand": near.demand,
        })
    });
    let shadow = explanation.answer.shadow.as_ref().map(|shadow| {
        let policies = shadow.policies.iter().map(PolicyName::as_str);
        json!({
            "decision": if shadow.denial.is_none() { "permit" } else { "deny" },
            "reason": shadow.denial.as_ref().map(DenialReason::as_str),
            "policies": policies.collect::<Vec<_>>(),
        })
    });
    fields([
        ("shadow", shadow.unwrap_or_default()),
        ("policies", policies.into()),
        ("revision", explanation.answer.revision.as_str().into()),
        ("caller_in", explanation.caller_in.clone().into()),
        ("routes", explanation.routes.clone().into()),
        ("params", params.into()),
        (
            "in_scope",
            explanation.policies.iter().map(finding).collect(),
        ),
        ("near", near.collect()),
    ])
}

fn finding(finding: &Finding) -> Value {
    let mut whole = fields([
        ("id", finding.policy.as_str().into()),
        ("place", finding.place.to_string().into()),
        ("effect", finding.effect.as_str().into()),
        ("shadow", finding.is_shadow.into()),
        ("outcome", finding.outcome.as_str().into()),
        (
            "conditions",
            finding.conditions.iter().map(condition).collect(),
        ),
    ]);
    let annotations = [
        ("reason", finding.policy.reason()),
        ("owner", finding.policy.owner()),
        ("advice", finding.policy.advice()),
        ("why", why(&finding.outcome)),
    ];
    whole.extend(
        annotations
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into()))),
    );
    whole.into()
}

fn condition(condition: &Condition) -> Value {
    let values = condition.values.iter();
    let values: Map<String, Value> = values
        .map(|value| (value.name.clone(), value.value.clone().into()))
        .collect();
    let mut whole = fields([
        ("text", condition.text.as_str().into()),
        ("outcome", condition.outcome.as_str().into()),
        ("values", values.into()),
    ]);
    whole.extend(why(&condition.outcome).map(|why| ("why".to_owned(), why.into())));
    whole.into()
}

fn why(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Fails { why } => Some(why),
        Outcome::Holds | Outcome::Not | Outcome::NotReached => None,
    }
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
