//! Plain Cedar, asked by people and by workloads: no door proves people yet.

use std::str::FromStr as _;

use cedar_policy::Authorizer;
use cedar_policy::Context;
use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use serde_json::Value;
use serde_json::json;

/// Who asks what, where and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    /// A SPIFFE ID, a user's subject, or nothing.
    pub(crate) who: &'static str,
    pub(crate) email: Option<&'static str>,
    /// What the claim `team` says, and what the claim `staff` does.
    pub(crate) teams: &'static [&'static str],
    pub(crate) staff: Option<bool>,
    /// What other claims say.
    pub(crate) claims: &'static [(&'static str, &'static [&'static str])],
    pub(crate) groups: &'static [&'static str],
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) source: &'static str,
    /// In UTC, on 24 November 2026.
    pub(crate) minute: i64,
    pub(crate) origin: bool,
}

pub(crate) const ALICE: Asking = Asking {
    who: "alice",
    email: Some("alice@example.com"),
    teams: &["shop", "it"],
    staff: Some(true),
    claims: &[],
    groups: &["admin"],
    method: "GET",
    path: "/orders/7",
    source: "10.1.2.3",
    minute: 600,
    origin: false,
};

pub(crate) const WEB: Asking = Asking {
    who: "spiffe://td/ns/shop/sa/web",
    email: None,
    teams: &[],
    staff: None,
    groups: &[],
    ..ALICE
};

pub(crate) const NOBODY: Asking = Asking { who: "", ..WEB };

/// Whether the policies let it pass. An error in evaluation fails the test.
pub(crate) fn permits(cedar: &str, asking: &Asking) -> bool {
    let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let (kind, id, attrs) = match asking.who {
        "" => ("Anonymous", "anonymous".to_owned(), json!({})),
        id if id.starts_with("spiffe://") => {
            let domain = id.split('/').nth(2).unwrap();
            let attrs = json!({ "spiffe": id, "trustDomain": domain });
            ("Workload", id.to_owned(), attrs)
        }
        subject => ("User", format!("idp/{subject}"), person(asking)),
    };
    let groups = asking.groups.iter();
    let groups: Vec<Value> = groups
        .map(|one| uid("Group", &format!("idp/{one}")))
        .collect();
    let entities = json!([
        { "uid": uid(kind, &id), "attrs": attrs, "parents": groups },
        { "uid": uid("Action", asking.method), "attrs": {}, "parents": [uid("Action", "http")] },
        { "uid": uid("Route", "r"), "attrs": {}, "parents": [uid("Service", "orders")] },
    ]);
    let headers = if asking.origin {
        json!({ "origin": "https://a", "access-control-request-method": "PUT" })
    } else {
        json!({})
    };
    let (hour, minute) = (asking.minute / 60, asking.minute % 60);
    let extension = |name: &str, arg: &str| json!({ "__extn": { "fn": name, "arg": arg } });
    let now = format!("2026-11-24T{hour:02}:{minute:02}:00.000Z");
    let clock = |minute: i64| json!({ "minuteOfDay": minute, "weekday": 2, "date": 20_261_124 });
    let context = json!({
        "method": asking.method, "path": asking.path, "host": "orders",
        "sourceIp": extension("ip", asking.source), "now": extension("datetime", &now),
        "headers": headers, "params": {},
        "utc": clock(asking.minute), "america_phoenix": clock((asking.minute + 1020) % 1440),
    });
    let named = |kind: &str, id: &str| EntityUid::from_str(&format!("{kind}::\"{id}\"")).unwrap();
    let request = Request::new(
        named(kind, &id),
        named("Action", asking.method),
        named("Route", "r"),
        Context::from_json_value(context, None).unwrap(),
        None,
    );
    let entities = Entities::from_json_value(entities, None).unwrap();
    let set = PolicySet::from_str(cedar).unwrap();
    let response = Authorizer::new().is_authorized(&request.unwrap(), &set, &entities);
    let errors: Vec<_> = response.diagnostics().errors().collect();
    assert!(errors.is_empty(), "{errors:?}\n{cedar}");
    response.decision() == Decision::Allow
}

/// What policies know of somebody who has signed in.
fn person(asking: &Asking) -> Value {
    let mut attrs = json!({ "emailVerified": true, "amr": [], "roles": [], "claims": {} });
    if !asking.teams.is_empty() {
        attrs["claims"]["team"] = json!(asking.teams);
    }
    for (name, values) in asking.claims {
        attrs["claims"][name] = json!(values);
    }
    if let Some(staff) = asking.staff {
        attrs["claims"]["staff"] = json!(staff);
    }
    // Policies do not get to know an address with two readings.
    if let Some(email) = asking.email.filter(|email| email.matches('@').count() < 2) {
        attrs["email"] = json!(email);
    }
    attrs
}
