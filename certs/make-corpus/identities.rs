//! Whom the leaf names.

use crate::Case;
use crate::certificate::ALTERNATIVE_NAMES;
use crate::certificate::dns;
use crate::certificate::name;
use crate::certificate::uri;
use crate::der::sequence;
use crate::keys::ID;
use crate::keys::Keys;

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = good(keys);
    cases.extend(nobody(keys));
    cases.extend(several(keys));
    for (slug, reason, twin, text) in TEXTS {
        let leaf = keys.plain().named(&[uri(text)]);
        cases.push(Case::bad(slug, reason, twin, keys.by_root(&leaf)));
    }
    for (slug, reason, twin, text) in [
        (
            "id-has-2049-bytes",
            "id_too_long",
            "id-has-2048-bytes",
            id_of_length(2049),
        ),
        (
            "trust-domain-has-256-bytes",
            "id_bad_trust_domain",
            "plain",
            format!("spiffe://{}/web", "a".repeat(256)),
        ),
    ] {
        let leaf = keys.plain().named(&[uri(text.as_bytes())]);
        cases.push(Case::bad(slug, reason, twin, keys.by_root(&leaf)));
    }
    cases
}

fn good(keys: &Keys) -> Vec<Case> {
    let named = |names: &[Vec<u8>]| keys.by_root(&keys.plain().named(names));
    let id = |text: &str| named(&[uri(text.as_bytes())]);
    let names = || sequence(&[uri(ID.as_bytes())]);
    let subject = || keys.plain().change(|leaf| leaf.subject = name("web"));
    let critical = subject().with(ALTERNATIVE_NAMES, names());
    let lax = subject().with_lax(ALTERNATIVE_NAMES, names());
    vec![
        Case::good("plain", keys.by_root(&keys.plain())),
        Case::good(
            "names-hosts-too",
            named(&[dns("a"), uri(ID.as_bytes()), dns("b")]),
        ),
        Case::good("has-a-subject-and-critical-names", keys.by_root(&critical)),
        Case::good("has-a-subject-and-names-not-critical", keys.by_root(&lax)),
        Case::good("id-has-2048-bytes", id(&id_of_length(2048))),
        Case::good("path-has-every-allowed-character", id(EVERY_CHARACTER)),
        Case::good(
            "path-has-dots-that-are-no-dot-segments",
            id("spiffe://prod.example/.../.a/..a/a.."),
        ),
    ]
}

/// Nobody is named, or not in the place that counts.
fn nobody(keys: &Keys) -> Vec<Case> {
    let named = |names: &[Vec<u8>]| keys.by_root(&keys.plain().named(names));
    let bad = |slug, twin, chain| Case::bad(slug, "no_uri", twin, chain);
    let nameless = keys.plain().without(ALTERNATIVE_NAMES);
    let common = nameless.clone().change(|leaf| leaf.subject = name(ID));
    let host = named(&[dns("web.prod.example")]);
    let names = sequence(&[uri(ID.as_bytes())]);
    let lax = keys.plain().with_lax(ALTERNATIVE_NAMES, names);
    let subject = "has-a-subject-and-critical-names";
    let hosts = "names-hosts-too";
    vec![
        bad("names-nobody", "plain", keys.by_root(&nameless)),
        bad(
            "names-a-workload-in-its-subject-only",
            subject,
            keys.by_root(&common),
        ),
        bad("names-a-host-only", hosts, host),
        bad("names-a-workload-as-a-host", hosts, named(&[dns(ID)])),
        Case::bad(
            "names-are-not-critical-without-a-subject",
            "names_not_critical",
            "has-a-subject-and-names-not-critical",
            keys.by_root(&lax),
        ),
    ]
}

