//! What the leaf may be used for, and when.

use crate::Case;
use crate::certificate::BASIC_CONSTRAINTS;
use crate::certificate::CERTIFICATE_SIGN;
use crate::certificate::CLIENT_AUTH;
use crate::certificate::CRL_SIGN;
use crate::certificate::Certificate;
use crate::certificate::DAY;
use crate::certificate::DIGITAL_SIGNATURE;
use crate::certificate::EXTENDED_KEY_USAGE;
use crate::certificate::HOUR;
use crate::certificate::KEY_ENCIPHERMENT;
use crate::certificate::KEY_USAGE;
use crate::certificate::NOW;
use crate::certificate::SERVER_AUTH;
use crate::certificate::key_usage;
use crate::der::oid;
use crate::der::sequence;
use crate::der::truth;
use crate::keys::Keys;

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = authority_flag(keys);
    cases.extend(usages(keys));
    cases.extend(extended(keys));
    cases.extend(dates(keys));
    cases
}

fn authority_flag(keys: &Keys) -> Vec<Case> {
    let constraints = |value| {
        let leaf = keys.plain().with(BASIC_CONSTRAINTS, value);
        keys.by_root(&leaf)
    };
    let silent = keys.plain().without(BASIC_CONSTRAINTS);
    let lax = keys.plain().with_lax(BASIC_CONSTRAINTS, sequence(&[]));
    vec![
        Case::good("basic-constraints-are-not-critical", keys.by_root(&lax)),
        Case::bad(
            "does-not-say-that-it-is-no-ca",
            "no_basic_constraints",
            "plain",
            keys.by_root(&silent),
        ),
        Case::bad(
            "says-that-it-is-a-ca",
            "ca_as_leaf",
            "plain",
            constraints(sequence(&[truth()])),
        ),
    ]
}

fn usages(keys: &Keys) -> Vec<Case> {
    let usage = |usage| keys.by_root(&keys.plain().with(KEY_USAGE, key_usage(usage)));
    let lax = keys
        .plain()
        .with_lax(KEY_USAGE, key_usage(DIGITAL_SIGNATURE));
    let silent = keys.plain().without(KEY_USAGE);
    let twin = "key-may-sign-and-encipher";
    vec![
        Case::good(twin, usage(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT)),
        Case::bad(
            "does-not-say-what-its-key-is-for",
            "no_key_usage",
            "plain",
            keys.by_root(&silent),
        ),
        Case::bad(
            "key-usage-is-not-critical",
            "key_usage_not_critical",
            "plain",
            keys.by_root(&lax),
        ),
        Case::bad(
            "key-may-encipher-only",
            "no_digital_signature",
            twin,
            usage(KEY_ENCIPHERMENT),
        ),
        Case::bad(
            "key-may-sign-certificates",
            "key_cert_sign",
            twin,
            usage(DIGITAL_SIGNATURE | CERTIFICATE_SIGN),
        ),
        Case::bad(
            "key-may-sign-revocation-lists",
            "crl_sign",
            twin,
            usage(DIGITAL_SIGNATURE | CRL_SIGN),
        ),
    ]
}

fn extended(keys: &Keys) -> Vec<Case> {
    let list = |usages: &[&str]| {
        let usages: Vec<_> = usages.iter().map(|usage| oid(usage)).collect();
        sequence(&usages)
    };
    let extended = |usages| keys.by_root(&keys.plain().with_lax(EXTENDED_KEY_USAGE, list(usages)));
    let critical = keys
        .plain()
        .with(EXTENDED_KEY_USAGE, list(&[CLIENT_AUTH, SERVER_AUTH]));
    let silent = keys.plain().without(EXTENDED_KEY_USAGE);
    let twin = "is-for-both-ends-and-more";
    let reason = "extended_key_usage_incomplete";
    vec![
        Case::good(twin, extended(&[CLIENT_AUTH, CODE_SIGNING, SERVER_AUTH])),
        Case::good("extended-key-usage-is-critical", keys.by_root(&critical)),
        Case::bad(
            "does-not-say-which-end-it-is-for",
            "no_extended_key_usage",
            "plain",
            keys.by_root(&silent),
        ),
        Case::bad(
            "is-for-clients-only",
            reason,
            twin,
            extended(&[CLIENT_AUTH]),
        ),
        Case::bad(
            "is-for-servers-only",
            reason,
            twin,
            extended(&[SERVER_AUTH]),
        ),
        Case::bad("is-for-anything", reason, twin, extended(&[ANY_USAGE])),
        Case::bad(
            "is-for-signing-code",
            reason,
            twin,
            extended(&[CODE_SIGNING]),
        ),
    ]
}

fn dates(keys: &Keys) -> Vec<Case> {
    let valid = |from, to| {
        let leaf: Certificate = keys.plain();
        keys.by_root(&leaf.change(|leaf| (leaf.not_before, leaf.not_after) = (from, to)))
    };
    vec![
        Case::good("expires-this-second", valid(NOW - HOUR, NOW)),
        Case::good("begins-within-the-skew", valid(NOW + 30, NOW + HOUR)),
        Case::good(
            "holds-for-92-days",
            valid(NOW - HOUR, NOW - HOUR + 92 * DAY),
        ),
        Case::bad(
            "expired-a-second-ago",
            "expired",
            "expires-this-second",
            valid(NOW - HOUR, NOW - 1),
        ),
        Case::bad(
            "expired-ten-years-ago",
            "expired",
            "plain",
            valid(NOW - 3651 * DAY, NOW - 3650 * DAY),
        ),
        Case::bad(
            "begins-beyond-the-skew",
            "not_yet_valid",
            "begins-within-the-skew",
            valid(NOW + 31, NOW + HOUR),
        ),
        Case::bad(
            "begins-in-a-year",
            "not_yet_valid",
            "plain",
            valid(NOW + 365 * DAY, NOW + 366 * DAY),
        ),
        Case::bad(
            "holds-for-92-days-and-a-second",
            "lifetime_too_long",
            "holds-for-92-days",
            valid(NOW - HOUR, NOW - HOUR + 92 * DAY + 1),
        ),
        Case::bad(
            "holds-for-ten-years",
            "lifetime_too_long",
            "plain",
            valid(NOW - DAY, NOW + 3650 * DAY),
        ),
        Case::bad(
            "ends-before-it-begins",
            "validity_reversed",
            "plain",
            valid(NOW + HOUR, NOW - HOUR),
        ),
    ]
}

const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const ANY_USAGE: &str = "2.5.29.37.0";
