//! What of Istio's has no translation, and where that is said.

use super::*;

#[test]
fn what_has_no_translation_is_refused_with_its_line() {
    let rule = |rule: &str| document(&format!("  rules:\n  - {rule}"));
    let source = |source: &str| rule(&format!("from: [{{ source: {{ {source} }} }}]"));
    let operation = |operation: &str| rule(&format!("to: [{{ operation: {{ {operation} }} }}]"));
    let when = |when: &str| rule(&format!("when: [{{ {when} }}]"));
    let denied = |operation: &str| {
        document(&format!(
            "  action: DENY\n  rules:\n  - to: [{{ operation: {{ {operation} }} }}]"
        ))
    };
    for (text, line, why) in [
        (source("requestPrincipals: [a]"), 6, "is not looked at"),
        (source("notRequestPrincipals: [a]"), 6, "is not looked at"),
        (source("remoteIpBlocks: [10.0.0.0/8]"), 6, "`ipBlocks` are"),
        (
            source("notRemoteIpBlocks: [10.0.0.0/8]"),
            6,
            "`ipBlocks` are",
        ),
        (source("principals: [\"a b\"]"), 6, "is no principal"),
        (
            source("principals: [\"*a*\"]"),
            6,
            "neither first nor last, or both",
        ),
        (
            source("principals: [\"a*b\"]"),
            6,
            "neither first nor last, or both",
        ),
        (source("principals: [\"\"]"), 6, "an empty value"),
        (source("serviceAccounts: [\"a/*\"]"), 6, "named in full"),
        (
            source("ipBlocks: [\"10.0.0.0/33\"]"),
            6,
            "no block of addresses",
        ),
        (source("ipBlocks: [\"ten\"]"), 6, "no block of addresses"),
        (
            source("ipBlocks: [\"::ffff:10.0.0.1\"]"),
            6,
            "no block of addresses",
        ),
        (source(""), 0, "a source that says nothing"),
        (
            operation("hosts: [a]"),
            6,
            "compares the host with its port",
        ),
        (
            denied("notHosts: [a]"),
            7,
            "compares the host with its port",
        ),
        (denied("hosts: [\"*80\"]"), 7, "may be the end of a port"),
        (
            denied("hosts: [\"a b:80\"]"),
            7,
            "no request has such a host",
        ),
        (operation("ports: [\"http\"]"), 6, "is no port"),
        (operation("notPorts: [\"0\"]"), 6, "is no port"),
        (
            operation("hosts: [\"a:*\"]"),
            6,
            "compares the host with its port",
        ),
        (
            operation("hosts: [a_b:*, \"a_b\"], notHosts: [\"a:80\", \"a:80:*\"]"),
            6,
            "no request has such a host",
        ),
        (
            when("key: destination.port, values: [\"65536\"]"),
            6,
            "is no port",
        ),
        (
            when("key: destination.port"),
            6,
            "neither `values` nor `notValues`",
        ),
        (
            operation("paths: [\"/a/{*}/{**}/b\"]"),
            6,
            "no template that",
        ),
        (operation("paths: [\"a/{*}\"]"), 6, "no template that"),
        (operation("paths: [\"/a{*}\"]"), 6, "no template that"),
        (operation("paths: [\"/a{**}\"]"), 6, "no template that"),
        (operation("hosts: [\"*.example\"]"), 6, "with its port"),
        (operation("hosts: [\"a.*\"]"), 6, "with its port"),
        (operation("paths: [\"/a%20b\"]"), 6, "does not occur"),
        (operation(""), 0, "an operation that says nothing"),
        (
            when("key: \"request.auth.claims[iss]\", values: [a]"),
            6,
            "is not looked at",
        ),
        (
            when("key: connection.sni, values: [a]"),
            6,
            "is not known here",
        ),
        (
            when("key: \"request.headers[x-forwarded-host]\", values: [a]"),
            6,
            "no such header",
        ),
        (
            when("key: source.ip"),
            6,
            "neither `values` nor `notValues`",
        ),
        (document("  action: CUSTOM"), 5, "the action `CUSTOM`"),
        (document("  provider: { name: a }"), 5, "who else is asked"),
        (
            document("  targetRefs: [{ kind: Gateway }]"),
            5,
            "a target that is no workload",
        ),
        (
            document("  selector: { matchLabels: { tier: a } }"),
            5,
            "--label tier=VALUE",
        ),
        (document("  rule: []"), 5, "rule"),
        (
            document("  rules: [{}]").replace("AuthorizationPolicy", "PeerAuthentication"),
            2,
            "is not an AuthorizationPolicy",
        ),
        (
            document("  rules: [{}]").replace(", namespace: shop", ""),
            3,
            "it has no namespace",
        ),
        (
            when("key: \"request.headers[x-tenant]\", values: [a], notValues: [\"*\"]"),
            0,
            "policy is impossible",
        ),
        ("a: [".to_owned(), 1, ""),
    ] {
        let refused = istio(&text, &target()).unwrap_err();
        let shown = format!("{refused:?}\n{text}");
        assert!(
            refused.iter().any(|one| one.text.contains(why)),
            "{why}\n{shown}"
        );
        assert!(
            refused.iter().any(|one| one.line == line),
            "{line}\n{shown}"
        );
    }
}
