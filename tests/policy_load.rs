//! What a policy set is refused for as a whole.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeSet;

use portreeve::policy::Mistake;
use portreeve::policy::Policy;
use portreeve::policy::Route;
use portreeve::policy::Settings;
use portreeve::policy::Severity;
use portreeve::policy::SignalType;
use portreeve::policy::Signals;
use proptest::prelude::*;

fn settings() -> Settings {
    Settings {
        services: [("orders".parse().unwrap(), Vec::new())].into(),
        headers: vec![http::HeaderName::from_static("x-debug")],
        ..Settings::default()
    }
}

fn mistakes(files: &[(&str, &str)]) -> Vec<Mistake> {
    match Policy::parse(files, &settings()) {
        Ok((_, mistakes)) | Err(mistakes) => mistakes,
    }
}

fn shown(files: &[(&str, &str)]) -> Vec<String> {
    mistakes(files).iter().map(ToString::to_string).collect()
}

proptest! {
    #[test]
    fn any_text_is_a_set_or_a_list_of_mistakes(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40),
        noise in "\\PC{0,12}",
        at in 0..40_usize,
    ) {
        let mut text: Vec<&str> = words;
        text.insert(at.min(text.len()), &noise);
        let text = text.concat();
        match Policy::parse(&[("a.cedar", &text)], &settings()) {
            Ok((_, warnings)) => prop_assert!(warnings.iter().all(|m| m.severity == Severity::Warning)),
            Err(mistakes) => {
                prop_assert!(mistakes.is_sorted());
                prop_assert!(mistakes.iter().any(|m| m.severity == Severity::Error));
                prop_assert!(mistakes.iter().all(|m| m.line >= 1 && m.column >= 1));
            }
        }
    }
}

const WORDS: [&str; 24] = [
    "@id(\"a\")",
    "permit",
    "forbid",
    "(principal, action, resource)",
    "when ",
    "unless ",
    "{",
    "}",
    "context",
    ".path",
    " has ",
    " like ",
    " in ",
    " is ",
    "\"x\"",
    "&&",
    "||",
    "!",
    "[",
    "]",
    ";",
    "Route::\"orders:/a\"",
    "// c\n",
    "principal",
];

const ANY: &str = "permit(principal, action, resource)";
const HTTP: &str = "permit(principal, action in Action::\"http\", resource)";

#[test]
fn what_the_validator_finds_is_an_error() {
    let cases = [
        r#"context.headers["x-debug"] == "1""#,
        r#"context.pathh == "/""#,
        "context.path == 1",
        r#"context.sourceIp.isInRange(ip("10.0.0.0/33"))"#,
        r#"action == Action::"GTE""#,
        "principal is Wrokload",
        r#"principal in Service::"orders""#,
        r#"Workload::"spiffe://td/x".spiffe == """#,
        "false",
        r#"principal == Anonymous::"anybody""#,
        r#"principal.hasTag("x")"#,
        "context.path == \"p\u{430}th\"",
    ];
    for condition in cases {
        let text = format!("@id(\"p\") {ANY} when {{ {condition} }};");
        let found = mistakes(&[("a.cedar", &text)]);
        let refused = found.iter().any(|m| m.severity == Severity::Error);
        assert!(refused, "{condition}: {found:?}");
    }
    let scopes = [
        r#"principal, action == Action::"read", resource"#,
        r#"principal == Namespace::"td/shop", action, resource"#,
        r#"principal is Service, action, resource"#,
        r#"principal, action, resource in Workload::"spiffe://td/x""#,
        r#"principal, action, resource == RouteGroup::"x""#,
    ];
    for scope in scopes {
        let text = format!("@id(\"p\") permit({scope});");
        let found = mistakes(&[("a.cedar", &text)]);
        let refused = found.iter().any(|m| m.severity == Severity::Error);
        assert!(refused, "{scope}: {found:?}");
    }
}

