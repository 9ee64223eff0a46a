//! What a decision costs, by the number of policies.
//!
//! `constant`: caller, route and method decide. `path`, `clock`, `header`: one
//! condition more. `three`: all of them. `cedar`: one that has no formula, so
//! that Cedar evaluates it. `dense`: every policy concerns the request. `plain`:
//! Cedar's authorizer over the whole set, for comparison, at sizes where it
//! ends soon.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has failed"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use cedar_policy::Authorizer;
use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;
use criterion::BenchmarkId;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use http::HeaderMap;
use http::Method;
use portreeve::policy::Caller;
use portreeve::policy::Decider;
use portreeve::policy::Policy;
use portreeve::policy::Question;
use portreeve::policy::ServiceName;
use portreeve::policy::Settings;

const CONDITIONS: [(&str, &str); 6] = [
    ("constant", ""),
    ("path", "when { context.path like \"/r7/*\" }"),
    ("clock", "when { context.utc.minuteOfDay < 1440 }"),
    (
        "header",
        "when { context.headers has \"x-tier\" && context.headers[\"x-tier\"] == \"gold\" }",
    ),
    (
        "three",
        "when { context.path like \"/r7/*\" && context.utc.minuteOfDay < 1440 \
         && context.headers has \"x-tier\" && context.headers[\"x-tier\"] == \"gold\" }",
    ),
    (
        "cedar",
        "when { (if true then context.path else context.host) like \"/r7/*\" }",
    ),
];

fn settings() -> Settings {
    Settings {
        services: [("orders".parse().unwrap(), Vec::new())].into(),
        headers: vec![http::HeaderName::from_static("x-tier")],
        ..Settings::default()
    }
}

/// Each policy is about another caller and another route.
fn sparse(count: usize, condition: &str) -> String {
    let mut text = String::new();
    for number in 0..count {
        writeln!(
            text,
            "@id(\"p{number}\") permit(principal == Workload::\"spiffe://td/ns/shop/sa/w{number}\", \
             action in Action::\"read\", resource in Route::\"orders:/r{number}/{{id}}\") {condition};"
        )
        .unwrap();
    }
    text
}

/// Each policy is about the same caller and the same route.
fn dense(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        writeln!(
            text,
            "@id(\"p{number}\") permit(principal == Workload::\"spiffe://td/ns/shop/sa/w7\", \
             action in Action::\"read\", resource in Service::\"orders\") when {{ context.path like \"/r{number}/*\" }};"
        )
        .unwrap();
    }
    text
}

/// `text` is called only if the bench is chosen: large sets take seconds to load.
fn decide(criterion: &mut Criterion, group: &str, size: usize, text: &dyn Fn() -> String) {
    let caller = Caller::workload(&"spiffe://td/ns/shop/sa/w7".parse().unwrap());
    let service: ServiceName = "orders".parse().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-tier", "gold".parse().unwrap());
    let question = Question {
        caller: &caller,
        service: &service,
        method: &Method::GET,
        host: "orders.shop.svc",
        path: "/r7/42",
        query: None,
        headers: &headers,
        source: "10.0.0.1".parse().unwrap(),
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_689_400),
    };
    let mut policy = None;
    let mut decider = Decider::new();
    criterion
        .benchmark_group(group)
        .bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let policy = policy.get_or_insert_with(|| {
                let files = [("bench.cedar", &*text())];
                Arc::new(Policy::parse(&files, &settings()).unwrap().0)
            });
            assert!(decider.decide(policy, &question).is_ok());
            bencher.iter(|| decider.decide(policy, black_box(&question)));
        });
}

fn plain(criterion: &mut Criterion, size: usize) {
    let set = PolicySet::from_str(&sparse(size, "when { context.path like \"/r7/*\" }")).unwrap();
    let uid = |text: &str| text.parse().unwrap();
    let path = RestrictedExpression::new_string("/r7/42".to_owned());
    let request = Request::new(
        uid("Workload::\"spiffe://td/ns/shop/sa/w7\""),
        uid("Action::\"GET\""),
        uid("Route::\"orders:/r7/{id}\""),
        Context::from_pairs([("path".to_owned(), path)]).unwrap(),
        None,
    );
    let request = request.unwrap();
    let entities = serde_json::json!([
        { "uid": { "type": "Action", "id": "GET" }, "attrs": {},
          "parents": [{ "type": "Action", "id": "read" }] }
    ]);
    let entities = Entities::from_json_value(entities, None).unwrap();
    let authorizer = Authorizer::new();
    criterion.benchmark_group("plain").bench_function(
        BenchmarkId::from_parameter(size),
        |bencher| {
            bencher.iter(|| authorizer.is_authorized(black_box(&request), &set, &entities));
        },
    );
}

fn all(criterion: &mut Criterion) {
    for size in [10, 100, 1000, 10_000] {
        for (name, condition) in CONDITIONS {
            decide(criterion, name, size, &|| sparse(size, condition));
        }
    }
    for size in [10, 100, 1000] {
        decide(criterion, "dense", size, &|| dense(size));
        plain(criterion, size);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
