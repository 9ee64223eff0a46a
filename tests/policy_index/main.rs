//! The indexed decision is that of plain Cedar over the whole set.
//!
//! Sets are generated heavy on scopes, with forbids, groups, overlapping
//! routes and conditions that fail. The oracle knows nothing of the index: it
//! gives Cedar's authorizer every policy, the whole context, and the entities
//! as JSON.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;
use portreeve::policy::Caller;
use portreeve::policy::Connection;
use portreeve::policy::Decider;
use portreeve::policy::Policy;
use portreeve::policy::PolicyName;
use portreeve::policy::Question;
use portreeve::policy::Route;
use portreeve::policy::Settings;
use proptest::prelude::*;

mod conditions;
mod explained;
mod oracle;
mod shadows;
mod tables;

use oracle::Outcome;
use oracle::plain;
use oracle::plain_set;
use tables::ACTIONS;
use tables::Asked;
use tables::CALLERS;
use tables::CONDITIONS;
use tables::CONNECT;
use tables::PRINCIPALS;
use tables::RESOURCES;
use tables::asked;

fn settings() -> Settings {
    let route = Route {
        path: "/api/**".parse().unwrap(),
        groups: ["api".parse().unwrap()].into(),
    };
    let group = ["spiffe://td/ns/a/sa/x", "spiffe://other/plain"];
    Settings {
        services: [
            ("s".parse().unwrap(), vec![route]),
            ("t".parse().unwrap(), Vec::new()),
        ]
        .into(),
        headers: vec![http::HeaderName::from_static("x-a")],
        zones: [("zone".parse().unwrap(), "Asia/Tokyo".parse().unwrap())].into(),
        workload_groups: [(
            "g".parse().unwrap(),
            group.map(|id| id.parse().unwrap()).into(),
        )]
        .into(),
        ..Settings::default()
    }
}

/// Those of `lines` that are valid together: one policy each.
fn valid(mut lines: Vec<String>) -> (Policy, String) {
    loop {
        let text = lines.join("\n");
        match Policy::parse(&[("a.cedar", &text)], &settings()) {
            Ok((policy, _)) => return (policy, text),
            Err(mistakes) => {
                for mistake in mistakes.iter().rev() {
                    lines[mistake.line - 1].clear();
                }
            }
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["permit", "permit", "forbid"]),
        prop::sample::select(PRINCIPALS.to_vec()),
        prop::sample::select(ACTIONS.to_vec()),
        prop::sample::select(RESOURCES.to_vec()),
        prop::sample::select(CONDITIONS.to_vec()),
    )
        .prop_map(|(effect, principal, action, resource, condition)| {
            policy(effect, principal, action, resource, condition)
        })
}

/// A policy in one line.
fn policy(effect: &str, principal: &str, action: &str, resource: &str, condition: &str) -> String {
    // A connection has none of these, so a policy that reads them is refused
    // unless it says that it is about requests.
    let is_http = ["path", "method", "host", "headers", "params"]
        .iter()
        .any(|name| {
            let read = ["context.", "context has "].map(|of| format!("{of}{name}"));
            read.iter().any(|read| condition.contains(read))
        });
    let action = match action {
        "action" if is_http => "action in Action::\"http\"",
        action => action,
    };
    format!("{effect}({principal}, {action}, {resource}) {condition};")
}

fn indexed(decider: &mut Decider, policy: &Arc<Policy>, asked: &Asked) -> Outcome {
    let caller = Caller::workload(&CALLERS[asked.caller].0.parse().unwrap());
    let mut headers = HeaderMap::new();
    if let Some(value) = asked.header {
        headers.insert("x-a", value.parse().unwrap());
    }
    let service = asked.service.parse().unwrap();
    let source = asked.source.parse().unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(asked.minute * 60);
    let question = Question {
        caller: &caller,
        service: &service,
        method: &Method::from_bytes(asked.method.as_bytes()).unwrap(),
        host: "h",
        path: asked.path,
        headers: &headers,
        source,
        now,
    };
    let connection = Connection {
        caller: &caller,
        service: &service,
        source,
        now,
    };
    let decided = if asked.method == CONNECT {
        decider.decide_connection(policy, &connection)
    } else {
        decider.decide(policy, &question)
    };
    let names = |policies: &[PolicyName]| policies.iter().map(ToString::to_string).collect();
    match decided {
        Ok(permit) => ("permit", names(permit.policies())),
        Err(denial) => (denial.reason().as_str(), names(denial.policies())),
    }
}

fn named(lines: Vec<String>) -> Vec<String> {
    let numbers = 0..lines.len();
    numbers
        .zip(lines)
        .map(|(number, line)| format!("@id(\"p{number:02}\") {line}"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_index_changes_nothing(
        lines in prop::collection::vec(line(), 0..24),
        requests in prop::collection::vec(asked(), 1..24),
    ) {
        let (policy, text) = valid(named(lines));
        let set = plain_set(&text);
        prop_assert_eq!(set.num_of_policies(), policy.names().len());
        let policy = Arc::new(policy);
        let mut decider = Decider::new();
        for asked in requests.iter().chain(&requests) {
            let expected = plain(&policy, &set, asked);
            let found = indexed(&mut decider, &policy, asked);
            prop_assert_eq!(found, expected, "{:?}\n{}", asked, text);
        }
    }
}

#[test]
fn the_generated_sets_reach_every_outcome() {
    let lines = |lines: &[&str]| named(lines.iter().map(|&line| line.to_owned()).collect());
    let sets = [
        (lines(&[]), "no_permit"),
        (lines(&["permit(principal, action, resource);"]), "permit"),
        (
            lines(&[
                "permit(principal, action, resource);",
                "forbid(principal, action, resource);",
            ]),
            "forbidden",
        ),
        (
            lines(&[
                "permit(principal, action, resource) when { context.utc.minuteOfDay * 9223372036854775807 > 0 };",
            ]),
            "evaluation_error",
        ),
    ];
    let asked = Asked {
        caller: 0,
        service: "s",
        method: "GET",
        path: "/",
        header: None,
        minute: 2,
        source: "10.1.2.3",
    };
    for (lines, outcome) in sets {
        let (policy, text) = valid(lines);
        let (set, policy) = (plain_set(&text), Arc::new(policy));
        let found = indexed(&mut Decider::new(), &policy, &asked);
        assert_eq!(found.0, outcome);
        assert_eq!(found, plain(&policy, &set, &asked));
    }
}
