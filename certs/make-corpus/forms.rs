//! How the leaf is written, and with which keys.

use rcgen::KeyPair;
use rcgen::PublicKeyData as _;

use crate::Case;
use crate::certificate::ALTERNATIVE_NAMES;
use crate::certificate::Certificate;
use crate::certificate::Extension;
use crate::certificate::KEY_USAGE;
use crate::certificate::public_key;
use crate::certificate::uri;
use crate::der::integer;
use crate::der::octets;
use crate::der::oid;
use crate::der::sequence;
use crate::der::tlv;
use crate::keys::ID;
use crate::keys::Keys;

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = numbers(keys);
    cases.extend(extensions(keys));
    cases.extend(bytes(keys));
    cases.extend(good_keys(keys));
    cases.extend(bad_keys(keys));
    cases.extend(signatures(keys));
    cases
}

fn numbers(keys: &Keys) -> Vec<Case> {
    let serial = |serial: &[u8]| {
        let leaf = keys.plain();
        keys.by_root(&leaf.change(|leaf| leaf.serial = serial.to_vec()))
    };
    let old = |version| keys.by_root(&keys.plain().change(|leaf| leaf.version = version));
    let padded = [&[0], [0xff; 20].as_slice()].concat();
    let twin = "serial-has-20-bytes";
    vec![
        Case::good(twin, serial(&padded)),
        Case::good("serial-is-one", serial(&[1])),
        Case::bad(
            "serial-is-zero",
            "bad_serial",
            "serial-is-one",
            serial(&[0]),
        ),
        Case::bad(
            "serial-is-negative",
            "bad_serial",
            "serial-is-one",
            serial(&[0xff]),
        ),
        Case::bad(
            "serial-has-21-bytes",
            "bad_serial",
            twin,
            serial(&[0x41; 22]),
        ),
        Case::bad("version-is-1", "bad_version", "plain", old(None)),
        Case::bad("version-is-2", "bad_version", "plain", old(Some(1))),
    ]
}

fn extensions(keys: &Keys) -> Vec<Case> {
    let odd = || octets(b"?");
    let lax = keys.plain().with_lax(UNKNOWN, odd());
    let critical = keys.plain().with(UNKNOWN, odd());
    let twice = |oid, value| {
        let leaf = keys.plain();
        keys.by_root(&leaf.change(|leaf| {
            leaf.extensions.push(Extension {
                oid,
                critical: true,
                value,
            });
        }))
    };
    let broken = |oid| keys.by_root(&keys.plain().with(oid, tlv(0x30, &[0x82])));
    let admin = sequence(&[uri(b"spiffe://prod.example/admin")]);
    let open = crate::certificate::key_usage(crate::certificate::DIGITAL_SIGNATURE);
    let twin = "has-an-unknown-extension";
    vec![
        Case::good(twin, keys.by_root(&lax)),
        Case::bad(
            "has-an-unknown-critical-extension",
            "unknown_critical_extension",
            twin,
            keys.by_root(&critical),
        ),
        Case::bad(
            "has-alternative-names-twice",
            "duplicate_extension",
            "plain",
            twice(ALTERNATIVE_NAMES, admin),
        ),
        Case::bad(
            "has-key-usage-twice",
            "duplicate_extension",
            "plain",
            twice(KEY_USAGE, open),
        ),
        Case::bad(
            "alternative-names-are-malformed",
            "malformed_extension",
            "plain",
            broken(ALTERNATIVE_NAMES),
        ),
        Case::bad(
            "key-usage-is-malformed",
            "malformed_extension",
            "plain",
            broken(KEY_USAGE),
        ),
    ]
}

fn bytes(keys: &Keys) -> Vec<Case> {
    let plain = || keys.plain().sign(keys.get("root"));
    let padded = |bytes: usize| {
        let leaf = keys.plain().with_lax(UNKNOWN, vec![0; bytes]);
        keys.by_root(&leaf)
    };
    let half = plain()[..200].to_vec();
    let longer = [plain(), vec![0]].concat();
    let twin = "has-eight-thousand-bytes";
    vec![
        Case::good(twin, padded(7500)),
        Case::bad(
            "has-nine-thousand-bytes",
            "certificate_too_large",
            twin,
            padded(8500),
        ),
        Case::bad("is-cut-off", "malformed", "plain", vec![half]),
        Case::bad(
            "is-not-a-certificate",
            "malformed",
            "plain",
            vec![b"hello".to_vec()],
        ),
        Case::bad(
            "is-followed-by-a-byte",
            "trailing_bytes",
            "plain",
            vec![longer],
        ),
    ]
}

