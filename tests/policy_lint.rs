//! What the validator would let pass and we do not.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use portreeve::policy::ClaimType;
use portreeve::policy::Policy;
use portreeve::policy::Route;
use portreeve::policy::Settings;
use portreeve::policy::SignalType;

fn settings() -> Settings {
    let route = Route {
        path: "/api/**".parse().unwrap(),
        groups: ["public-api".parse().unwrap()].into(),
    };
    Settings {
        services: [("orders".parse().unwrap(), vec![route])].into(),
        headers: vec![http::HeaderName::from_static("x-debug")],
        zones: [("berlin".parse().unwrap(), "Europe/Berlin".parse().unwrap())].into(),
        workload_groups: [(
            "break-glass".parse().unwrap(),
            ["spiffe://td/ns/ops/sa/oncall".parse().unwrap()].into(),
        )]
        .into(),
        claims: [("level".parse().unwrap(), ClaimType::Long)].into(),
        signals: [("risk".parse().unwrap(), SignalType::Long)].into(),
        providers: ["okta".parse().unwrap()].into(),
        trust_domains: ["td".parse().unwrap()].into(),
        ..Settings::default()
    }
}

/// `severity: text` of each mistake in a policy with this scope and condition.
fn found(effect: &str, scope: &str, condition: &str) -> Vec<String> {
    let text = format!("@id(\"p\") {effect}({scope}) {condition};");
    let mistakes = match Policy::parse(&[("a.cedar", &text)], &settings()) {
        Ok((_, mistakes)) | Err(mistakes) => mistakes,
    };
    let shown = mistakes.iter().map(ToString::to_string);
    shown
        .map(|text| text.splitn(4, ':').nth(3).unwrap().trim().to_owned())
        .collect()
}

const ALL: &str = r#"principal, action in Action::"http", resource"#;

#[test]
fn what_is_declared_can_be_said() {
    let conditions = [
        r#"when { context.path like "/api/*" && context.method == "PURGE" }"#,
        r#"when { context.host == "orders" && context.sourceIp.isInRange(ip("10.0.0.0/8")) }"#,
        r#"when { context.now < datetime("2026-11-24T06:00:00Z") }"#,
        "when { context.utc.weekday <= 5 && context.berlin.minuteOfDay >= 480 }",
        "when { context.berlin.date == 20261124 }",
        r#"unless { context.headers has "x-debug" && context.headers["x-debug"] == "1" }"#,
        r#"when { principal is Workload && principal has ns && principal.ns == "shop" }"#,
        r#"when { principal is Workload && principal in WorkloadGroup::"break-glass" }"#,
        r#"when { principal is User && principal has email && principal.amr.contains("hwk") }"#,
        r#"when { resource in Route::"orders:/api/{id}" && context.params has id }"#,
        r#"when { resource in [Route::"orders:/a", Route::"orders:/b"] }"#,
        r#"when { resource in RouteGroup::"public-api" }"#,
        r#"when { action in Action::"read" }"#,
    ];
    for condition in conditions {
        assert_eq!(found("permit", ALL, condition), [""; 0], "{condition}");
    }
    let scopes = [
        r#"principal == Workload::"spiffe://td/ns/shop/sa/web", action == Action::"GET", resource in Service::"orders""#,
        r#"principal in Namespace::"td/shop", action in Action::"write", resource in RouteGroup::"public-api""#,
        r#"principal in TrustDomain::"td", action in [Action::"GET", Action::"read"], resource in Route::"orders:/x/**""#,
        r#"principal is User in Group::"okta/sre", action, resource"#,
        r#"principal == Anonymous::"anonymous", action == Action::"otherMethod", resource"#,
    ];
    for scope in scopes {
        assert_eq!(found("permit", scope, ""), [""; 0], "{scope}");
    }
}

