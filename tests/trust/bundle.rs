//! Which certificates may be roots, and of what.

use portreeve::x509::Bundle;
use portreeve::x509::BundleError;
use portreeve::x509::Bundles;
use portreeve::x509::BundlesError;
use portreeve::x509::CaCertificateError;

use crate::corpus;

#[test]
fn a_bundle_keeps_its_roots_in_order() {
    let roots = corpus::chain("prod.example.bundle.pem");
    let bundle = Bundle::new("prod.example".parse().unwrap(), roots.clone()).unwrap();
    assert!(bundle.certificates().eq(&roots));
    assert_eq!(bundle.roots().count(), 3);
    assert_eq!(bundle.trust_domain().as_str(), "prod.example");
}

#[test]
fn what_may_not_sign_is_no_root() {
    let trust_domain: portreeve::id::TrustDomain = "prod.example".parse().unwrap();
    let with = |file: &str| {
        let mut roots = corpus::chain("prod.example.bundle.pem");
        roots.push(corpus::chain(file).pop().unwrap());
        Bundle::new(trust_domain.clone(), roots).map(|bundle| bundle.roots().count())
    };
    let bad = |cause| {
        Err(BundleError::BadRoot {
            index: 3,
            trust_domain: trust_domain.clone(),
            cause,
        })
    };
    assert_eq!(with("good/through-an-intermediate.pem"), Ok(4));
    assert_eq!(
        with("good/plain.pem"),
        bad(CaCertificateError::NotAnAuthority)
    );
    assert_eq!(
        with("bad/intermediate-may-not-sign.pem"),
        bad(CaCertificateError::NoCertificateSign)
    );
    assert_eq!(
        with("bad/intermediate-has-an-id-with-a-path.pem"),
        bad(CaCertificateError::IdWithPath)
    );
    assert_eq!(
        with("other.example.bundle.pem"),
        Err(BundleError::OtherTrustDomain {
            index: 3,
            trust_domain,
            found: "spiffe://other.example".parse().unwrap()
        })
    );
}

#[test]
fn bundles_of_one_trust_domain_are_not_merged() {
    let bundle = || {
        let roots = corpus::chain("prod.example.bundle.pem");
        Bundle::new("prod.example".parse().unwrap(), roots).unwrap()
    };
    assert!(Bundles::new([bundle()]).is_ok());
    assert_eq!(
        Bundles::new([bundle(), bundle()]).err(),
        Some(BundlesError::Duplicate {
            trust_domain: "prod.example".parse().unwrap()
        })
    );
}
