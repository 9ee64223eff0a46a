//! What is answered to people and to nobody.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;
use portreeve::policy::Caller;
use portreeve::policy::ClaimType;
use portreeve::policy::ClaimValue;
use portreeve::policy::Decider;
use portreeve::policy::Person;
use portreeve::policy::Policy;
use portreeve::policy::Question;
use portreeve::policy::ServiceName;
use portreeve::policy::Settings;
use portreeve::policy::Timing;

fn settings() -> Settings {
    let claims = [
        ("contractor", ClaimType::Bool),
        ("level", ClaimType::Long),
        ("department", ClaimType::Text),
        ("/org/teams", ClaimType::Texts),
    ];
    Settings {
        services: [("wiki".parse().unwrap(), Vec::new())].into(),
        claims: claims
            .map(|(name, kind)| (name.parse().unwrap(), kind))
            .into(),
        ..Settings::default()
    }
}

fn policy(text: &str) -> Arc<Policy> {
    let settings = settings();
    let (policy, _) = Policy::parse(&[("a.cedar", text)], &settings)
        .unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    Arc::new(policy)
}

fn person(subject: &str, groups: &[&str]) -> Person {
    Person {
        acr: None,
        amr: BTreeSet::new(),
        authenticated_at: None,
        claims: BTreeMap::new(),
        email: None,
        email_verified: false,
        groups: groups.iter().map(|&group| group.into()).collect(),
        name: None,
        provider: "corp".parse().unwrap(),
        roles: BTreeSet::new(),
        subject: subject.parse().unwrap(),
    }
}

fn caller(subject: &str, groups: &[&str]) -> Caller {
    Caller::person(Arc::new(person(subject, groups)))
}

/// A question of `caller`, this many seconds after 1970.
fn with_question<T>(caller: &Caller, second: u64, ask: impl FnOnce(&Question<'_>) -> T) -> T {
    let service: ServiceName = "wiki".parse().unwrap();
    ask(&Question {
        caller,
        service: &service,
        method: &Method::GET,
        host: "wiki.example",
        path: "/",
        query: None,
        headers: &HeaderMap::new(),
        source: "192.0.2.1".parse().unwrap(),
        now: at(second),
    })
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

/// The reason of a denial, or `permit`.
fn ask(decider: &mut Decider, policy: &Arc<Policy>, caller: &Caller) -> &'static str {
    let decided = with_question(caller, 0, |question| decider.decide(policy, question));
    match decided {
        Ok(_) => "permit",
        Err(denial) => denial.reason().as_str(),
    }
}

fn answer(text: &str, caller: &Caller) -> &'static str {
    ask(&mut Decider::new(), &policy(text), caller)
}

#[test]
fn a_caller_has_the_name_that_records_say() {
    let workload = Caller::workload(&"spiffe://td/web".parse().unwrap());
    assert_eq!(&*workload.name(), "spiffe://td/web");
    assert_eq!(&*caller("alice", &[]).name(), "corp/alice");
    assert_eq!(&*Caller::anonymous().name(), "anonymous");
    assert_eq!(workload.workload_id().unwrap().as_str(), "spiffe://td/web");
    assert!(caller("alice", &[]).workload_id().is_none());
    assert!(Caller::anonymous().workload_id().is_none());
    let alice = caller("alice", &[]);
    assert_eq!(alice.as_person().unwrap().subject.as_str(), "alice");
    assert!(workload.as_person().is_none());
}

#[test]
fn each_kind_of_caller_has_its_own_permits() {
    let callers = [
        caller("alice", &["sre", "a/b"]),
        caller("bob", &[]),
        Caller::anonymous(),
        Caller::workload(&"spiffe://td/web".parse().unwrap()),
    ];
    for (principal, expected) in [
        ("principal", [true, true, true, true]),
        ("principal is User", [true, true, false, false]),
        ("principal is Anonymous", [false, false, true, false]),
        (
            "principal == Anonymous::\"anonymous\"",
            [false, false, true, false],
        ),
        ("principal is Workload", [false, false, false, true]),
        (
            "principal == User::\"corp/alice\"",
            [true, false, false, false],
        ),
        ("principal == User::\"other/alice\"", [false; 4]),
        (
            "principal in Group::\"corp/sre\"",
            [true, false, false, false],
        ),
        (
            "principal in Group::\"corp/a/b\"",
            [true, false, false, false],
        ),
        ("principal in Group::\"other/sre\"", [false; 4]),
    ] {
        let text = format!("@id(\"p\") permit({principal}, action, resource);");
        let found = callers
            .each_ref()
            .map(|caller| answer(&text, caller) == "permit");
        assert_eq!(found, expected, "{principal}");
    }
}