#[test]
fn every_policy_has_a_name_of_its_own() {
    let letters = "1 to 128 of a-z, A-Z, 0-9, `.`, `_`, `:`, `/`, `#`, `@`, `-`";
    let note = |bytes| format!("@id(\"a\") @reason(\"{}\")", "x".repeat(bytes));
    let long = note(513);
    let cases = [
        (
            "",
            "it has no `@id(\"…\")`, by which records name it".to_owned(),
        ),
        (r#"@id("")"#, format!("the `@id` \"\" is not {letters}")),
        (
            r#"@id("a\nb")"#,
            format!("the `@id` \"a\\nb\" is not {letters}"),
        ),
        (
            r#"@id("a") @advice("")"#,
            "the `@advice` has 0 bytes, which is not 1 to 512".to_owned(),
        ),
        (
            &long,
            "the `@reason` has 513 bytes, which is not 1 to 512".to_owned(),
        ),
        (
            r#"@id("a") @shadow"#,
            "the `@shadow` has 0 bytes, which is not 1 to 512".to_owned(),
        ),
    ];
    for (annotations, why) in cases {
        let column = if annotations.is_empty() { 2 } else { 1 };
        let text = format!("{annotations} {ANY};");
        let why = format!("a.cedar:1:{column}: error: {why}");
        assert_eq!(shown(&[("a.cedar", &text)]), [why], "{text}");
    }
    let longest = format!("{} {ANY};", note(512));
    assert_eq!(shown(&[("a.cedar", &longest)]), [""; 0]);
    let one = format!("@id(\"a\") {ANY};");
    let other = format!("// first\n {one}");
    assert_eq!(
        shown(&[("b.cedar", &one), ("a.cedar", &other)]),
        ["b.cedar:1:1: error: the `@id` \"a\" is taken by the policy at a.cedar:2:2"]
    );
    assert_eq!(
        shown(&[("b.cedar", &one), ("b.cedar", "")]),
        ["b.cedar: error: two files have this name"]
    );
    assert_eq!(shown(&[("a.cedar", &one)]), [""; 0]);
}

#[test]
fn all_mistakes_come_at_once_and_in_order() {
    let text = r#"@id("good")
permit(principal, action, resource in Service::"orders");

@id("typo")
permit(principal, action, resource in Service::"ordres")
when { context.pathh == "/" };

@id("syntax")
permit(principal, action resource);

@id("template")
permit(principal == ?principal, action, resource);

@id("name")
permit(principal, action in Action::"http", resource) unless { context.headers has "x-nope" };
@id("open") permit(principal, action, resource)"#;
    let found = mistakes(&[("a.cedar", text)]);
    let places: Vec<(usize, usize)> = found.iter().map(|m| (m.line, m.column)).collect();
    assert_eq!(
        places,
        [(5, 39), (6, 8), (9, 26), (12, 21), (15, 85), (16, 48)],
        "{found:#?}"
    );
    assert!(found.iter().all(|m| m.severity == Severity::Error));
}

#[test]
fn a_policy_that_reads_a_request_says_that_it_is_about_requests() {
    let text = |scope: &str| format!("@id(\"p\") {scope} when {{ context.path == \"/\" }};");
    assert_eq!(
        shown(&[("a.cedar", &text(ANY))]),
        [
            "a.cedar:1:53: error: a TCP connection has no `path`: if only requests are meant, say `action in Action::\"http\"`"
        ]
    );
    assert_eq!(shown(&[("a.cedar", &text(HTTP))]), [""; 0]);
    let connect = "permit(principal, action == Action::\"connect\", resource)";
    assert_eq!(
        shown(&[("a.cedar", &text(connect))]),
        [
            "a.cedar:1:74: error: a TCP connection has no `path`: if only requests are meant, say `action in Action::\"http\"`"
        ]
    );
    // Where it can be about nothing but a request, it need not be said.
    let routed = "permit(principal, action, resource in Route::\"orders:/x\")";
    assert_eq!(shown(&[("a.cedar", &text(routed))]), [""; 0]);
}

#[test]
fn a_policy_too_deep_to_walk_is_refused() {
    let deep = format!("@id(\"p\") {ANY} when {{ {}true }};", "!".repeat(100_000));
    assert_eq!(
        shown(&[("a.cedar", &deep)]),
        [
            "a.cedar:1:1: error: it may be 100012 operators deep, more than 256: use sets, or several policies"
        ]
    );
    // One that is too deep for Cedar is not shown to it beside others either.
    let brackets = format!("{}true{}", "(".repeat(50_000), ")".repeat(50_000));
    let deep = format!("@id(\"p\") {ANY} when {{ {brackets} }};");
    let beside = format!("@id(\"q\") {ANY};\n{deep}");
    for text in [&deep, &beside] {
        let found = shown(&[("a.cedar", text)]).concat();
        assert!(found.contains("it may be 300012 operators deep"), "{found}");
    }
    let exact = |times| format!("@id(\"p\") {ANY} when {{ {}true }};", "!".repeat(times));
    for (times, is_deep) in [(244, false), (245, true)] {
        let found = shown(&[("a.cedar", &exact(times))]).concat();
        assert_eq!(found.contains("operators deep"), is_deep, "{found}");
    }
    for (open, close, times) in [
        ("!", "", 240),
        ("(", ")", 40),
        ("[", "]", 40),
        ("{a: ", "}", 40),
        ("(true && ", ")", 30),
        ("if true then true else ", "", 240),
        ("true && ", "", 240),
        ("1 + ", "", 240),
        ("context.path.", "", 110),
    ] {
        let (open, close) = (open.repeat(times), close.repeat(times));
        let text = format!("@id(\"p\") {ANY} when {{ {open}true{close} }};");
        let found = shown(&[("a.cedar", &text)]);
        // Whatever Cedar says of it, it could be asked.
        assert!(!found.concat().contains("operators deep"), "{found:?}");
    }
    let more = r#" || context.path == "/""#.repeat(240);
    let wide = format!("@id(\"p\") {HTTP} when {{ context.path == \"\"{more} }};");
    assert_eq!(shown(&[("a.cedar", &wide)]), [""; 0]);
}

#[test]
fn a_set_is_another_if_anything_in_it_is() {
    let text = format!("@id(\"p\") {ANY};");
    let set = |text: &str, change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        let team = [("team".parse().unwrap(), [].into())].into();
        settings.add_groups(&team);
        settings.signals = [("risk".parse().unwrap(), SignalType::Long)].into();
        change(&mut settings);
        Policy::parse(&[("a.cedar", text)], &settings).unwrap().0
    };
    let signals = |value: &str| {
        let declared = [("risk".parse().unwrap(), SignalType::Long)].into();
        Signals::parse(
            "s",
            &format!("spiffe://td/a: {{ risk: {value} }}"),
            &declared,
        )
        .unwrap()
    };
    let one = set(&text, &|_| ());
    assert!(one.is_same_as(&set(&text, &|_| ())));
    assert_eq!(one.signal_types().len(), 1);
    let other = set(&format!("{text}\n// more"), &|_| ());
    assert!(!one.is_same_as(&other));
    let grouped = set(&text, &|settings| {
        settings.group_lines = vec![(
            "spiffe://td/a".parse().unwrap(),
            vec!["team".parse().unwrap()],
        )];
    });
    assert!(!one.is_same_as(&grouped) && grouped.is_same_as(&grouped));
    let low = set(&text, &|settings| settings.signal_values = signals("1"));
    let high = set(&text, &|settings| settings.signal_values = signals("2"));
    assert!(!one.is_same_as(&low) && !low.is_same_as(&high));
}

