//! What Pomerium documents of its policy language, decided as it says.

use portreeve::import::Imported;
use portreeve::import::Route;
use portreeve::import::pomerium;

use crate::plain::ALICE;
use crate::plain::Asking;
use crate::plain::NOBODY;
use crate::plain::WEB;
use crate::plain::permits;

pub(crate) fn route() -> Route {
    Route {
        from: None,
        provider: Some("idp".to_owned()),
        service: "orders".parse().unwrap(),
    }
}

pub(crate) fn imported(text: &str) -> Imported {
    pomerium(text, &route()).unwrap_or_else(|why| panic!("{why:?}\n{text}"))
}

fn decides(text: &str, cases: &[(Asking, bool)]) {
    let imported = imported(text);
    for (asking, passes) in cases {
        let passed = permits(&imported.cedar, asking);
        assert_eq!(passed, *passes, "{asking:?}\n{text}\n{}", imported.cedar);
    }
}

const BOB: Asking = Asking {
    who: "bob",
    email: Some("bob@other.org"),
    groups: &[],
    ..ALICE
};

#[test]
fn a_deny_beats_every_allow() {
    // The first example of the documentation, in YAML and in JSON.
    let yaml = "allow:\n  and:\n    - domain: { is: example.com }\ndeny:\n  or:\n    - email: { is: user2@example.com }\n    - email: { is: alice@example.com }\n";
    let json = r#"[{"allow": {"and": [{"domain": "example.com"}]}}, {"deny": {"or": [{"email": "user2@example.com"}, {"email": {"is": "alice@example.com"}}]}}]"#;
    let carol = Asking {
        who: "carol",
        email: Some("carol@example.com"),
        ..ALICE
    };
    for text in [yaml, json] {
        decides(
            text,
            &[
                (carol, true),
                (ALICE, false),
                (BOB, false),
                (NOBODY, false),
                (WEB, false),
            ],
        );
    }
}

#[test]
fn operators_are_what_pomerium_makes_of_them() {
    let admin = Asking {
        who: "dan",
        email: Some("dan@other.org"),
        ..ALICE
    };
    let plain = Asking {
        groups: &[],
        ..ALICE
    };
    let rows = [
        ("and", [true, false, false, false]),
        ("or", [true, true, true, false]),
        ("not", [false, false, false, true]),
        ("nor", [false, true, true, true]),
    ];
    for (operator, [both, domain, group, neither]) in rows {
        let text = format!(
            "allow: {{ {operator}: [{{ domain: {{ is: example.com }} }}, {{ groups: {{ has: admin }} }}] }}"
        );
        let cases = [
            (ALICE, both),
            (plain, domain),
            (admin, group),
            (BOB, neither),
        ];
        decides(&text, &cases);
        // Of whom nothing is known, nothing holds.
        decides(&text, &[(NOBODY, neither), (WEB, neither)]);
        let warned = imported(&text).cedar.contains("whoever has not signed in");
        assert_eq!(warned, neither, "{operator}");
    }
    let two = "allow: { and: [groups: { has: admin }], or: [domain: { is: other.org }] }";
    decides(two, &[(ALICE, true), (BOB, true), (plain, false)]);
}

#[test]
fn every_criterion_with_a_translation_is_translated() {
    for (criterion, yes, no) in TRANSLATED {
        let text = format!("allow: {{ and: [{{ {criterion} }}] }}");
        decides(&text, &[(*yes, true)]);
        // Its negation holds where it does not.
        let not = format!("allow: {{ not: [{{ {criterion} }}] }}");
        decides(&not, &[(*yes, false)]);
        if let Some(no) = no {
            decides(&text, &[(*no, false)]);
            decides(&not, &[(*no, true)]);
        }
        let deny = format!(
            "[{{ allow: {{ or: [accept: true] }} }}, {{ deny: {{ or: [{{ {criterion} }}] }} }}]"
        );
        decides(&deny, &[(*yes, false)]);
    }
    decides(
        "allow: { or: [reject: true] }",
        &[(ALICE, false), (NOBODY, false)],
    );
    decides(
        "allow: { or: [accept: true] }\ndeny: { or: [reject: true] }",
        &[(NOBODY, true)],
    );
    decides("allow: { or: [] }", &[(ALICE, false)]);
}

#[test]
fn an_address_with_two_domains_is_let_in_by_neither() {
    let mallory = Asking {
        email: Some("m@other.org@example.com"),
        ..ALICE
    };
    for domain in ["example.com", "other.org"] {
        let text = format!("{{ or: [domain: {{ is: {domain} }}] }}");
        decides(&format!("allow: {text}"), &[(mallory, false)]);
        decides(
            &format!("[{{ allow: {{ or: [accept: true] }} }}, {{ deny: {text} }}]"),
            &[(mallory, false), (NOBODY, true)],
        );
        decides(
            &format!("allow: {{ not: [domain: {{ is: {domain} }}] }}"),
            &[(mallory, false), (NOBODY, true)],
        );
    }
}

