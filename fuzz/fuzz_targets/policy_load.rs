//! Any text is a policy set or a list of mistakes, whatever it names counts as
//! declared, and a set answers.

#![no_main]

use std::sync::Arc;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::policy::Caller;
use portreeve::policy::Decider;
use portreeve::policy::Policy;
use portreeve::policy::Question;
use portreeve::policy::Settings;

fuzz_target!(|text: &str| {
    let service: portreeve::policy::ServiceName = "s".parse().unwrap();
    let mut settings = Settings {
        headers: vec![http::header::USER_AGENT],
        ..Settings::as_named_by([text])
    };
    settings.services.entry(service.clone()).or_default();
    let Ok((policy, _)) = Policy::parse(&[("fuzz.cedar", text)], &settings) else {
        return;
    };
    let policy = Arc::new(policy);
    let caller = Caller::workload(&"spiffe://td/ns/a/sa/b".parse().unwrap());
    let headers = http::HeaderMap::new();
    let question = Question {
        caller: &caller,
        service: &service,
        method: &http::Method::GET,
        host: "h",
        path: "/a/b",
        query: None,
        headers: &headers,
        source: "10.0.0.1".parse().unwrap(),
        now: SystemTime::UNIX_EPOCH,
    };
    let mut decider = Decider::new();
    let first = decider.decide(&policy, &question).is_ok();
    assert_eq!(first, decider.decide(&policy, &question).is_ok());
    assert!(!first || policy.names().len() > 0);
});