#[test]
fn a_subject_that_looks_like_another_id_is_a_subject() {
    let text = "@id(\"p\") permit(principal == Anonymous::\"anonymous\", action, resource);
        @id(\"q\") permit(principal in WorkloadGroup::\"g\", action, resource);";
    let settings = Settings {
        services: [("wiki".parse().unwrap(), Vec::new())].into(),
        workload_groups: [("g".parse().unwrap(), BTreeSet::new())].into(),
        ..Settings::default()
    };
    let policy = Arc::new(Policy::parse(&[("a.cedar", text)], &settings).unwrap().0);
    for subject in ["anonymous", "\"", "spiffe://td/web", "a/b", "\\", " "] {
        let decided = ask(&mut Decider::new(), &policy, &caller(subject, &["g"]));
        assert_eq!(decided, "no_permit", "{subject}");
    }
    assert_eq!(
        ask(&mut Decider::new(), &policy, &Caller::anonymous()),
        "permit"
    );
}

/// Whoever signs in anew, or whose groups change, is another caller to a worker
/// that remembers the first.
#[test]
fn what_is_known_of_somebody_now_is_what_counts() {
    let policy = policy("@id(\"p\") permit(principal in Group::\"corp/sre\", action, resource);");
    let mut decider = Decider::new();
    let (before, after) = (caller("alice", &["sre"]), caller("alice", &[]));
    for _ in 0..2 {
        assert_eq!(ask(&mut decider, &policy, &before), "permit");
        assert_eq!(ask(&mut decider, &policy, &after), "no_permit");
    }
    // Where one was, the next may come to lie.
    for number in 0..1000_u32 {
        let groups: &[&str] = if number.is_multiple_of(2) {
            &["sre"]
        } else {
            &["ops"]
        };
        let decided = ask(&mut decider, &policy, &caller("alice", groups));
        assert_eq!(decided == "permit", number.is_multiple_of(2), "{number}");
    }
}

#[test]
fn more_people_than_it_remembers_are_decided_rightly() {
    let policy = policy(
        "@id(\"p\") permit(principal in Group::\"corp/sre\", action, resource)
            when { principal is User && principal.amr == [\"otp\"] };
        @id(\"q\") forbid(principal == User::\"corp/12\", action, resource);",
    );
    let people: Vec<Caller> = (0..6000_u32)
        .map(|number| {
            let groups: &[&str] = if number.is_multiple_of(3) {
                &["sre", "x"]
            } else {
                &["x"]
            };
            Caller::person(Arc::new(Person {
                amr: [if number.is_multiple_of(2) {
                    "otp"
                } else {
                    "pwd"
                }
                .into()]
                .into(),
                ..person(&number.to_string(), groups)
            }))
        })
        .collect();
    let mut decider = Decider::new();
    let asked = (0_u32..).zip(&people);
    for (number, caller) in asked.clone().chain(asked.take(20)) {
        let expected = match number {
            12 => "forbidden",
            n if n.is_multiple_of(6) => "permit",
            _ => "no_permit",
        };
        assert_eq!(ask(&mut decider, &policy, caller), expected, "{number}");
    }
}

/// A permit for users of whom `condition` holds.
fn permits(condition: &str, person: Person) -> bool {
    let text =
        format!("@id(\"p\") permit(principal is User, action, resource) when {{ {condition} }};");
    answer(&text, &Caller::person(Arc::new(person))) == "permit"
}

#[test]
fn what_a_provider_says_can_be_asked() {
    let alice = Person {
        acr: Some("gold".into()),
        authenticated_at: Some(SystemTime::UNIX_EPOCH),
        claims: [
            ("contractor".into(), ClaimValue::Bool(true)),
            ("level".into(), ClaimValue::Long(3)),
            ("department".into(), ClaimValue::Text("it".into())),
            (
                "/org/teams".into(),
                ClaimValue::Texts(["a".into(), "b".into()].into()),
            ),
            ("undeclared".into(), ClaimValue::Bool(true)),
        ]
        .into(),
        email: Some("alice@corp.example".into()),
        email_verified: true,
        roles: ["admin".into()].into(),
        ..person("alice", &[])
    };
    for condition in [
        "principal has email && principal.email == \"alice@corp.example\" && principal.emailVerified",
        "principal has acr && principal.acr == \"gold\"",
        "principal.roles == [\"admin\"]",
        "principal.claims has contractor && principal.claims.contractor",
        "principal.claims has level && principal.claims.level == 3",
        "principal has claims.department && principal.claims.department == \"it\"",
        "principal.claims has \"/org/teams\" && principal.claims[\"/org/teams\"].contains(\"b\")",
        "principal has authenticatedAt && principal.authenticatedAt == datetime(\"1970-01-01\")",
    ] {
        assert!(permits(condition, alice.clone()), "{condition}");
        assert!(!permits(condition, person("alice", &[])), "{condition}");
    }
}

/// A session may have begun before a claim was declared to be something else.
#[test]
fn a_claim_of_another_type_is_absent() {
    let of = |value| Person {
        claims: [("level".into(), value)].into(),
        ..person("alice", &[])
    };
    let condition = "principal.claims has level";
    assert!(permits(condition, of(ClaimValue::Long(3))));
    assert!(!permits(condition, of(ClaimValue::Text("3".into()))));
}

#[test]
fn an_address_with_two_readings_is_none() {
    let of = |email: &str| Person {
        email: Some(email.into()),
        email_verified: true,
        ..person("alice", &[])
    };
    let condition = "principal has email && principal.email like \"*@corp.example\"";
    assert!(permits(condition, of("alice@corp.example")));
    assert!(!permits(condition, of("alice@evil.example@corp.example")));
}

/// Whether a person who has signed in at `signed_in` is let in at `second`, and
/// would be if they signed in anew.
fn asked_at(condition: &str, signed_in: Option<u64>, second: u64) -> (bool, bool) {
    let text = format!("@id(\"p\") permit(principal, action, resource) when {{ {condition} }};");
    let policy = policy(&text);
    let caller = Caller::person(Arc::new(Person {
        authenticated_at: signed_in.map(at),
        ..person("alice", &[])
    }));
    let mut decider = Decider::new();
    with_question(&caller, second, |question| {
        let decided = decider.decide(&policy, question);
        if let Ok(permit) = &decided {
            assert_eq!(permit.timing(), Timing::Seconds, "{condition}");
        }
        let fresh = decider.would_permit_if_fresh(&policy, question);
        // The question about it has changed nothing.
        let again = decider.decide(&policy, question);
        assert_eq!(decided.is_ok(), again.is_ok(), "{condition}");
        (decided.is_ok(), fresh)
    })
}

#[test]
fn who_has_signed_in_long_ago_would_be_let_in_anew() {
    for condition in [
        "context has authAge && context.authAge <= 900",
        "principal is User && principal has authenticatedAt
            && context.now.durationSince(principal.authenticatedAt) <= duration(\"15m\")",
    ] {
        for (signed_in, second, expected) in [
            (Some(1000), 1000, true),
            (Some(1000), 1900, true),
            (Some(1000), 1901, false),
            (None, 1000, false),
        ] {
            let found = asked_at(condition, signed_in, second);
            assert_eq!(
                found,
                (expected, true),
                "{condition} {signed_in:?} {second}"
            );
        }
    }
}

/// A provider's clock may be a little ahead.
#[test]
fn a_sign_in_in_the_future_is_none() {
    let condition = "context has authAge && context.authAge == 0";
    assert_eq!(asked_at(condition, Some(1060), 1000), (true, true));
    assert_eq!(asked_at(condition, Some(1061), 1000), (false, true));
}

#[test]
fn signing_in_anew_helps_only_where_nothing_else_is_wrong() {
    let fresh = "context has authAge && context.authAge <= 900";
    let stale = caller("alice", &[]);
    let helps = |text: &str, caller: &Caller| {
        let policy = policy(text);
        let mut decider = Decider::new();
        with_question(caller, 5000, |question| {
            assert!(decider.decide(&policy, question).is_err(), "{text}");
            decider.would_permit_if_fresh(&policy, question)
        })
    };
    let permit = format!("@id(\"p\") permit(principal, action, resource) when {{ {fresh} }};");
    assert!(helps(&permit, &stale));
    for (text, caller) in [
        // Nobody and workloads do not sign in.
        (permit.clone(), Caller::anonymous()),
        (
            permit.clone(),
            Caller::workload(&"spiffe://td/web".parse().unwrap()),
        ),
        // Something else forbids it, or is missing.
        (
            format!("{permit} @id(\"f\") forbid(principal is User, action, resource);"),
            stale.clone(),
        ),
        (
            format!(
                "@id(\"p\") permit(principal in Group::\"corp/a\", action, resource) when {{ {fresh} }};"
            ),
            stale.clone(),
        ),
        // Nothing asks for it, or only what is watched.
        (
            "@id(\"p\") permit(principal is Workload, action, resource);".to_owned(),
            stale.clone(),
        ),
        (format!("@shadow(\"to be seen\") {permit}"), stale.clone()),
    ] {
        assert!(!helps(&text, &caller), "{text}");
    }
    let forbid = format!(
        "@id(\"p\") permit(principal, action, resource);
        @id(\"f\") forbid(principal is User, action, resource) unless {{ {fresh} }};"
    );
    assert!(helps(&forbid, &stale));
}