fn good_keys(keys: &Keys) -> Vec<Case> {
    ["leaf-p384", "leaf-ed25519", "leaf-rsa2048"]
        .into_iter()
        .zip(["key-is-p384", "key-is-ed25519", "key-is-rsa-2048"])
        .map(|(key, slug)| {
            let leaf = Certificate::leaf(ID, keys.get(key), "root");
            Case::good(slug, keys.by_root(&leaf)).with_key(key)
        })
        .collect()
}

fn bad_keys(keys: &Keys) -> Vec<Case> {
    let keyed = |key| {
        let leaf = keys.plain();
        keys.by_root(&leaf.change(|leaf| leaf.public_key = key))
    };
    let curve = |curve: &str, point: &[u8]| keyed(public_key(EC, oid(curve), point));
    let own = keys.get("leaf").public_key_raw();
    let compressed = [&[2 + (own[64] & 1)], &own[1..33]].concat();
    let short = &own[..64];
    let theirs = |name| keyed(KeyPair::subject_public_key_info(keys.get(name)));
    let dsa = public_key(
        DSA,
        sequence(&[integer(&[5]), integer(&[3]), integer(&[2])]),
        &integer(&[2]),
    );
    vec![
        Case::bad(
            "key-is-rsa-1024",
            "key_too_short",
            "key-is-rsa-2048",
            keyed(rsa(128)),
        ),
        Case::bad(
            "key-is-rsa-16384",
            "key_too_long",
            "key-is-rsa-2048",
            keyed(rsa(2048)),
        ),
        Case::bad(
            "key-is-p192",
            "key_unsupported",
            "key-is-p384",
            curve(P192, &[4; 49]),
        ),
        Case::bad(
            "key-is-secp256k1",
            "key_unsupported",
            "key-is-p384",
            curve(K256, own),
        ),
        Case::bad("key-is-dsa", "key_unsupported", "plain", keyed(dsa)),
        Case::bad(
            "key-is-compressed",
            "key_malformed",
            "plain",
            curve(P256, &compressed),
        ),
        Case::bad(
            "key-is-cut-off",
            "key_malformed",
            "plain",
            curve(P256, short),
        ),
        Case::bad(
            "key-is-the-roots",
            "key_of_authority",
            "plain",
            theirs("root"),
        )
        .with_key("root"),
    ]
}

fn signatures(keys: &Keys) -> Vec<Case> {
    let algorithms = |inner, outer| {
        let leaf = keys.plain();
        keys.by_root(&leaf.change(|leaf| leaf.algorithms = [inner, outer]))
    };
    let signed = |key| vec![keys.plain().sign(keys.get(key))];
    let mut forged = keys.plain().sign(keys.get("root"));
    let at = forged.windows(3).position(|bytes| bytes == b"web").unwrap();
    forged[at] = b'W';
    let own = Certificate::leaf(ID, keys.get("leaf"), "web").sign(keys.get("leaf"));
    let sha256 = crate::certificate::ECDSA_SHA256;
    vec![
        Case::bad(
            "signed-with-sha1",
            "unsupported_signature",
            "plain",
            algorithms(ECDSA_SHA1, ECDSA_SHA1),
        ),
        Case::bad(
            "signed-with-two-algorithms",
            "unsupported_signature",
            "plain",
            algorithms(sha256, ECDSA_SHA384),
        ),
        Case::bad(
            "signed-by-an-impostor-of-the-root",
            "bad_signature",
            "plain",
            signed("impostor"),
        ),
        Case::bad("signed-by-itself", "unknown_issuer", "plain", vec![own]),
        Case::bad(
            "changed-after-it-was-signed",
            "bad_signature",
            "plain",
            vec![forged],
        ),
    ]
}

/// An RSA public key with a modulus of so many bytes; nobody has its private half.
fn rsa(modulus_bytes: usize) -> Vec<u8> {
    let modulus = [&[0], vec![0xc5; modulus_bytes].as_slice()].concat();
    let key = sequence(&[integer(&modulus), integer(&[1, 0, 1])]);
    public_key(RSA, vec![5, 0], &key)
}

const UNKNOWN: &str = "1.3.6.1.4.1.99999.1";
const EC: &str = "1.2.840.10045.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";
const DSA: &str = "1.2.840.10040.4.1";
const P192: &str = "1.2.840.10045.3.1.1";
const P256: &str = "1.2.840.10045.3.1.7";
const K256: &str = "1.3.132.0.10";
const ECDSA_SHA1: &str = "1.2.840.10045.4.1";
const ECDSA_SHA384: &str = "1.2.840.10045.4.3.3";
