//! Chains that the corpus has no room for: each made here, of certificates like our own.

use std::time::Duration;
use std::time::SystemTime;

use portreeve::id::TrustDomain;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::CaCertificate;
use portreeve::x509::CaTemplate;
use portreeve::x509::ChainError;
use portreeve::x509::Leaf;
use portreeve::x509::LeafError;
use portreeve::x509::Limits;
use portreeve::x509::SvidTemplate;
use portreeve::x509::make_request;
use portreeve::x509::read_request;
use portreeve::x509::verify;
use rcgen::Issuer;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;

#[test]
fn a_leaf_holds_for_an_instant_at_least() {
    let root = Ca::root(1, [at(0), at(9_000)]);
    let leaf =
        |ends| Leaf::parse(&root.signs_leaf([at(60), at(ends)])).map(|leaf| leaf.not_after());
    assert_eq!(leaf(60), Ok(at(60)));
    assert_eq!(leaf(61), Ok(at(61)));
    assert_eq!(leaf(59), Err(LeafError::ValidityReversed));
}

#[test]
fn a_leaf_names_whoever_signed_it() {
    let (one, other) = (Ca::root(1, [at(0), at(9)]), Ca::root(2, [at(0), at(9)]));
    let leaf = Leaf::parse(&one.signs_leaf([at(0), at(9)])).unwrap();
    let authority = |ca: &Ca| CaCertificate::parse(&ca.certificate).unwrap();
    assert!(leaf.names_as_issuer(&authority(&one)));
    assert!(!leaf.names_as_issuer(&authority(&other)));
}

#[test]
fn a_root_that_has_lapsed_is_told_from_one_that_is_not_known() {
    let (lapsed, good) = (
        Ca::root(1, [at(0), at(100)]),
        Ca::root(2, [at(0), at(9_000)]),
    );
    let bundles = bundles(&[&lapsed, &good]);
    let long = [at(0), at(9_000)];
    let judged = |chain: &[CertificateDer<'static>]| {
        verify(chain, &bundles, at(200), &Limits::default()).map(|leaf| leaf.not_after())
    };
    for (root, outcome) in [(&good, None), (&lapsed, Some(ChainError::RootNotInForce))] {
        let below = root.signs_ca(3, long);
        for chain in [
            vec![root.signs_leaf(long)],
            vec![below.signs_leaf(long), below.certificate.clone()],
        ] {
            assert_eq!(judged(&chain).err(), outcome, "{}", chain.len());
        }
    }
    let stranger = Ca::root(4, long);
    let below = stranger.signs_ca(5, long);
    for chain in [
        vec![stranger.signs_leaf(long)],
        vec![below.signs_leaf(long), below.certificate.clone()],
    ] {
        let why = judged(&chain).unwrap_err();
        assert!(matches!(why, ChainError::BadPath { .. }), "{why:?}");
    }
}

#[test]
fn what_is_wrong_with_a_chain_is_told_with_its_place() {
    let long = [at(0), at(9_000)];
    let root = Ca::root(1, long);
    let bundles = bundles(&[&root]);
    let (one, two, late) = (
        root.signs_ca(2, long),
        root.signs_ca(3, long),
        root.signs_ca(4, [at(0), at(100)]),
    );
    let leaf = one.signs_leaf(long);
    let chain = |rest: &[&CertificateDer<'static>]| {
        let rest = rest.iter().map(|&der| der.clone());
        let chain: Vec<_> = std::iter::once(leaf.clone()).chain(rest).collect();
        verify(&chain, &bundles, at(200), &Limits::default()).err()
    };
    let [first, second, ended] = [&one, &two, &late].map(|ca| &ca.certificate);
    assert_eq!(chain(&[first, second]), None);
    assert_eq!(
        chain(&[first, ended]),
        Some(ChainError::IssuerNotInForce { index: 2 })
    );
    assert_eq!(
        chain(&[first, second, second]),
        Some(ChainError::DuplicateSubject {
            first: 2,
            second: 3
        })
    );
    let found = chain(&[first, &leaf]);
    assert!(
        matches!(found, Some(ChainError::BadIssuer { index: 2, .. })),
        "{found:?}"
    );
}

struct Ca {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Ca {
    fn root(number: u8, held: [SystemTime; 2]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = template(number, held, &domain()).sign_itself(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            key,
        }
    }

    fn signs_ca(&self, number: u8, held: [SystemTime; 2]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = template(number, held, &domain())
            .sign(&key, &self.issuer())
            .unwrap();
        Self {
            certificate: certificate.der().clone(),
            key,
        }
    }

    fn signs_leaf(&self, [not_before, not_after]: [SystemTime; 2]) -> CertificateDer<'static> {
        let request = make_request(&KeyPair::generate().unwrap()).unwrap();
        let template = SvidTemplate {
            id: &"spiffe://prod.example/ns/shop/sa/web".parse().unwrap(),
            not_before,
            not_after,
            serial: [9; 16],
        };
        let signed = template.sign(&read_request(&request).unwrap(), &self.issuer());
        signed.unwrap().der().clone()
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_ca_cert_der(&self.certificate, &self.key).unwrap()
    }
}

fn template(
    number: u8,
    [not_before, not_after]: [SystemTime; 2],
    trust_domain: &TrustDomain,
) -> CaTemplate<'_> {
    CaTemplate {
        trust_domain,
        not_before,
        not_after,
        serial: [number; 16],
    }
}

fn bundles(roots: &[&Ca]) -> Bundles {
    let roots = roots.iter().map(|ca| ca.certificate.clone());
    Bundles::new([Bundle::new(domain(), roots.collect::<Vec<_>>()).unwrap()]).unwrap()
}

fn domain() -> TrustDomain {
    "prod.example".parse().unwrap()
}

/// So many seconds after the corpus' date.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000 + seconds)
}