#[test]
fn a_route_lets_in_whom_its_keys_and_its_policy_allow() {
    let keys = "from: https://a.example\nto: http://b\ntimeout: 30s\nprefix: /orders\nallowed_domains: [example.com]\nallowed_users: [bob, dan@other.org]\nallowed_groups: [ops]\nallow_any_authenticated_user: false\n";
    let dan = Asking {
        who: "d",
        email: Some("dan@other.org"),
        groups: &[],
        ..ALICE
    };
    let erin = Asking {
        who: "e",
        email: Some("e@x.org"),
        groups: &["ops"],
        ..ALICE
    };
    let frank = Asking {
        who: "f",
        email: Some("f@x.org"),
        ..dan
    };
    decides(
        keys,
        &[
            (ALICE, true),
            (BOB, true),
            (dan, true),
            (erin, true),
            (frank, false),
            (WEB, false),
        ],
    );
    decides(
        keys,
        &[(
            Asking {
                path: "/carts",
                ..ALICE
            },
            false,
        )],
    );
    let policy =
        format!("{keys}policy: [{{ deny: {{ or: [{{ http_method: {{ not: GET }} }}] }} }}]\n");
    decides(
        &policy,
        &[
            (ALICE, true),
            (
                Asking {
                    method: "POST",
                    ..ALICE
                },
                false,
            ),
        ],
    );
}

#[test]
fn one_route_is_translated_and_only_where_it_is() {
    let public = "routes:\n- { from: https://a.example, path: /orders/7, allow_public_unauthenticated_access: true }\n- { from: https://b.example }\n";
    let only = |from: &str| Route {
        from: Some(from.to_owned()),
        ..route()
    };
    let a = pomerium(public, &only("https://a.example")).unwrap();
    assert!(permits(&a.cedar, &NOBODY));
    assert!(!permits(
        &a.cedar,
        &Asking {
            path: "/orders/70",
            ..NOBODY
        }
    ));
    let b = pomerium(public, &only("https://b.example")).unwrap();
    assert!(b.cedar.contains("// Nothing is allowed here"));
    assert!(!permits(&b.cedar, &NOBODY));
    let cors = imported("from: https://a.example\ncors_allow_preflight: true");
    assert_eq!(cors.headers, ["origin", "access-control-request-method"]);
}

const CAROL: Asking = Asking {
    who: "carol",
    email: None,
    ..ALICE
};

const PREFLIGHT: Asking = Asking {
    method: "OPTIONS",
    origin: true,
    ..NOBODY
};

/// A criterion, for whom it holds, and for whom it does not.
const TRANSLATED: &[(&str, Asking, Option<Asking>)] = &[
    ("accept: true", NOBODY, None),
    ("accept:", WEB, None),
    ("authenticated_user: true", ALICE, Some(WEB)),
    (
        "client_certificate: { san_uri: { starts_with: \"spiffe://td/ns/shop/\" } }",
        WEB,
        Some(ALICE),
    ),
    (
        "client_certificate: { san_uri: { not: \"spiffe://td/x\" } }",
        WEB,
        Some(NOBODY),
    ),
    (
        "client_certificate: { san_uri: \"spiffe://td/ns/shop/sa/web\" }",
        WEB,
        Some(Asking {
            who: "spiffe://td/x",
            ..WEB
        }),
    ),
    (
        "cors_preflight: true",
        PREFLIGHT,
        Some(Asking {
            origin: false,
            ..PREFLIGHT
        }),
    ),
    (
        "date: { after: \"2026-11-24T09:59:59.999Z\", before: \"2026-11-24T11:01:00+01:00\" }",
        NOBODY,
        Some(Asking {
            minute: 601,
            ..NOBODY
        }),
    ),
    (
        "claim/team: it",
        ALICE,
        Some(Asking {
            teams: &["shop"],
            ..ALICE
        }),
    ),
    (
        "claims/staff: true",
        ALICE,
        Some(Asking {
            staff: None,
            ..ALICE
        }),
    ),
    ("domain: { ends_with: ple.com }", ALICE, Some(BOB)),
    ("domain: { not: other.org }", ALICE, Some(BOB)),
    ("email: { not: alice@example.com }", CAROL, Some(ALICE)),
    ("email: { starts_with: \"alice@\" }", ALICE, Some(BOB)),
    (
        "email: { in: [\"a@b\", alice@example.com] }",
        ALICE,
        Some(CAROL),
    ),
    ("groups: admin", ALICE, Some(BOB)),
    ("groups: { exclude: admin }", BOB, Some(NOBODY)),
    (
        "http_method: { is: GET }",
        NOBODY,
        Some(Asking {
            method: "POST",
            ..NOBODY
        }),
    ),
    (
        "http_path: { starts_with: /orders }",
        NOBODY,
        Some(Asking {
            path: "/order",
            ..NOBODY
        }),
    ),
    (
        "http_path: { ends_with: /7, contains: ders }",
        NOBODY,
        Some(Asking {
            path: "/orders/70",
            ..NOBODY
        }),
    ),
    (
        "http_path: { not_in: [/admin, /x] }",
        NOBODY,
        Some(Asking {
            path: "/admin",
            ..NOBODY
        }),
    ),
    (
        "source_ip: [192.168.0.0/16, 10.1.0.0/16]",
        NOBODY,
        Some(Asking {
            source: "10.2.0.0",
            ..NOBODY
        }),
    ),
    (
        "source_ip: 10.1.2.3",
        NOBODY,
        Some(Asking {
            source: "10.1.2.4",
            ..NOBODY
        }),
    ),
    (
        "time_of_day: { timezone: UTC, after: \"10:00\", before: 10:01AM }",
        NOBODY,
        Some(Asking {
            minute: 601,
            ..NOBODY
        }),
    ),
    (
        "time_of_day: { timezone: America/Phoenix, after: \"3:00:00\", before: 4 AM }",
        NOBODY,
        Some(Asking {
            minute: 599,
            ..NOBODY
        }),
    ),
    ("user: { is: alice }", ALICE, Some(BOB)),
];
