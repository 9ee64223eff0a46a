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
fn bundles_are_the_same_if_every_root_is() {
    let bundle = |name: &str, roots: &[usize]| {
        let all = corpus::chain(&format!("{name}.bundle.pem"));
        let roots: Vec<_> = roots.iter().map(|&root| all[root].clone()).collect();
        Bundle::new(name.parse().unwrap(), roots).unwrap()
    };
    let prod = |roots: &[usize]| bundle("prod.example", roots);
    let other = || bundle("other.example", &[0]);
    let one = Bundles::new([prod(&[0, 1]), other()]).unwrap();
    assert!(one.are(&Bundles::new([other(), prod(&[0, 1])]).unwrap()));
    for all in [
        vec![prod(&[0, 1])],
        vec![prod(&[0]), other()],
        vec![prod(&[0, 2]), other()],
        vec![prod(&[0, 1, 2]), other()],
    ] {
        let others = Bundles::new(all).unwrap();
        assert!(!one.are(&others) && !others.are(&one), "{others:?}");
    }
    let (ours, theirs) = (prod(&[0]), other());
    let of = |bundle: Bundle| Bundles::new([bundle]).unwrap();
    assert!(!of(ours).are(&of(theirs)));
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
