//! Who vouches for the leaf.

use crate::Case;
use crate::certificate::ALTERNATIVE_NAMES;
use crate::certificate::BASIC_CONSTRAINTS;
use crate::certificate::CLIENT_AUTH;
use crate::certificate::CRL_SIGN;
use crate::certificate::Certificate;
use crate::certificate::DAY;
use crate::certificate::EXTENDED_KEY_USAGE;
use crate::certificate::KEY_USAGE;
use crate::certificate::NAME_CONSTRAINTS;
use crate::certificate::NOW;
use crate::certificate::key_usage;
use crate::certificate::name;
use crate::certificate::uri;
use crate::der::integer;
use crate::der::oid;
use crate::der::sequence;
use crate::der::tlv;
use crate::der::truth;
use crate::keys::DOMAIN;
use crate::keys::ID;
use crate::keys::Keys;

/// Whom the corpus is judged by: each trust domain's name and roots.
pub(crate) fn bundles(keys: &Keys) -> [(&'static str, Vec<Vec<u8>>); 2] {
    let root = |id, subject: &str, key| Certificate::authority(id, subject, keys.get(key), subject);
    let expired = root(DOMAIN, "old root", "first").change(|root| {
        (root.not_before, root.not_after) = (NOW - 900 * DAY, NOW - DAY);
    });
    let future = root(DOMAIN, "next root", "second").change(|root| root.not_before = NOW + DAY);
    let prod = vec![
        expired.sign(keys.get("first")),
        root(DOMAIN, "root", "root").sign(keys.get("root")),
        future.sign(keys.get("second")),
    ];
    let other = root("spiffe://other.example", "other root", "other");
    [
        ("prod.example", prod),
        ("other.example", vec![other.sign(keys.get("other"))]),
    ]
}

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = roots(keys);
    cases.extend(lengths(keys));
    cases.extend(orders(keys));
    cases.extend(usages(keys));
    cases.extend(names_and_dates(keys));
    cases.extend(intermediate_keys(keys));
    cases.extend(path_lengths(keys));
    cases
}

fn roots(keys: &Keys) -> Vec<Case> {
    let leaf = |id, issuer: &str, key| {
        let leaf = Certificate::leaf(id, keys.get("leaf"), issuer);
        vec![leaf.sign(keys.get(key))]
    };
    let theirs = "spiffe://other.example/web";
    let root = Certificate::authority(DOMAIN, "root", keys.get("root"), "root");
    vec![
        Case::good(
            "of-another-trust-domain-that-we-know",
            leaf(theirs, "other root", "other"),
        ),
        Case::bad(
            "signed-by-another-trust-domain",
            "unknown_issuer",
            "plain",
            leaf(ID, "other root", "other"),
        ),
        Case::bad(
            "signed-by-us-for-another-trust-domain",
            "unknown_issuer",
            "of-another-trust-domain-that-we-know",
            leaf(theirs, "root", "root"),
        ),
        Case::bad(
            "signed-by-nobody-we-know",
            "unknown_issuer",
            "plain",
            leaf(ID, "some root", "impostor"),
        ),
        Case::bad(
            "signed-by-an-expired-root",
            "root_not_in_force",
            "plain",
            leaf(ID, "old root", "first"),
        ),
        Case::bad(
            "signed-by-a-root-of-the-future",
            "root_not_in_force",
            "plain",
            leaf(ID, "next root", "second"),
        ),
        Case::bad(
            "is-the-root-itself",
            "ca_as_leaf",
            "plain",
            keys.by_root(&root),
        )
        .with_key("root"),
    ]
}

/// A good intermediate, whose key has the same name.
fn intermediate(keys: &Keys, key: &str, issuer: &str) -> Certificate {
    Certificate::authority(DOMAIN, key, keys.get(key), issuer)
}

/// A leaf below `first`, which the root signs.
fn below(keys: &Keys, first: &Certificate) -> Vec<Vec<u8>> {
    let leaf = Certificate::leaf(ID, keys.get("leaf"), "first");
    vec![leaf.sign(keys.get("first")), first.sign(keys.get("root"))]
}

