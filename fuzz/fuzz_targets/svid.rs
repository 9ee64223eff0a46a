//! Any bytes as a certificate: an answer, never a panic; and what is believed
//! is an SVID of the trust domain that vouches for it.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::CaCertificate;
use portreeve::x509::Leaf;
use portreeve::x509::Limits;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::read_request;
use portreeve::x509::verify;
use rustls_pki_types::CertificateDer;

const ROOTS: &[u8] = include_bytes!("../../certs/corpus/prod.example.bundle.pem");

/// The date for which the corpus was made.
const NOW: Duration = Duration::from_secs(1_893_456_000);

fuzz_target!(|input: &[u8]| {
    drop(CaCertificate::parse(input));
    drop(read_request(input));
    drop(certificates_from_pem(input, "input"));
    if let Ok(leaf) = Leaf::parse(input) {
        assert!(!leaf.id().path().is_empty(), "an SVID without a path");
        assert!(leaf.not_before() <= leaf.not_after());
    }

    // Two certificates, parted by the first byte.
    let Some((&at, rest)) = input.split_first() else {
        return;
    };
    let (first, second) = rest.split_at(usize::from(at).saturating_mul(8).min(rest.len()));
    let roots = certificates_from_pem(ROOTS, "roots").unwrap();
    let bundle = Bundle::new("prod.example".parse().unwrap(), roots).unwrap();
    let bundles = Bundles::new([bundle]).unwrap();
    let now = SystemTime::UNIX_EPOCH + NOW;
    for chain in [&[rest][..], &[first, second]] {
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
        if let Ok(leaf) = verify(&chain, &bundles, now, &Limits::default()) {
            assert_eq!(leaf.id().trust_domain().as_str(), "prod.example");
        }
    }
});
