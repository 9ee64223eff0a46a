//! What a request for a certificate says, and what becomes of it.

use std::process::Command;
use std::time::Duration;

use portreeve::rpc::authority::IssueResponse;
use portreeve::x509::make_request;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PublicKeyData as _;
use rcgen::SanType;
use tonic::Status;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::authority::petitioner::believed;
use crate::authority::petitioner::key;
use crate::authority::petitioner::svid;
use crate::authority::renewal::joined;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_request_decides_nothing_but_the_key() {
    let (town, web) = joined("");
    let pair = key();
    let given = town.workload(&web).ask(&greedy(&pair), None, "").unwrap();
    let leaf = believed(&town, &given.chain);
    assert_eq!(leaf.id(), web.id());
    assert_eq!(leaf.lifetime(), Duration::from_secs(3600 + 10));
    assert_eq!(leaf.public_key(), pair.subject_public_key_info());
    let der = &given.chain[0];
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    assert_eq!(certificate.subject().iter().count(), 0);
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names.len(), 1);
    assert!(!certificate.is_ca());
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign());
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(!usage.any && !usage.code_signing && usage.other.is_empty());
    assert_eq!(
        town.records.next().says(["decision", "spiffe_id"]),
        "permit spiffe://mesh.example/web"
    );
    svid(given.chain, &pair);
}

#[test]
fn a_request_with_a_weak_key_or_a_false_signature_is_refused() {
    let (town, web) = joined("");
    let workload = town.workload(&web);
    let good = make_request(&key()).unwrap().to_vec();
    let mut unsigned = good.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    let mut swapped = good.clone();
    // The same request for another key: its signature is not that one's.
    let (at, bytes) = key_in(&good);
    swapped[at..at + bytes].copy_from_slice(&key().subject_public_key_info()[26..]);
    let cases = [
        (
            by_openssl(&["rsa:1024"]),
            "the requested key is not acceptable",
        ),
        (unsigned, "the request is not signed with its own key"),
        (swapped, "the request is not signed with its own key"),
        (
            [good.as_slice(), &[0]].concat(),
            "it is not a DER certificate signing request",
        ),
        (Vec::new(), "it is not a DER certificate signing request"),
        (
            good[..good.len() - 1].to_vec(),
            "it is not a DER certificate signing request",
        ),
        (
            web.chain()[0].to_vec(),
            "it is not a DER certificate signing request",
        ),
        (
            vec![0x30; 8 * 1024 + 1],
            "the request has 8193 bytes, more than 8192",
        ),
        (
            vec![0x30; 60 * 1024],
            "the request has 61440 bytes, more than 8192",
        ),
    ];
    for (csr, why) in cases {
        refuse(&town, workload.ask(&csr, None, ""), why);
        workload.ask(&good, None, "").unwrap();
        assert_eq!(town.records.next().text("decision"), "permit");
    }
    // What is far too long is not even read.
    let told = refused(workload.ask(&vec![0x30; 65 * 1024], None, ""));
    assert!(told.starts_with("OutOfRange: "), "{told}");
    town.records.are_all_read();
    for kind in [&["rsa:2048"][..], &["ec", "ec_paramgen_curve:P-384"]] {
        let given = workload.ask(&by_openssl(kind), None, "").unwrap();
        believed(&town, &given.chain);
        assert_eq!(town.records.next().text("decision"), "permit");
    }
}

#[test]
fn a_wish_chooses_among_what_was_proved_and_adds_nothing() {
    let (town, web) = joined("");
    let workload = town.workload(&web);
    let csr = make_request(&key()).unwrap();
    for (wish, why) in [
        (
            "spiffe://mesh.example/orders",
            "PermissionDenied: no entry names a workload of which",
        ),
        (
            "spiffe://other.example/web",
            "PermissionDenied: no entry names a workload of which",
        ),
        (
            "spiffe://mesh.example/portreeve/authority",
            "PermissionDenied: no entry names",
        ),
        (
            "web",
            "InvalidArgument: what is wished for is not a SPIFFE ID",
        ),
        (
            "spiffe://mesh.example/web/",
            "InvalidArgument: what is wished for is not a SPIFFE ID",
        ),
    ] {
        let told = refused(workload.ask(&csr, None, wish));
        assert!(told.starts_with(why), "{wish}: {told}");
        let reason = town.records.next().says(["decision", "reason"]);
        let expected = if why.starts_with('P') {
            "deny no_entry"
        } else {
            "refused bad_spiffe_id"
        };
        assert_eq!(reason, expected, "{wish}");
    }
    let wish = "spiffe://mesh.example/web";
    let given = workload.ask(&csr, None, wish).unwrap();
    assert_eq!(believed(&town, &given.chain).id().as_str(), wish);
}

#[test]
fn no_svid_holds_longer_than_its_entry_says_or_the_root() {
    let (_town, web) = joined("root_ttl_s: 86400\nsvid_ttl_s: 60");
    assert_eq!(web.leaf().lifetime(), Duration::from_secs(3600 + 10));
    let (town, web) = joined("root_ttl_s: 3000");
    let roots = town.roots();
    let domain = "mesh.example".parse().unwrap();
    let root = roots.get(&domain).unwrap().roots().next().unwrap();
    assert_eq!(web.not_after(), root.not_after());
    assert_eq!(web.leaf().lifetime(), Duration::from_secs(3000 + 10));
}

fn refuse(town: &Town, outcome: Result<IssueResponse, Status>, why: &str) {
    let told = refused(outcome);
    let expected = format!(
        "InvalidArgument: no certificate can be issued: the request is not acceptable: {why}"
    );
    assert!(told.starts_with(&expected), "{told}");
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "proof", "serial"]),
        "refused bad_request svid ",
        "{told}"
    );
}

/// A request that asks for all that nobody should get.
fn greedy(pair: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(["admin.mesh.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "root");
    let other = "spiffe://mesh.example/admin".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(other));
    let address = [127, 0, 0, 1].into();
    params.subject_alt_names.push(SanType::IpAddress(address));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::Any,
        ExtendedKeyUsagePurpose::CodeSigning,
    ];
    params.serialize_request(pair).unwrap().der().to_vec()
}

/// Where the point of the P-256 key in `csr` is, and how long it is.
fn key_in(csr: &[u8]) -> (usize, usize) {
    const UNCOMPRESSED: [u8; 4] = [0x03, 0x42, 0x00, 0x04];
    let at = csr
        .windows(4)
        .position(|window| window == UNCOMPRESSED)
        .unwrap();
    (at + 3, 65)
}

/// A request by another program, for a key of another kind.
fn by_openssl(kind: &[&str]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-new",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=x",
    ]);
    command.args(["-outform", "DER", "-newkey", kind[0]]);
    for option in &kind[1..] {
        command.args(["-pkeyopt", option]);
    }
    let made = command.output().unwrap();
    assert!(
        made.status.success(),
        "{:?}",
        String::from_utf8(made.stderr)
    );
    made.stdout
}