fn lengths(keys: &Keys) -> Vec<Case> {
    let first = intermediate(keys, "first", "second").sign(keys.get("second"));
    let second = intermediate(keys, "second", "third").sign(keys.get("third"));
    let third = intermediate(keys, "third", "root").sign(keys.get("root"));
    let leaf = Certificate::leaf(ID, keys.get("leaf"), "first").sign(keys.get("first"));
    let root = Certificate::authority(DOMAIN, "root", keys.get("root"), "root");
    let four = vec![leaf, first, second, third];
    let five = [four.clone(), keys.by_root(&root)].concat();

    let twins = |count: usize| {
        // One name, another key each time: what makes path building expensive.
        let names = ["impostor", "other", "second", "third"].into_iter().cycle();
        let more = names.take(count).map(|key| {
            Certificate::authority(DOMAIN, "first", keys.get(key), "first").sign(keys.get(key))
        });
        let mut chain = below(keys, &intermediate(keys, "first", "root"));
        chain.extend(more);
        chain
    };
    let large = |bytes| {
        let pad = |certificate: Certificate| certificate.with_lax(UNKNOWN, vec![0; bytes]);
        let first = pad(intermediate(keys, "first", "second")).sign(keys.get("second"));
        let second = pad(intermediate(keys, "second", "root")).sign(keys.get("root"));
        let leaf = Certificate::leaf(ID, keys.get("leaf"), "first");
        vec![leaf.sign(keys.get("first")), first, second]
    };
    vec![
        Case::good("chain-has-four-certificates", four),
        Case::good("chain-has-fifteen-thousand-bytes", large(7000)),
        Case::bad(
            "chain-has-five-certificates",
            "chain_too_long",
            "chain-has-four-certificates",
            five,
        ),
        Case::bad(
            "chain-has-ten-certificates-of-one-name",
            "chain_too_long",
            "through-an-intermediate",
            twins(8),
        ),
        Case::bad(
            "chain-has-two-intermediates-of-one-name",
            "duplicate_subject",
            "through-an-intermediate",
            twins(1),
        ),
        Case::bad(
            "chain-has-seventeen-thousand-bytes",
            "chain_too_large",
            "chain-has-fifteen-thousand-bytes",
            large(7700),
        ),
    ]
}

fn orders(keys: &Keys) -> Vec<Case> {
    let first = intermediate(keys, "first", "root");
    let chain = || below(keys, &first);
    let root = Certificate::authority(DOMAIN, "root", keys.get("root"), "root");
    let with = |more: Vec<u8>| [chain(), vec![more]].concat();
    let mut reversed = chain();
    reversed.reverse();
    let alone = vec![chain().remove(0)];
    let stranger = keys.plain().sign(keys.get("root"));
    let twin = "through-an-intermediate";
    vec![
        Case::good(twin, chain()),
        Case::good("brings-its-root-along", with(root.sign(keys.get("root")))),
        Case::bad(
            "leaves-its-intermediate-at-home",
            "unknown_issuer",
            twin,
            alone,
        ),
        Case::bad("comes-after-its-intermediate", "ca_as_leaf", twin, reversed),
        Case::bad(
            "brings-another-leaf-along",
            "issuer_not_ca",
            twin,
            with(stranger),
        ),
        Case::bad(
            "brings-rubbish-along",
            "issuer_malformed",
            twin,
            with(b"hello".to_vec()),
        ),
    ]
}

fn named(keys: &Keys, ids: &[&str]) -> Certificate {
    let ids: Vec<_> = ids.iter().map(|id| uri(id.as_bytes())).collect();
    intermediate(keys, "first", "root").named(&ids)
}

/// An intermediate that has no right to be one.
fn usages(keys: &Keys) -> Vec<Case> {
    let first = || intermediate(keys, "first", "root");
    let bad = |slug, reason, first: Certificate| {
        Case::bad(slug, reason, "through-an-intermediate", below(keys, &first))
    };
    let unsigning = "issuer_without_key_cert_sign";
    let clients = sequence(&[oid(CLIENT_AUTH)]);
    let svid = Certificate::leaf(ID, keys.get("first"), "root")
        .change(|svid| svid.subject = name("first"));
    vec![
        bad(
            "intermediate-may-not-sign",
            unsigning,
            first().with(KEY_USAGE, key_usage(CRL_SIGN)),
        ),
        bad(
            "intermediate-does-not-say-what-its-key-is-for",
            unsigning,
            first().without(KEY_USAGE),
        ),
        bad(
            "intermediate-says-that-it-is-no-ca",
            "issuer_not_ca",
            first().with(BASIC_CONSTRAINTS, sequence(&[])),
        ),
        bad(
            "intermediate-does-not-say-that-it-is-a-ca",
            "issuer_not_ca",
            first().without(BASIC_CONSTRAINTS),
        ),
        bad("intermediate-is-a-workload", "issuer_not_ca", svid),
        bad(
            "intermediate-is-for-clients-only",
            "issuer_extended_key_usage_incomplete",
            first().with_lax(EXTENDED_KEY_USAGE, clients),
        ),
    ]
}

