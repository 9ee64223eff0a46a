//! A company's own CA, and the machines that it has named.

use std::time::Duration;
use std::time::SystemTime;

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::issue_request::Proof;
use portreeve::tls::Exporter;
use portreeve::tls::possession_message;
use portreeve::x509::certificates_to_pem;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::SanType;
use rcgen::SigningKey as _;
use rustls_pki_types::CertificateDer;

use crate::authority::cluster::NOON;

/// A CA that names machines.
pub(crate) struct Company(CertifiedIssuer<'static, KeyPair>);

/// A machine, with the certificate that it was given.
pub(crate) struct Machine {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

impl Company {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Company");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn root(&self) -> String {
        certificates_to_pem([self.0.der()])
    }

    /// A machine with `key`, whose certificate ends so many seconds after noon.
    pub(crate) fn machine(&self, key: KeyPair, ends: i64) -> Machine {
        self.name(key, ends, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// One that is named for `usage`.
    pub(crate) fn name(&self, key: KeyPair, ends: i64, usage: ExtendedKeyUsagePurpose) -> Machine {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        let mut params = CertificateParams::new(["m1.company.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "m1");
        let uri = "https://company.example/m1".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.extended_key_usages = vec![usage];
        params.not_before = (noon - Duration::from_secs(3600)).into();
        params.not_after = time::OffsetDateTime::from(noon) + time::Duration::seconds(ends);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Machine {
            certificate: certificate.der().clone(),
            key,
        }
    }
}

impl Machine {
    /// The proof for the connection with this `exporter`, and for `csr`.
    pub(crate) fn prove(&self, exporter: &Exporter, csr: &[u8]) -> rpc::Possession {
        self.prove_by(&self.key, exporter, csr)
    }

    /// Signed with `key`, whoever's that is.
    pub(crate) fn prove_by(
        &self,
        key: &KeyPair,
        exporter: &Exporter,
        csr: &[u8],
    ) -> rpc::Possession {
        let message = possession_message(exporter, csr);
        rpc::Possession {
            chain: vec![self.certificate.to_vec()],
            scheme: ECDSA_P256,
            signature: key.sign(&message).unwrap(),
        }
    }
}

pub(crate) const fn shown(proof: rpc::Possession) -> Option<Proof> {
    Some(Proof::Possession(proof))
}

/// RFC 8446, 4.2.3.
pub(crate) const ECDSA_P256: u32 = 0x0403;
pub(crate) const RSA_PKCS1: u32 = 0x0401;
