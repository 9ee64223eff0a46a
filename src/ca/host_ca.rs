//! A CA of the web for a few names, whose key nobody keeps.
//!
//! Its key is never written, so that nobody can make a further certificate once it
//! is dropped, and its root is no good for any name but those: whoever is told to
//! believe it risks nothing.

use std::net::Ipv4Addr;
use std::time::Duration;
use std::time::SystemTime;

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

/// A root and its key.
#[derive(Debug)]
pub struct HostCa {
    host: Host,
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

/// What it vouches for.
#[derive(Clone, Debug)]
pub struct Host {
    /// How the root is called, for people.
    pub title: &'static str,
    /// The one DNS name.
    pub name: String,
    /// Whether it is also this machine's loopback address, 127.0.0.1.
    pub is_here: bool,
    /// For how long, from the beginning on.
    pub lifetime: Duration,
}

/// A certificate, and its key, as PEM.
pub struct HostCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl HostCa {
    /// Makes one that holds from `now` on.
    ///
    /// # Errors
    ///
    /// What the library says if there is no key, or the name is none.
    pub fn new(host: Host, now: SystemTime) -> Result<Self, rcgen::Error> {
        let mut params = params(host.title, host.lifetime, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let mut permitted = vec![GeneralSubtree::DnsName(host.name.clone())];
        if host.is_here {
            let loopback = CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8);
            permitted.push(GeneralSubtree::IpAddress(loopback));
        }
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: Vec::new(),
        });
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?.pem();
        Ok(Self {
            host,
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
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn issue(&self, now: SystemTime) -> Result<HostCertificate, rcgen::Error> {
        let name = self.host.name.as_str();
        let mut params = params(name, self.host.lifetime, now);
        params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
        if self.host.is_here {
            let address = SanType::IpAddress(Ipv4Addr::LOCALHOST.into());
            params.subject_alt_names.push(address);
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(HostCertificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl std::fmt::Debug for HostCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostCertificate")
            .field("certificate", &self.certificate)
            .field("key", &"…")
            .finish()
    }
}

fn params(name: &str, lifetime: Duration, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = time::OffsetDateTime::from(now);
    params.not_before = now.saturating_sub(BACK_DATING);
    params.not_after = now.saturating_add(lifetime.try_into().unwrap_or(time::Duration::MAX));
    params.distinguished_name = DistinguishedName::new();
    // Common names may have 64 characters.
    let short: String = name.chars().take(64).collect();
    params.distinguished_name.push(DnType::CommonName, short);
    params
}

/// For those whose clock is behind.
const BACK_DATING: time::Duration = time::Duration::hours(1);