/// An intermediate of the wrong name or time.
fn names_and_dates(keys: &Keys) -> Vec<Case> {
    let first = || intermediate(keys, "first", "root");
    let bad = |slug, reason, first: Certificate| {
        Case::bad(slug, reason, "through-an-intermediate", below(keys, &first))
    };
    let dates = |from, to| first().change(|first| (first.not_before, first.not_after) = (from, to));
    let other = "spiffe://other.example";
    let silent = first().without(ALTERNATIVE_NAMES);
    let page = named(keys, &["https://prod.example/ca"]);
    let constrained = first().with(NAME_CONSTRAINTS, only_uris_of("prod.example"));
    vec![
        Case::good(
            "through-an-intermediate-without-an-id",
            below(keys, &silent),
        ),
        Case::good("through-an-intermediate-with-a-page", below(keys, &page)),
        Case::good(
            "through-an-intermediate-that-ends-first",
            below(keys, &dates(NOW - DAY, NOW + 60)),
        ),
        bad(
            "intermediate-is-of-another-trust-domain",
            "issuer_of_other_trust_domain",
            named(keys, &[other]),
        ),
        bad(
            "intermediate-has-an-id-with-a-path",
            "issuer_id_with_path",
            named(keys, &["spiffe://prod.example/ca"]),
        ),
        bad(
            "intermediate-has-a-malformed-id",
            "issuer_bad_id",
            named(keys, &["spiffe://PROD.example"]),
        ),
        bad(
            "intermediate-has-two-ids",
            "issuer_several_ids",
            named(keys, &[DOMAIN, other]),
        ),
        bad(
            "intermediate-has-expired",
            "issuer_not_in_force",
            dates(NOW - DAY, NOW - 1),
        ),
        bad(
            "intermediate-is-of-the-future",
            "issuer_not_in_force",
            dates(NOW + 31, NOW + DAY),
        ),
        bad(
            "intermediate-has-a-uri-constraint",
            "name_constraint",
            constrained,
        ),
    ]
}

/// A key that is in the wrong hands.
fn intermediate_keys(keys: &Keys) -> [Case; 2] {
    let twin = "through-an-intermediate";
    let impostor = Certificate::authority(DOMAIN, "first", keys.get("impostor"), "root");
    let below_impostor = Certificate::leaf(ID, keys.get("leaf"), "first");
    let impostor = vec![
        below_impostor.sign(keys.get("impostor")),
        impostor.sign(keys.get("impostor")),
    ];
    let first = intermediate(keys, "first", "root");
    let sharing = Certificate::leaf(ID, keys.get("first"), "first");
    let shared = vec![
        sharing.sign(keys.get("first")),
        first.sign(keys.get("root")),
    ];
    [
        Case::bad(
            "intermediate-is-an-impostor",
            "bad_signature",
            twin,
            impostor,
        ),
        Case::bad("key-is-the-intermediates", "key_of_authority", twin, shared).with_key("first"),
    ]
}

fn path_lengths(keys: &Keys) -> [Case; 2] {
    let chain = |length: u8| {
        let limit = sequence(&[truth(), integer(&[length])]);
        let second = intermediate(keys, "second", "root").with(BASIC_CONSTRAINTS, limit);
        let first = intermediate(keys, "first", "second");
        let leaf = Certificate::leaf(ID, keys.get("leaf"), "first");
        vec![
            leaf.sign(keys.get("first")),
            first.sign(keys.get("second")),
            second.sign(keys.get("root")),
        ]
    };
    let twin = "path-length-is-just-enough";
    [
        Case::good(twin, chain(1)),
        Case::bad("path-length-is-exceeded", "path_length", twin, chain(0)),
    ]
}

/// Name constraints that permit URIs of one host.
fn only_uris_of(host: &str) -> Vec<u8> {
    sequence(&[tlv(0xa0, &sequence(&[uri(host.as_bytes())]))])
}

const UNKNOWN: &str = "1.3.6.1.4.1.99999.1";
