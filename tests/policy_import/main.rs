//! A translation says what its original says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::Method;
use portreeve::import::Imported;
use portreeve::import::Target;
use portreeve::import::istio;
use portreeve::policy::Caller;
use portreeve::policy::Decider;
use portreeve::policy::Policy;
use portreeve::policy::Question;
use portreeve::policy::Settings;

mod corpus;
mod hosts;
mod istio_corpus;
mod model;
mod operations;
mod plain;
mod pomerium;
mod pomerium_corpus;
mod ppl_model;
mod refusals;

/// The workload that all policies here are for.
fn target() -> Target {
    Target {
        default_namespace: None,
        is_tcp: false,
        labels: [
            ("app".to_owned(), Some("orders".to_owned())),
            ("canary".to_owned(), None),
        ]
        .into(),
        namespace: "shop".to_owned(),
        port: Some(8080),
        root_namespace: "istio-system".to_owned(),
        service: "orders".parse().unwrap(),
        trust_domain: "td".parse().unwrap(),
        trust_domain_aliases: Vec::new(),
    }
}

fn imported(text: &str) -> Imported {
    istio(text, &target()).unwrap_or_else(|why| panic!("{why:?}\n{text}"))
}

/// Whether the translation lets the request pass.
fn passes(imported: &Imported, asked: &Asked) -> bool {
    let settings = Settings {
        services: [("orders".parse().unwrap(), Vec::new())].into(),
        headers: imported.headers.clone(),
        ..Settings::default()
    };
    let (policy, _) = Policy::parse(&[("a.cedar", &imported.cedar)], &settings).unwrap();
    let mut headers = HeaderMap::new();
    if let Some(value) = asked.header {
        headers.insert(HeaderName::from_static("x-tenant"), value.parse().unwrap());
    }
    let question = Question {
        caller: &Caller::workload(&asked.caller.parse().unwrap()),
        service: &"orders".parse().unwrap(),
        method: &Method::from_bytes(asked.method.as_bytes()).unwrap(),
        host: "orders",
        path: asked.path,
        query: None,
        headers: &headers,
        source: asked.source.parse().unwrap(),
        now: SystemTime::UNIX_EPOCH,
    };
    Decider::new().decide(&Arc::new(policy), &question).is_ok()
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    caller: &'static str,
    method: &'static str,
    path: &'static str,
    source: &'static str,
    header: Option<&'static str>,
}

const WEB: Asked = Asked {
    caller: "spiffe://td/ns/shop/sa/web",
    method: "GET",
    path: "/orders/7",
    source: "10.1.2.3",
    header: None,
};

fn document(spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{ name: p, namespace: shop }}\nspec:\n{spec}\n"
    )
}

