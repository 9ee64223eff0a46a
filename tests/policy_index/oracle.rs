//! Plain Cedar, asked about everything.

use std::net::IpAddr;
use std::str::FromStr as _;

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Context;
use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use portreeve::policy::Policy;
use portreeve::policy::ServiceName;
use portreeve::policy::Template;
use serde_json::json;

use crate::tables::Asked;
use crate::tables::CALLERS;
use crate::tables::CONNECT;
use crate::tables::METHODS;
use crate::tables::PERSONS;

/// Decision, or reason of denial, with the names of the policies behind it.
pub(crate) type Outcome = (&'static str, Vec<String>);

pub(crate) fn plain(policy: &Policy, set: &PolicySet, asked: &Asked) -> Outcome {
    let (id, ancestors) = CALLERS[asked.caller];
    let service: ServiceName = asked.service.parse().unwrap();
    let templates: Vec<Template> = policy
        .templates(&service)
        .into_iter()
        .map(|text| text.parse().unwrap())
        .filter(|template: &Template| template.matches(asked.path) && asked.method != CONNECT)
        .collect();
    let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let mut parents = vec![uid("Service", asked.service)];
    let mut params = serde_json::Map::new();
    for template in &templates {
        parents.push(uid("Route", &format!("{service}:{template}")));
        if template.as_str() == "/api/**" && asked.service == "s" {
            parents.push(uid("RouteGroup", "api"));
        }
        let segments = template.as_str().split('/').zip(asked.path.split('/'));
        for (name, segment) in segments {
            if let Some(name) = name.strip_prefix('{') {
                let name = name.trim_end_matches('}').to_owned();
                params.insert(name, json!(segment));
            }
        }
    }
    let resource = if templates.is_empty() {
        ("Service", asked.service)
    } else {
        ("Route", "some route")
    };
    let known = METHODS[..4].contains(&asked.method) || asked.method == CONNECT;
    let action = if known { asked.method } else { "otherMethod" };
    let (kind, attrs) = principal(asked.caller);
    let ancestors: Vec<_> = ancestors
        .iter()
        .map(|text| text.split_once(':').unwrap())
        .map(|(kind, id)| uid(kind, id))
        .collect();
    let group = |name: &str| uid("Action", name);
    let groups = match action {
        "GET" | "HEAD" => vec![group("read"), group("http")],
        "otherMethod" => vec![group("http")],
        CONNECT => Vec::new(),
        _ => vec![group("write"), group("http")],
    };
    let resource_parents = if templates.is_empty() {
        Vec::new()
    } else {
        parents
    };
    let entities = json!([
        { "uid": uid(kind, id), "attrs": attrs, "parents": ancestors },
        { "uid": uid(resource.0, resource.1), "attrs": {}, "parents": resource_parents },
        { "uid": uid("Action", action), "attrs": {}, "parents": groups },
    ]);
    let uid = |kind: &str, id: &str| EntityUid::from_str(&format!("{kind}::\"{id}\"")).unwrap();
    let request = Request::new(
        uid(kind, id),
        uid("Action", action),
        uid(resource.0, resource.1),
        context(asked, &params),
        None,
    );
    let entities = Entities::from_json_value(entities, None).unwrap();
    let response = Authorizer::new().is_authorized(&request.unwrap(), set, &entities);
    let mut failed: Vec<String> = response
        .diagnostics()
        .errors()
        .map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id().to_string())
        .collect();
    let mut reasons: Vec<String> = response
        .diagnostics()
        .reason()
        .map(PolicyId::to_string)
        .collect();
    failed.sort();
    reasons.sort();
    match response.decision() {
        _ if !failed.is_empty() => ("evaluation_error", failed),
        Decision::Allow => ("permit", reasons),
        Decision::Deny if reasons.is_empty() => ("no_permit", reasons),
        Decision::Deny => ("forbidden", reasons),
    }
}

