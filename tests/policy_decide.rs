//! What is answered, and why: each no beside the yes that it is not.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use portreeve::policy::Caller;
use portreeve::policy::Connection;
use portreeve::policy::Decider;
use portreeve::policy::Denial;
use portreeve::policy::DenialReason;
use portreeve::policy::Permit;
use portreeve::policy::Policy;
use portreeve::policy::PolicyName;
use portreeve::policy::Question;
use portreeve::policy::Route;
use portreeve::policy::ServiceName;
use portreeve::policy::Settings;
use portreeve::policy::SignalHeader;
use portreeve::policy::SignalName;
use portreeve::policy::SignalType;
use portreeve::policy::Signals;
use portreeve::policy::Timing;

const DEVICE: HeaderName = HeaderName::from_static("x-device");
const WEB: &str = "spiffe://td/ns/shop/sa/web";

/// What is said of callers: of one until the first minute is over.
const SIGNALS: &str = "spiffe://td/ns/shop/sa/web: { safe: true, known: { value: true, until: 1970-01-01T00:01:00.5Z } }";

fn signals() -> BTreeMap<SignalName, SignalType> {
    ["known", "safe"]
        .map(|name| (name.parse().unwrap(), SignalType::Bool))
        .into()
}

fn policy(text: &str) -> Arc<Policy> {
    let route = Route {
        path: "/api/**".parse().unwrap(),
        groups: ["public-api".parse().unwrap()].into(),
    };
    let settings = Settings {
        services: [("orders".parse().unwrap(), vec![route])].into(),
        headers: vec![DEVICE],
        signal_headers: [(
            "risk".parse().unwrap(),
            SignalHeader {
                kind: SignalType::Long,
                name: HeaderName::from_static("x-risk"),
            },
        )]
        .into(),
        signal_values: Signals::parse("s.yaml", SIGNALS, &signals()).unwrap(),
        signals: signals(),
        zones: [("berlin".parse().unwrap(), "Europe/Berlin".parse().unwrap())].into(),
        workload_groups: [("trusted".parse().unwrap(), [WEB.parse().unwrap()].into())].into(),
        ..Settings::default()
    };
    let (policy, _) = Policy::parse(&[("a.cedar", text)], &settings)
        .unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    Arc::new(policy)
}

/// A request, and what changes from case to case.
struct Asking {
    caller: &'static str,
    service: &'static str,
    method: Method,
    path: &'static str,
    query: Option<&'static str>,
    headers: HeaderMap,
    source: &'static str,
    now: SystemTime,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            caller: WEB,
            service: "orders",
            method: Method::GET,
            path: "/users/me",
            query: None,
            headers: HeaderMap::new(),
            source: "10.0.0.1",
            now: at(0),
        }
    }
}

impl Asking {
    fn of(&self, decider: &mut Decider, policy: &Arc<Policy>) -> Result<Permit, Denial> {
        let caller = Caller::workload(&self.caller.parse().unwrap());
        let service: ServiceName = self.service.parse().unwrap();
        let question = Question {
            caller: &caller,
            service: &service,
            method: &self.method,
            host: "orders.shop.svc",
            path: self.path,
            query: self.query,
            headers: &self.headers,
            source: self.source.parse().unwrap(),
            now: self.now,
        };
        decider.decide(policy, &question)
    }

    /// The reason of a denial, or `permit`, with the policies behind it.
    fn answer(&self, text: &str) -> (&'static str, Vec<String>) {
        let names = |names: &[PolicyName]| names.iter().map(ToString::to_string).collect();
        match self.of(&mut Decider::new(), &policy(text)) {
            Ok(permit) => ("permit", names(permit.policies())),
            Err(denial) => (denial.reason().as_str(), names(denial.policies())),
        }
    }