#[test]
fn what_is_declared_can_be_asked_of_what_is_chosen() {
    let either = r#"if context.method == "GET" then context else context"#;
    let who = r#"if context.method == "GET" then principal else principal"#;
    for condition in [
        format!("({either}) has path"),
        format!(r#"({either}).headers has "x-debug""#),
        format!(r#"resource in Route::"orders:/api/{{id}}" && ({either}).params has id"#),
        format!("({either}).utc.weekday <= 5"),
        format!("({either}) has tls.group"),
        format!("({either}).signals has risk"),
        format!("principal is Workload && ({who}) has ns"),
        format!("principal is User && ({who}) has email"),
        format!("principal is User && ({who}).claims has level"),
    ] {
        let found = found("permit", ALL, &format!("when {{ {condition} }}"));
        assert_eq!(found, [""; 0], "{condition}");
    }
}

#[test]
fn a_name_that_nothing_has_is_refused() {
    let cases = [
        (
            r#"context.headers has "x-debgu""#,
            "x-debgu",
            "`context.headers`",
        ),
        ("context has headers.debgu", "debgu", "`context.headers`"),
        ("context has pathh", "pathh", "the context"),
        // Never asked, and wrong all the same.
        (
            r#"false && context.headers.debgu == "1""#,
            "debgu",
            "`context.headers`",
        ),
        ("context.params has id", "id", "`context.params`"),
        ("context.berlin has week", "week", "a clock"),
        ("principal has emial", "emial", "this principal"),
        ("resource has owner", "owner", "what stands before it"),
        (
            r#"(if context.path == "/" then context else context) has pathh"#,
            "pathh",
            "nothing",
        ),
        (
            r#"context.path == "/" || context.headers has "x-debgu" && context.headers["x-debgu"] == "1""#,
            "x-debgu",
            "`context.headers`",
        ),
    ];
    for (condition, name, holder) in cases {
        let found = found("permit", ALL, &format!("unless {{ {condition} }}"));
        let why = format!("error: `{name}` is not declared: {holder} cannot have it");
        assert!(found.contains(&why), "{condition}: {found:?}");
    }
    let scope = "principal is Workload, action, resource";
    let found = found("permit", scope, "unless { principal has email }");
    let why = "error: `email` is not declared: this principal cannot have it";
    assert!(found.contains(&why.to_owned()), "{found:?}");
}

#[test]
fn an_id_that_nothing_has_is_refused() {
    let cases = [
        (
            r#"resource in Service::"ordres""#,
            "error: there is no service `ordres`",
        ),
        (
            r#"resource in Route::"ordres:/a""#,
            "error: there is no service `ordres`",
        ),
        (
            r#"resource in Route::"/a""#,
            "error: `/a` is not `<service>:<template>`",
        ),
        (
            r#"resource in Route::"orders:/a/*""#,
            "error: `/a/*` is not a route template: the wildcard at byte 3 is not a final `/**`; use `{name}` for one segment",
        ),
        (
            r#"resource in RouteGroup::"publik""#,
            "error: no route is in a group `publik`",
        ),
        (
            r#"principal is Workload && principal in WorkloadGroup::"glass""#,
            "error: there is no workload group `glass`",
        ),
        (
            r#"principal == User::"alice""#,
            "error: `alice` is not `<provider>/<subject>`",
        ),
        (
            r#"principal == User::"okta/""#,
            "error: `okta/` is not `<provider>/<subject>`",
        ),
        (
            r#"principal == User::"oktta/alice""#,
            "warning: nobody signs in with a provider `oktta`",
        ),
        (
            r#"principal is User && principal in Group::"sre""#,
            "error: `sre` is not `<provider>/<group>`",
        ),
        (
            r#"principal is User && principal in Group::"okta/""#,
            "error: `okta/` is not `<provider>/<group>`",
        ),
        (
            r#"principal is User && principal in Group::"Okta/sre""#,
            "error: `Okta` is no provider: a provider's name has 1 to 32 lower-case letters, digits and `-`",
        ),
        (
            r#"principal == Workload::"spiffe://TD/x""#,
            "error: `spiffe://TD/x` is not a SPIFFE ID: its trust domain is not valid",
        ),
        (
            r#"principal == Workload::"spiffe://dt/x""#,
            "warning: no caller can come from the trust domain `dt`",
        ),
        (
            r#"principal is Workload && principal in Namespace::"shop""#,
            "error: `shop` is not `<trust domain>/<namespace>`",
        ),
        (
            r#"principal is Workload && principal in TrustDomain::"Td""#,
            "error: `Td` is not a trust domain: character `T` at byte 0 is not one of a-z, 0-9, `.`, `-`, `_`",
        ),
    ];
    for (condition, why) in cases {
        let condition = format!("when {{ {condition} }}");
        assert_eq!(found("permit", ALL, &condition), [why], "{condition}");
    }
}

#[test]
fn a_route_is_not_compared_as_if_there_were_one() {
    let why = r#"error: Route::"orders:/a" is compared as if a request had one route: write `resource in Route::"orders:/a"`, which also holds where several routes fit"#;
    for (scope, condition) in [
        (r#"principal, action, resource == Route::"orders:/a""#, ""),
        (ALL, r#"when { resource == Route::"orders:/a" }"#),
        (ALL, r#"when { Route::"orders:/a" != resource }"#),
    ] {
        assert_eq!(
            found("forbid", scope, condition),
            [why],
            "{scope} {condition}"
        );
    }
    let scope = r#"principal, action, resource in Route::"orders:/a""#;
    assert_eq!(found("forbid", scope, ""), [""; 0]);
}

#[test]
fn what_seldom_means_what_it_seems_is_warned_about() {
    let member = "this `forbid` does not apply to a member";
    let left_out = "this `forbid` does not apply to a caller that leaves the header out";
    let bare = "whether a request is on a `Route`";
    let in_group = r#"{ principal is User && principal in Group::"okta/x" }"#;
    let in_scope = r#"principal in Group::"okta/x", action, resource"#;
    let has_header = r#"{ context.headers has "x-debug" }"#;
    let warned = [
        (
            "permit",
            ALL,
            r#"when { context.path like "/a/*/b" }"#.to_owned(),
            "`*` in `like` also",
        ),
        (
            "permit",
            ALL,
            r#"when { context.path like "/a/b*" }"#.to_owned(),
            "`like \"/a/b*\"` also",
        ),
        ("forbid", ALL, format!("when {has_header}"), left_out),
        ("forbid", ALL, format!("when {in_group}"), member),
        ("forbid", in_scope, String::new(), member),
        (
            "permit",
            "principal, action, resource is Route",
            String::new(),
            bare,
        ),
        (
            "permit",
            ALL,
            "when { resource is Service }".to_owned(),
            bare,
        ),
    ];
    for (effect, scope, condition, beginning) in warned {
        let found = found(effect, scope, &condition);
        let expected = format!("warning: {beginning}");
        assert_eq!(found.len(), 1, "{effect} {scope} {condition}: {found:?}");
        assert!(found[0].starts_with(&expected), "{found:?}");
    }
    let fine = [
        (
            "permit",
            ALL,
            r#"when { context.path like "/a/*" }"#.to_owned(),
        ),
        (
            "permit",
            ALL,
            r#"when { context.host like "*.shop" }"#.to_owned(),
        ),
        ("forbid", ALL, format!("unless {has_header}")),
        ("permit", ALL, format!("when {has_header}")),
        ("forbid", ALL, format!("unless {in_group}")),
        ("permit", in_scope, String::new()),
    ];
    for (effect, scope, condition) in fine {
        assert_eq!(
            found(effect, scope, &condition),
            [""; 0],
            "{effect} {scope} {condition}"
        );
    }
}

#[test]
fn one_name_stands_for_one_segment() {
    let both = |a: &str, b: &str| {
        format!(r#"when {{ resource in Route::"orders:{a}" || resource in Route::"orders:{b}" }}"#)
    };
    assert_eq!(
        found("permit", ALL, &both("/{id}/x", "/y/{id}")),
        [
            "error: `/y/{id}` and `/{id}/x` of `orders` fit the same paths, and name different segments of them `id`"
        ]
    );
    for (a, b) in [
        ("/{id}/x", "/y/{other}"),
        ("/{id}", "/y/{id}"),
        ("/{id}/x", "/{id}/**"),
    ] {
        assert_eq!(found("permit", ALL, &both(a, b)), [""; 0], "{a} {b}");
    }
}

#[test]
fn what_a_provider_says_is_asked_with_care() {
    let told = |effect: &str, condition: &str| {
        found(effect, "principal is User, action, resource", condition)
    };
    for (effect, condition, expected) in ASKED_OF_PEOPLE {
        let found = told(effect, condition);
        match expected {
            Some(expected) => assert!(found[0].starts_with(expected), "{condition} {found:?}"),
            None => assert!(found.is_empty(), "{condition} {found:?}"),
        }
    }
    // What need not be there is asked for first, and what is not declared cannot be.
    for condition in [
        "when { context.authAge < 60 }",
        "when { principal.claims.level == 3 }",
        "when { principal.claims has levle }",
        "when { principal has claims.levle }",
    ] {
        let found = told("permit", condition);
        assert!(
            found.iter().any(|one| one.starts_with("error: ")),
            "{condition} {found:?}"
        );
    }
}

const EMAIL: &str = "warning: whoever can choose their address";
const UNSAID: &str = "warning: this `forbid` does not apply to a person of whom the provider";

/// A condition with its effect, and what is said of it.
const ASKED_OF_PEOPLE: &[(&str, &str, Option<&str>)] = &[
    (
        "permit",
        r#"when { principal has email && principal.email like "*@corp.example" }"#,
        Some(EMAIL),
    ),
    (
        "permit",
        r#"when { principal has email && ["a@corp.example"].contains(principal.email) }"#,
        Some(EMAIL),
    ),
    (
        "permit",
        r#"when { principal.emailVerified && principal has email && principal.email == "a@b" }"#,
        None,
    ),
    (
        "forbid",
        "when { principal has acr && principal.acr == \"0\" }",
        Some(UNSAID),
    ),
    (
        "forbid",
        "when { principal has claims.level && principal.claims.level < 3 }",
        Some(UNSAID),
    ),
    (
        "forbid",
        "when { principal.claims has level && principal.claims.level < 3 }",
        Some(UNSAID),
    ),
    (
        "forbid",
        "when { context has authAge && context.authAge > 60 }",
        Some(UNSAID),
    ),
    (
        "forbid",
        "unless { context has authAge && context.authAge < 60 }",
        None,
    ),
    (
        "permit",
        "when { context has authAge && context.authAge < 60 }",
        None,
    ),
    (
        "permit",
        "when { principal has claims.level && principal.claims.level > 3 }",
        None,
    ),
    (
        "forbid",
        "when { principal.roles.contains(\"guest\") }",
        None,
    ),
];