/// The type and the attributes of a caller.
fn principal(caller: usize) -> (&'static str, serde_json::Value) {
    let id = CALLERS[caller].0;
    let Some(rest) = id.strip_prefix("spiffe://") else {
        if id == "anonymous" {
            return ("Anonymous", json!({}));
        }
        let facts = PERSONS[caller];
        let mut attrs = json!({
            "emailVerified": facts.email_verified,
            "amr": facts.amr,
            "roles": facts.roles,
            "claims": {},
        });
        if let Some(level) = facts.level {
            attrs["claims"] =
                json!({ "level": level, "staff": level > 2, "tags": ["x", "z"], "team": "it" });
        }
        if let Some(at) = facts.signed_in {
            let at = format!("1970-01-01T00:{:02}:{:02}Z", at / 60, at % 60);
            attrs["authenticatedAt"] = extension("datetime", &at);
        }
        if let Some(email) = facts.email {
            attrs["email"] = json!(email);
        }
        if let Some(acr) = facts.acr {
            attrs["acr"] = json!(acr);
        }
        return ("User", attrs);
    };
    let mut attrs = json!({ "spiffe": id, "trustDomain": rest.split('/').next().unwrap() });
    if let Some((ns, sa)) = id
        .split_once("/ns/")
        .and_then(|(_, r)| r.split_once("/sa/"))
    {
        attrs["ns"] = json!(ns);
        attrs["sa"] = json!(sa);
    }
    ("Workload", attrs)
}

fn extension(name: &str, arg: &str) -> serde_json::Value {
    json!({ "__extn": { "fn": name, "arg": arg } })
}

fn context(asked: &Asked, params: &serde_json::Map<String, serde_json::Value>) -> Context {
    // All the days that requests are made on, in one zone or the other.
    let date = |minute: u64| match minute / (24 * 60) {
        0 => (1970, 1, 1),
        1 => (1970, 1, 2),
        _ => (2026, 2, 12),
    };
    let clock = |minute: u64| {
        let days = minute / (24 * 60);
        let (year, month, day) = date(minute);
        json!({
            "minuteOfDay": minute % (24 * 60),
            "weekday": (days + 3) % 7 + 1,
            "date": year * 10_000 + month * 100 + day,
        })
    };
    let headers: serde_json::Map<_, _> = asked
        .header
        .map(|value| ("x-a".to_owned(), json!(value)))
        .into_iter()
        .collect();
    let (year, month, day) = date(asked.minute);
    let (hour, minute) = (asked.minute / 60 % 24, asked.minute % 60);
    let now = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z");
    let source: IpAddr = asked.source.parse().unwrap();
    let mut context = json!({
        "method": asked.method,
        "host": "h",
        "path": asked.path,
        "sourceIp": extension("ip", &source.to_canonical().to_string()),
        "now": extension("datetime", &now),
        "headers": headers,
        "params": params,
        "signals": signals(asked),
        "query": if asked.query == Some("a&q=1") { vec!["a", "q"] } else { vec!["a"; usize::from(asked.query.is_some())] },
        "utc": clock(asked.minute),
        "zone": clock(asked.minute + 9 * 60),
    });
    // A moment that is no more than a minute ahead counts as now.
    if let Some(at) = PERSONS[asked.caller].signed_in {
        let now = asked.minute * 60;
        let age = now
            .checked_sub(at)
            .or_else(|| (at <= now + 60).then_some(0));
        context["authAge"] = json!(age.unwrap());
    }
    // Nobody else comes with mutual TLS.
    let is_workload = CALLERS[asked.caller].0.starts_with("spiffe://");
    if let Some(group) = asked.tls.filter(|_| is_workload) {
        context["tls"] = json!({
            "group": group,
            "notBefore": extension("datetime", "1970-01-01T00:00:00Z"),
            "notAfter": extension("datetime", "1970-01-01T02:00:00Z"),
            "serial": "0a",
        });
    }
    if asked.method == CONNECT {
        let context = context.as_object_mut().unwrap();
        for name in ["method", "host", "path", "query", "headers", "params"] {
            context.remove(name);
        }
    }
    Context::from_json_value(context, None).unwrap()
}

/// What the world's file says of the callers.
fn signals(asked: &Asked) -> serde_json::Value {
    match asked.caller {
        0 => json!({ "risk": 7 }),
        1 if asked.minute < 2 => json!({ "risk": 9 }),
        // Both are of the same person.
        4 | 5 => json!({ "risk": 7, "safe": true, "site": "vienna", "tags": ["x", "w"] }),
        _ => json!({}),
    }
}

/// The whole set for plain Cedar, under the names in `@id`.
pub(crate) fn plain_set(text: &str) -> PolicySet {
    let numbered = PolicySet::from_str(text).unwrap();
    let named = numbered
        .policies()
        .map(|policy| policy.new_id(PolicyId::new(policy.annotation("id").unwrap())));
    PolicySet::from_policies(named).unwrap()
}