#[test]
fn services_and_their_routes_are_added_to_those_that_are_there() {
    let route = |path: &str| Route {
        path: path.parse().unwrap(),
        groups: BTreeSet::new(),
    };
    let mut all = settings();
    let more = [
        ("orders".parse().unwrap(), vec![route("/a"), route("/b")]),
        ("carts".parse().unwrap(), vec![route("/c")]),
    ];
    all.add_services(&more.clone().into());
    all.add_services(&more.into());
    let counts: Vec<usize> = all.services.values().map(Vec::len).collect();
    assert_eq!(counts, [2, 4]);
}

#[test]
fn a_set_is_named_by_its_text() {
    let revision = |files: &[(&str, &str)]| {
        let (policy, _) = Policy::parse(files, &settings()).unwrap();
        policy.revision().clone()
    };
    let one = format!("@id(\"a\") {ANY};");
    assert_eq!(
        revision(&[("a.cedar", &one), ("b.cedar", "")]),
        revision(&[("b.cedar", ""), ("a.cedar", &one)])
    );
    assert_ne!(
        revision(&[("a.cedar", &one)]),
        revision(&[("b.cedar", &one)])
    );
    assert_ne!(revision(&[("a.cedar", "")]), revision(&[("a.cedar", " ")]));
}

#[test]
fn a_directory_is_loaded_whole_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (empty, warnings) = Policy::load(dir.path(), &settings()).unwrap();
    assert_eq!((empty.names().len(), warnings.len()), (0, 0));

    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("b.cedar", &format!("@id(\"b\") {ANY};"));
    write("a.cedar", &format!("@id(\"a\") {ANY};"));
    let (policy, _) = Policy::load(dir.path(), &settings()).unwrap();
    let names: Vec<&str> = policy.names().map(|name| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);

    write("c.cedar", "permit");
    let found = Policy::load(dir.path(), &settings()).unwrap_err();
    assert!(found.iter().all(|m| m.file == "c.cedar"), "{found:?}");

    let missing = dir.path().join("missing");
    let found = Policy::load(&missing, &settings()).unwrap_err();
    assert_eq!((found.len(), found[0].line), (1, 0));
}
