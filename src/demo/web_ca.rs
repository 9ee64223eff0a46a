//! The CA of the demo's places for browsers: it vouches for this machine only.
//!
//! Its key is never written, so that nobody can make a further certificate
//! once the demo has ended, and its root is no good for any name but
//! `localhost`: whoever lets a browser believe it risks nothing.

use std::net::Ipv4Addr;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CidrSubnet;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::GeneralSubtree;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::NameConstraints;
use rcgen::SanType;

use crate::time::Clock;

/// A root and its key, made anew for each demo.
#[derive(Debug)]
pub struct WebCa {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

/// A certificate for `localhost`, and its key, as PEM.
pub(super) struct Site {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl WebCa {
    /// Makes one that holds from now on.
    ///
    /// # Errors
    ///
    /// What the library says if there is no key.
    pub fn new(clock: &dyn Clock) -> Result<Self, rcgen::Error> {
        let mut params = params("Portreeve demo: web CA for localhost", clock);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName(NAME.to_owned()),
                GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            ],
            excluded_subtrees: Vec::new(),
        });
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            root,
        })
    }

    /// What its certificates are checked with, PEM.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A certificate with a key of its own.
    pub(super) fn issue(&self, clock: &dyn Clock) -> Result<Site, rcgen::Error> {
        let mut params = params(NAME, clock);
        params.subject_alt_names = vec![
            SanType::DnsName(NAME.try_into()?),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        ];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Site {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn params(name: &str, clock: &dyn Clock) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = time::OffsetDateTime::from(clock.now());
    params.not_before = now.saturating_sub(BACK_DATING);
    params.not_after = now.saturating_add(LIFETIME);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

const NAME: &str = "localhost";
/// For browsers whose clock is behind.
const BACK_DATING: time::Duration = time::Duration::hours(1);
/// Longer than a demo is left running.
const LIFETIME: time::Duration = time::Duration::days(30);