#[test]
fn the_example_of_istios_documentation_lets_in_whom_it_is_to() {
    // concepts/security: the `default/sleep` account and the `test` namespace may GET `/info*`.
    let text = document(
        "  selector: { matchLabels: { app: orders } }
  action: ALLOW
  rules:
  - from:
    - source: { principals: [\"cluster.local/ns/default/sa/sleep\"] }
    - source: { namespaces: [\"test\"] }
    to:
    - operation: { methods: [\"GET\"], paths: [\"/info*\"] }
    when:
    - { key: \"request.headers[x-tenant]\", values: [\"v1\", \"v2\"] }",
    );
    let imported = imported(&text);
    let sleep = Asked {
        caller: "spiffe://td/ns/default/sa/sleep",
        path: "/info/7",
        header: Some("v2"),
        ..WEB
    };
    let test = Asked {
        caller: "spiffe://other/ns/test/sa/any",
        ..sleep
    };
    for asked in [sleep, test] {
        assert!(passes(&imported, &asked), "{asked:?}\n{}", imported.cedar);
    }
    for asked in [
        Asked {
            caller: "spiffe://other/ns/default/sa/sleep",
            ..sleep
        },
        Asked {
            caller: "spiffe://td/ns/test2/sa/any",
            ..sleep
        },
        Asked {
            method: "POST",
            ..sleep
        },
        Asked {
            path: "/inf",
            ..sleep
        },
        Asked {
            header: Some("v3"),
            ..sleep
        },
        Asked {
            header: None,
            ..sleep
        },
    ] {
        assert!(!passes(&imported, &asked), "{asked:?}\n{}", imported.cedar);
    }
}

#[test]
fn templates_and_the_beginnings_of_hosts_are_compared() {
    let of = |operation: &str| {
        let text = document(&format!(
            "  rules: [{{ to: [{{ operation: {{ {operation} }} }}] }}]"
        ));
        imported(&text)
    };
    for (template, fits, others) in [
        (
            "/foo/{*}",
            &["/foo/bar"][..],
            &["/foo/bar/baz", "/foo", "/foo/"][..],
        ),
        (
            "/foo/{**}",
            &["/foo/", "/foo/bar", "/foo/bar/baz"],
            &["/foo", "/fo"],
        ),
        (
            "/foo/{*}/bar/{**}",
            &["/foo/buzz/bar/", "/foo/buzz/bar/baz"],
            &["/foo/bar/baz", "/foo/buzz/bar"],
        ),
        ("/{**}", &["/", "/a", "/a/b"], &[]),
    ] {
        let allow = of(&format!("paths: [\"{template}\"]"));
        let not = of(&format!("notPaths: [\"{template}\"]"));
        let all = fits.iter().map(|path| (path, true));
        for (path, fits) in all.chain(others.iter().map(|path| (path, false))) {
            let asked = Asked { path, ..WEB };
            assert_eq!(passes(&allow, &asked), fits, "{path}\n{}", allow.cedar);
            assert_eq!(passes(&not, &asked), !fits, "{path}\n{}", not.cedar);
        }
    }
    // The host that is asked for here is `orders`.
    for (host, fits) in [
        ("*", true),
        ("ORD*", true),
        ("orders*", true),
        ("x*", false),
    ] {
        assert_eq!(
            passes(&of(&format!("hosts: [\"{host}\"]")), &WEB),
            fits,
            "{host}"
        );
    }
}

#[test]
fn without_an_allow_nobody_is_let_in_and_that_is_said() {
    for text in [
        document("  action: DENY\n  rules: [{ to: [{ operation: { methods: [POST] } }] }]"),
        document("  selector: { matchLabels: { app: carts } }\n  rules: [{}]"),
        document("  selector: { matchLabels: { canary: \"true\" } }\n  rules: [{}]"),
        document("  action: AUDIT\n  rules: [{}]"),
        document("  rules: []"),
        document("  {}"),
        document("  rules: [{}]").replace("namespace: shop", "namespace: carts"),
    ] {
        assert!(!passes(&imported(&text), &WEB), "{text}");
    }
    let deny = document("  action: DENY\n  rules: [{}]");
    assert!(
        imported(&deny)
            .cedar
            .contains("// No ALLOW is for this workload.")
    );
    // Their twins let in.
    for text in [
        document("  rules: [{}]"),
        document("  selector: { matchLabels: { app: orders } }\n  rules: [{}]"),
        document("  rules: [{}]").replace("namespace: shop", "namespace: istio-system"),
    ] {
        assert!(passes(&imported(&text), &WEB), "{text}");
    }
}

#[test]
fn a_dry_run_becomes_a_shadow() {
    let text = document("  action: DENY\n  rules: [{}]");
    let dry = text.replace(
        "namespace: shop",
        "namespace: shop, annotations: { istio.io/dry-run: \"true\" }",
    );
    let allow = document("  rules: [{}]").replace("name: p", "name: q");
    let both = |deny: &str| imported(&format!("{deny}---\n{allow}"));
    assert!(!passes(&both(&text), &WEB));
    assert!(passes(&both(&dry), &WEB));
    assert!(
        both(&dry)
            .cedar
            .contains("@shadow(\"istio.io/dry-run\")\nforbid")
    );
}

#[test]
fn nothing_in_a_value_gets_out_of_its_quotes() {
    let evil = r#"  rules: [{ when: [{ key: "request.headers[x-tenant]", values: ["\") || true || (\"", "a\\*", "\u0007"] }] }]"#;
    let imported = imported(&document(evil));
    assert!(
        !passes(
            &imported,
            &Asked {
                header: Some("b"),
                ..WEB
            }
        ),
        "{}",
        imported.cedar
    );
    let quote = Asked {
        header: Some("\") || true || (\""),
        ..WEB
    };
    assert!(passes(&imported, &quote), "{}", imported.cedar);
}