    fn is_permitted(&self, condition: &str) -> bool {
        let text = format!(
            "@id(\"p\") permit(principal, action in Action::\"http\", resource) when {{ {condition} }};"
        );
        self.answer(&text).0 == "permit"
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn on(path: &'static str) -> Asking {
    Asking {
        path,
        ..Asking::default()
    }
}

const OPEN: &str = "@id(\"open\") permit(principal, action, resource);";

#[test]
fn nothing_is_permitted_without_a_permit() {
    assert_eq!(on("/").answer(""), ("no_permit", vec![]));
    assert_eq!(on("/").answer(OPEN), ("permit", vec!["open".into()]));
}

#[test]
fn a_forbid_beats_every_permit() {
    let text = format!(
        "{OPEN} @id(\"two\") permit(principal, action, resource); @id(\"no\") forbid(principal, action in Action::\"write\", resource);"
    );
    let read = on("/").answer(&text);
    assert_eq!(read, ("permit", vec!["open".into(), "two".into()]));
    let write = Asking {
        method: Method::POST,
        ..Asking::default()
    };
    assert_eq!(write.answer(&text), ("forbidden", vec!["no".into()]));
}

#[test]
fn an_error_is_a_no_also_in_a_forbid() {
    // It overflows from the second minute of the day on.
    let error = "when { context.utc.minuteOfDay * 9223372036854775807 < 0 }";
    let text = format!("{OPEN} @id(\"bad\") forbid(principal, action, resource) {error};");
    let second = Asking {
        now: at(120),
        ..Asking::default()
    };
    assert_eq!(
        second.answer(&text),
        ("evaluation_error", vec!["bad".into()])
    );
    assert_eq!(on("/").answer(&text), ("permit", vec!["open".into()]));
}

#[test]
fn a_question_that_cannot_be_asked_is_a_no() {
    let elsewhere = Asking {
        service: "ordres",
        ..Asking::default()
    };
    assert_eq!(elsewhere.answer(OPEN), ("evaluation_error", vec![]));
    let text = "@id(\"p\") permit(principal, action, resource) when { context.utc.weekday < 8 };";
    let never = Asking {
        now: at(1 << 60),
        ..Asking::default()
    };
    assert_eq!(never.answer(text), ("evaluation_error", vec![]));
    assert_eq!(on("/").answer(text).0, "permit");
}

#[test]
fn a_header_with_two_readings_is_a_no_where_it_is_read() {
    let read = "@id(\"p\") permit(principal, action in Action::\"http\", resource) unless { context.headers has \"x-device\" && context.headers[\"x-device\"] == \"lost\" };";
    let with = |values: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(DEVICE, HeaderValue::from_bytes(value).unwrap());
        }
        Asking {
            headers,
            ..Asking::default()
        }
    };
    assert_eq!(with(&[]).answer(read).0, "permit");
    assert_eq!(with(&[b"ok"]).answer(read).0, "permit");
    assert_eq!(with(&["\u{fc}".as_bytes()]).answer(read).0, "permit");
    assert_eq!(with(&[b"lost"]).answer(read).0, "no_permit");
    for values in [&[&b"ok"[..], b"lost"][..], &[b"ok", b"ok"], &[b"\xff"]] {
        let asking = with(values);
        assert_eq!(asking.answer(read), ("ambiguous_header", vec![]));
        let denial = asking.of(&mut Decider::new(), &policy(read)).unwrap_err();
        assert_eq!(
            denial.reason(),
            &DenialReason::AmbiguousHeader { name: DEVICE }
        );
        assert_eq!(asking.answer(OPEN).0, "permit");
    }
}

#[test]
fn a_query_is_known_by_the_names_in_it_or_refused() {
    let read = "@id(\"p\") permit(principal, action in Action::\"http\", resource); @id(\"f\") forbid(principal, action in Action::\"http\", resource) when { context.query.contains(\"debug\") };";
    let with = |query| Asking {
        query,
        ..Asking::default()
    };
    for query in [None, Some(""), Some("debugger=1"), Some("a=debug")] {
        assert_eq!(with(query).answer(read).0, "permit", "{query:?}");
    }
    for query in ["debug", "a&debug=1", "%64ebug=", "debug&debug"] {
        assert_eq!(with(Some(query)).answer(read).0, "forbidden", "{query}");
    }
    for query in ["a;debug", "%zz", "%2564ebug", "%ff"] {
        assert_eq!(
            with(Some(query)).answer(read).0,
            "ambiguous_query",
            "{query}"
        );
        // Whoever does not read it has but one reading.
        assert_eq!(with(Some(query)).answer(OPEN).0, "permit", "{query}");
    }
    let only = "[\"page\", \"size\"].containsAll(context.query)";
    assert!(with(Some("size=7")).is_permitted(only));
    assert!(with(None).is_permitted(only));
    assert!(!with(Some("size=7&x")).is_permitted(only));
}