/// More than one is named.
fn several(keys: &Keys) -> Vec<Case> {
    let own = ID.as_bytes();
    let page = b"https://prod.example/web";
    let pairs: [(&'static str, [&[u8]; 2]); 6] = [
        ("names-two-workloads", [own, b"spiffe://prod.example/admin"]),
        ("names-the-same-workload-twice", [own, own]),
        ("names-a-workload-then-a-page", [own, page]),
        ("names-a-page-then-a-workload", [page, own]),
        ("names-a-workload-then-an-unreadable-uri", [own, b"\xff"]),
        (
            "names-workloads-of-two-trust-domains",
            [own, b"spiffe://other.example/web"],
        ),
    ];
    pairs
        .map(|(slug, uris)| {
            let leaf = keys.plain().named(&uris.map(uri));
            Case::bad(slug, "several_uris", "names-hosts-too", keys.by_root(&leaf))
        })
        .into()
}

fn id_of_length(bytes: usize) -> String {
    let start = "spiffe://prod.example/";
    format!("{start}{}", "a".repeat(bytes - start.len()))
}

const EVERY_CHARACTER: &str =
    "spiffe://prod.example/abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ/0123456789.-_";

type Text = (&'static str, &'static str, &'static str, &'static [u8]);

const TEXTS: [Text; 41] = [
    ("id-is-empty", "id_bad_scheme", "plain", b""),
    (
        "id-is-a-page",
        "id_bad_scheme",
        "plain",
        b"https://prod.example/ns/shop/sa/web",
    ),
    ("id-is-a-word", "id_bad_scheme", "plain", b"web"),
    (
        "id-begins-with-a-space",
        "id_bad_scheme",
        "plain",
        b" spiffe://prod.example/ns/shop/sa/web",
    ),
    (
        "scheme-is-upper-case",
        "id_bad_scheme",
        "plain",
        b"SPIFFE://prod.example/ns/shop/sa/web",
    ),
    (
        "scheme-is-mixed-case",
        "id_bad_scheme",
        "plain",
        b"Spiffe://prod.example/ns/shop/sa/web",
    ),
    (
        "scheme-lacks-a-slash",
        "id_bad_scheme",
        "plain",
        b"spiffe:/prod.example/ns/shop/sa/web",
    ),
    (
        "scheme-lacks-its-slashes",
        "id_bad_scheme",
        "plain",
        b"spiffe:prod.example/ns/shop/sa/web",
    ),
    (
        "scheme-has-a-suffix",
        "id_bad_scheme",
        "plain",
        b"spiffes://prod.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-empty",
        "id_bad_trust_domain",
        "plain",
        b"spiffe:///ns/shop/sa/web",
    ),
    (
        "trust-domain-is-upper-case",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://PROD.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-port",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://prod.example:443/ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-user",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://me@prod.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-percent-encoded",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://prod%2eexample/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-an-ipv6-address",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://[::1]/ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-nul",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://prod.example\0.evil/web",
    ),
    (
        "trust-domain-has-a-query",
        "id_bad_trust_domain",
        "plain",
        b"spiffe://prod.example?/ns/shop/sa/web",
    ),
    (
        "trust-domain-ends-with-a-dot",
        "unknown_trust_domain",
        "plain",
        b"spiffe://prod.example./ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-prefix",
        "unknown_trust_domain",
        "plain",
        b"spiffe://evil-prod.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-suffix",
        "unknown_trust_domain",
        "plain",
        b"spiffe://prod.example.evil/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-a-parent",
        "unknown_trust_domain",
        "plain",
        b"spiffe://example/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-a-child",
        "unknown_trust_domain",
        "plain",
        b"spiffe://a.prod.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-is-punycode",
        "unknown_trust_domain",
        "plain",
        b"spiffe://xn--prd-iqa.example/ns/shop/sa/web",
    ),
    (
        "trust-domain-has-a-cyrillic-letter",
        "uri_not_ascii",
        "plain",
        b"spiffe://pr\xd0\xbed.example/ns/shop/sa/web",
    ),
    (
        "path-is-missing",
        "id_without_path",
        "plain",
        b"spiffe://prod.example",
    ),
    (
        "path-is-a-slash",
        "id_empty_segment",
        "plain",
        b"spiffe://prod.example/",
    ),
    (
        "path-ends-with-a-slash",
        "id_empty_segment",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/web/",
    ),
    (
        "path-has-an-empty-segment",
        "id_empty_segment",
        "plain",
        b"spiffe://prod.example/ns//sa/web",
    ),
    (
        "path-has-a-dot-segment",
        "id_dot_segment",
        "path-has-dots-that-are-no-dot-segments",
        b"spiffe://prod.example/ns/./sa/web",
    ),
    (
        "path-climbs",
        "id_dot_segment",
        "path-has-dots-that-are-no-dot-segments",
        b"spiffe://prod.example/ns/../sa/web",
    ),
    (
        "path-is-percent-encoded",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/%77eb",
    ),
    (
        "path-has-a-query",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/web?x",
    ),
    (
        "path-has-a-fragment",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/web#x",
    ),
    (
        "path-has-a-nul",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/web\0/admin",
    ),
    (
        "path-has-a-line-break",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/web\r\nx-user: admin",
    ),
    (
        "path-has-a-space",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns/shop/sa/my web",
    ),
    (
        "path-has-a-semicolon",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/web;URI=spiffe://prod.example/admin",
    ),
    (
        "path-has-a-comma",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/web,admin",
    ),
    (
        "path-has-a-quotation-mark",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/web\"",
    ),
    (
        "path-has-a-backslash",
        "id_bad_character",
        "plain",
        b"spiffe://prod.example/ns\\web",
    ),
    (
        "path-is-not-ascii",
        "uri_not_ascii",
        "plain",
        b"spiffe://prod.example/w\xe9b",
    ),
];
