//! Our judgement, in the places where the TLS library asks for one.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::verify_tls13_signature;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;

use crate::id::SpiffeId;
use crate::identity::Watchlist;
use crate::time::Clock;
use crate::tls::refusal::Refusal;
use crate::x509::Bundles;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::verify;

/// Judges the certificates of one role's peers.
#[derive(Debug)]
pub(super) struct Verifier {
    bundles: Arc<Bundles>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    /// Who may be there. Nothing: any workload that we believe.
    expected: Option<Arc<[SpiffeId]>>,
    /// How long after its end a certificate may still be shown.
    grace: Duration,
    /// Whether a client must show a certificate.
    mandatory: bool,
    /// Who is believed no longer.
    revoked: Option<Arc<Watchlist>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        bundles: Arc<Bundles>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        expected: Option<Arc<[SpiffeId]>>,
    ) -> Self {
        Self {
            bundles,
            clock,
            limits,
            expected,
            grace: Duration::ZERO,
            mandatory: true,
            revoked: None,
            algorithms: default_provider().signature_verification_algorithms,
        }
    }

    /// Believes nobody who is on the list when the handshake is made.
    pub(super) fn heeding(mut self, revoked: &Arc<Watchlist>) -> Self {
        self.revoked = Some(Arc::clone(revoked));
        self
    }

    /// Lets clients come that show no certificate, or one that ended at most
    /// `grace` ago. What they may then ask for is for others to decide.
    pub(super) fn for_newcomers(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self.mandatory = false;
        self
    }

    /// The date to judge `leaf` by: now, or its last instant if that was not long ago.
    fn date(&self, leaf: &CertificateDer<'_>) -> SystemTime {
        let now = self.clock.now();
        if self.grace.is_zero() {
            return now;
        }
        let Ok(leaf) = Leaf::parse(leaf) else {
            return now;
        };
        match now.duration_since(leaf.not_after()) {
            Ok(late) if late <= self.grace => leaf.not_after(),
            Ok(_) | Err(_) => now,
        }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), Refusal> {
        // One more than allowed is enough to be refused for; the rest of an
        // endless chain is not even copied.
        let chain: Vec<_> = std::iter::once(leaf)
            .chain(intermediates)
            .take(self.limits.max_certificates.saturating_add(1))
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        let leaf = verify(&chain, &self.bundles, self.date(leaf), &self.limits)
            .map_err(|cause| Refusal::NotBelieved { cause })?;
        let is_revoked = self
            .revoked
            .as_ref()
            .is_some_and(|revoked| revoked.current().include_chain(&leaf, &chain));
        if is_revoked {
            return Err(Refusal::Revoked {
                found: leaf.id().clone(),
            });
        }
        match &self.expected {
            Some(expected) if !expected.contains(leaf.id()) => Err(Refusal::Unexpected {
                found: leaf.id().clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(never_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        // The name that was dialled is no evidence; the SPIFFE ID is.
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(never_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn never_tls12() -> rustls::Error {
    rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13.into()
}