#[test]
fn without_tls_there_is_nothing_to_know_of_it() {
    let has = "context has tls && context.tls.group != \"\"";
    assert!(!Asking::default().is_permitted(has));
    // What is read must be there.
    let files = [(
        "a.cedar",
        "@id(\"p\") permit(principal, action, resource) when { context.tls.serial == \"0a\" };",
    )];
    let settings = Settings::default();
    let refused = Policy::parse(&files, &settings).unwrap_err();
    assert!(
        refused.iter().any(|one| one.text.contains("tls")),
        "{refused:?}"
    );
    let misspelt = [(
        "a.cedar",
        "@id(\"p\") forbid(principal, action, resource) when { context has tls.sreial };",
    )];
    let refused = Policy::parse(&misspelt, &settings).unwrap_err();
    assert!(
        refused
            .iter()
            .any(|one| one.text.contains("`sreial` is not declared")),
        "{refused:?}"
    );
}

#[test]
fn every_route_that_fits_counts() {
    let text = format!(
        "{OPEN} @id(\"me\") permit(principal, action, resource in Route::\"orders:/users/me\");
        @id(\"one\") forbid(principal, action, resource in Route::\"orders:/users/{{id}}\");
        @id(\"admin\") forbid(principal, action, resource in Route::\"orders:/admin/**\");"
    );
    let cases = [
        ("/users/me", ("forbidden", "one"), Some("/users/me")),
        ("/users/7", ("forbidden", "one"), Some("/users/{id}")),
        ("/users", ("permit", "open"), None),
        ("/users/7/x", ("permit", "open"), None),
        ("/admin", ("forbidden", "admin"), Some("/admin/**")),
        ("/admin/", ("forbidden", "admin"), Some("/admin/**")),
        ("/admin/a/b", ("forbidden", "admin"), Some("/admin/**")),
        ("/administrator", ("permit", "open"), None),
        ("/api/x", ("permit", "open"), Some("/api/**")),
    ];
    for (path, (outcome, name), route) in cases {
        assert_eq!(
            on(path).answer(&text),
            (outcome, vec![name.into()]),
            "{path}"
        );
        let found = match on(path).of(&mut Decider::new(), &policy(&text)) {
            Ok(permit) => permit.route().cloned(),
            Err(denial) => denial.route().cloned(),
        };
        assert_eq!(found.as_deref(), route, "{path}");
    }
}

#[test]
fn groups_and_captures_are_those_of_the_routes() {
    let grouped = "@id(\"p\") permit(principal, action, resource in RouteGroup::\"public-api\");";
    assert_eq!(on("/api/x").answer(grouped).0, "permit");
    assert_eq!(on("/users/me").answer(grouped).0, "no_permit");
    let own = "resource in Route::\"orders:/users/{id}/**\" && context.params has id && context.params.id == \"7\"";
    assert!(on("/users/7").is_permitted(own));
    assert!(on("/users/7/x").is_permitted(own));
    assert!(!on("/users/8").is_permitted(own));
    assert!(!on("/user/7").is_permitted(own));
}

#[test]
fn a_caller_is_in_its_namespace_domain_and_groups() {
    let cases = [
        ("principal in Namespace::\"td/shop\"", true),
        ("principal in Namespace::\"td/bank\"", false),
        ("principal in TrustDomain::\"td\"", true),
        ("principal in TrustDomain::\"other\"", false),
        ("principal in WorkloadGroup::\"trusted\"", true),
        (
            "principal == Workload::\"spiffe://td/ns/shop/sa/web\"",
            true,
        ),
        (
            "principal == Workload::\"spiffe://td/ns/shop/sa/wbe\"",
            false,
        ),
        (
            "principal.sa == \"web\" && principal.trustDomain == \"td\"",
            true,
        ),
    ];
    for (claim, holds) in cases {
        let guarded = format!("principal is Workload && principal has sa && {claim}");
        assert_eq!(on("/").is_permitted(&guarded), holds, "{claim}");
        if let Some(scope) = claim.strip_prefix("principal in") {
            let text = format!("@id(\"p\") permit(principal in{scope}, action, resource);");
            assert_eq!(on("/").answer(&text).0 == "permit", holds, "{claim}");
        }
    }
}

#[test]
fn clocks_show_the_time_of_their_zone() {
    // A Sunday in summer, half past eleven at night: Monday already in Berlin.
    let sunday = Asking {
        now: at(1_782_689_400),
        ..Asking::default()
    };
    assert!(sunday.is_permitted("context.utc.date == 20260628 && context.utc.weekday == 7"));
    assert!(sunday.is_permitted("context.utc.minuteOfDay == 23 * 60 + 30"));
    assert!(sunday.is_permitted("context.berlin.date == 20260629 && context.berlin.weekday == 1"));
    assert!(sunday.is_permitted("context.berlin.minuteOfDay == 60 + 30"));
    assert!(sunday.is_permitted("context.now == datetime(\"2026-06-28T23:30:00Z\")"));
}

#[test]
fn an_address_is_its_own_whatever_it_wears() {
    let range = "context.sourceIp.isInRange(ip(\"10.0.0.0/8\"))";
    for (source, inside) in [
        ("10.9.8.7", true),
        ("::ffff:10.9.8.7", true),
        ("11.0.0.1", false),
    ] {
        let asking = Asking {
            source,
            ..Asking::default()
        };
        assert_eq!(asking.is_permitted(range), inside, "{source}");
    }
}

#[test]
fn a_decider_follows_the_policy_it_is_given() {
    let (open, closed) = (policy(OPEN), policy(""));
    let mut decider = Decider::new();
    for _ in 0..2 {
        let permit = on("/").of(&mut decider, &open).unwrap();
        assert_eq!(permit.revision(), open.revision());
        let denial = on("/").of(&mut decider, &closed).unwrap_err();
        assert_eq!(denial.reason(), &DenialReason::NoPermit);
        assert_eq!(denial.revision(), closed.revision());
    }
}

#[test]
fn more_callers_than_it_remembers_are_decided_rightly() {
    let text = "@id(\"p\") permit(principal == Workload::\"spiffe://td/w/4095\", action in Action::\"http\", resource) when { principal.spiffe != context.path };";
    let policy = policy(text);
    let mut decider = Decider::new();
    let asking = Asking::default();
    let (headers, service) = (HeaderMap::new(), "orders".parse().unwrap());
    for number in (0..5000).chain(4090..4100) {
        let caller = Caller::workload(&format!("spiffe://td/w/{number}").parse().unwrap());
        let question = Question {
            caller: &caller,
            service: &service,
            method: &Method::GET,
            host: "",
            path: "/",
            query: None,
            headers: &headers,
            source: asking.source.parse().unwrap(),
            now: asking.now,
        };
        let decision = decider.decide(&policy, &question);
        assert_eq!(decision.is_ok(), number == 4095, "{number}");
    }
}

#[test]
fn a_year_that_cedar_cannot_write_is_a_no() {
    let year_0 = SystemTime::UNIX_EPOCH - Duration::from_secs(62_167_219_200);
    let before = year_0 - Duration::from_secs(1);
    for condition in [
        "context.now < datetime(\"1970-01-01\")",
        // Formulas do not know it, so Cedar is asked.
        "context.now.toDate() < datetime(\"1970-01-01\")",
    ] {
        let text = format!(
            "@id(\"p\") permit(principal, action in Action::\"http\", resource) when {{ {condition} }};"
        );
        for (now, expected) in [(year_0, "permit"), (before, "evaluation_error")] {
            let asking = Asking {
                now,
                ..Asking::default()
            };
            assert_eq!(asking.answer(&text).0, expected, "{condition} {now:?}");
        }
    }
}

#[test]
fn policies_are_equal_by_their_ids() {
    let text = "@id(\"p\") permit(principal, action, resource); @id(\"q\") permit(principal, action, resource);";
    let names = || {
        let permit = on("/").of(&mut Decider::new(), &policy(text)).unwrap();
        permit.policies().to_vec()
    };
    assert_eq!(names(), names());
    assert_ne!(names()[0], names()[1]);
}

#[test]
fn a_policy_says_why_it_is_there() {
    let text = "@id(\"p\") @reason(\"web reads\") @advice(\"ask shop\") permit(principal, action, resource);";
    let permit = on("/").of(&mut Decider::new(), &policy(text)).unwrap();
    let name = &permit.policies()[0];
    assert_eq!(
        (name.as_str(), name.reason(), name.advice()),
        ("p", Some("web reads"), Some("ask shop"))
    );
}

#[test]
fn a_connection_is_permitted_by_its_own_action_only() {
    let caller = Caller::workload(&"spiffe://td/ns/shop/sa/web".parse().unwrap());
    let service = "orders".parse().unwrap();
    let connection = Connection {
        caller: &caller,
        service: &service,
        source: "10.0.0.1".parse().unwrap(),
        now: at(0),
    };
    let answer = |text: &str| {
        let names = |names: &[PolicyName]| names.iter().map(ToString::to_string).collect();
        match Decider::new().decide_connection(&policy(text), &connection) {
            Ok(permit) => ("permit", names(permit.policies())),
            Err(denial) => (denial.reason().as_str(), names(denial.policies())),
        }
    };
    let connect = |rest: &str| {
        format!(
            "@id(\"p\") permit(principal, action == Action::\"connect\", resource in Service::\"orders\") {rest};"
        )
    };
    let http = "@id(\"http\") permit(principal, action in Action::\"http\", resource);";
    let methods = "@id(\"all\") permit(principal, action in [Action::\"read\", Action::\"write\", Action::\"otherMethod\"], resource);";
    assert_eq!(answer(""), ("no_permit", vec![]));
    assert_eq!(answer(http), ("no_permit", vec![]));
    assert_eq!(answer(methods), ("no_permit", vec![]));
    assert_eq!(answer(&connect("")), ("permit", vec!["p".into()]));
    assert_eq!(answer(OPEN), ("permit", vec!["open".into()]));
    let near = connect(
        "when { context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) && context.utc.weekday == 4 }",
    );
    assert_eq!(answer(&near), ("permit", vec!["p".into()]));
    // Nor has it any part of a request.
    let any = "@id(\"any\") permit(principal, action, resource) unless { context has host || context has path };";
    assert_eq!(answer(any), ("permit", vec!["any".into()]));
    // Asked so that no formula knows it, and Cedar gets a context.
    let any = "@id(\"any\") permit(principal, action, resource) unless { (if context has host || context has path then 1 else 2) == 1 };";
    assert_eq!(answer(any), ("permit", vec!["any".into()]));
    let far = connect("when { context.sourceIp.isInRange(ip(\"11.0.0.0/8\")) }");
    assert_eq!(answer(&far), ("no_permit", vec![]));
    let forbid = "@id(\"no\") forbid(principal, action, resource);";
    assert_eq!(
        answer(&format!("{} {forbid}", connect(""))),
        ("forbidden", vec!["no".into()])
    );
    // A route is no service, so what is about one is not about the connection.
    let routed = format!(
        "{} @id(\"r\") forbid(principal, action, resource in Route::\"orders:/**\");",
        connect("")
    );
    assert_eq!(answer(&routed), ("permit", vec!["p".into()]));
    // And whoever may connect may not thereby send requests.
    assert_eq!(on("/").answer(&connect("")), ("no_permit", vec![]));
}

#[test]
fn a_header_says_a_signal_or_nothing() {
    let condition = "context.signals has risk && context.signals.risk < 5";
    let sent = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-risk", value.parse().unwrap());
        }
        Asking {
            headers,
            ..Asking::default()
        }
    };
    assert!(sent(&["4"]).is_permitted(condition));
    for values in [&["5"][..], &[], &["low"], &["4.0"], &["4", "4"]] {
        assert!(!sent(values).is_permitted(condition), "{values:?}");
    }
    let text = format!(
        "@id(\"p\") permit(principal, action in Action::\"http\", resource) when {{ {condition} }};"
    );
    assert_eq!(sent(&["4", "9"]).answer(&text).0, "ambiguous_header");
}

/// Nobody needs to be asked again before what was said of them ends.
#[test]
fn an_answer_that_rests_on_a_signal_is_good_until_that_ends() {
    let ends = SystemTime::UNIX_EPOCH + Duration::from_millis(60_500);
    for (condition, second, timing) in [
        ("context.signals has known", 60, Some(Timing::Until(ends))),
        ("context.signals has known", 61, None),
        ("context.signals has safe", 0, Some(Timing::Never)),
        (
            "context.signals has safe || context.signals has known",
            0,
            Some(Timing::Until(ends)),
        ),
        (
            "context.signals has safe || context.signals has known",
            61,
            Some(Timing::Never),
        ),
        (
            "context.signals has known && context.utc.weekday < 8",
            0,
            Some(Timing::Seconds),
        ),
    ] {
        let text =
            format!("@id(\"p\") permit(principal, action, resource) when {{ {condition} }};");
        let asking = Asking {
            now: at(second),
            ..Asking::default()
        };
        let decided = asking.of(&mut Decider::new(), &policy(&text));
        let found = decided.ok().map(|permit| permit.timing());
        assert_eq!(found, timing, "{condition} at {second}");
    }
}
