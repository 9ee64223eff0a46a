//! Who is at the other end, proved.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::CommonState;
use rustls_pki_types::CertificateDer;

use crate::id::SpiffeId;
use crate::identity::Revocations;
use crate::policy::Tls;
use crate::x509::Bundles;
use crate::x509::CaCertificate;
use crate::x509::ChainError;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::verify;

/// A workload that has proved its name.
///
/// Made at the end of a handshake only, when the certificate has been believed
/// and the holder has signed with its key. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Proved>);

impl Peer {
    /// `session` has finished its handshake. Nothing, if no certificate was
    /// believed in it: then there is no peer, whatever the handshake says.
    pub(super) fn from_handshake(session: &CommonState) -> Option<Self> {
        let chain = session.peer_certificates()?;
        let (first, issuers) = chain.split_first()?;
        let leaf = Leaf::parse(first).ok()?;
        let mut not_after = leaf.not_after();
        let mut issuers_serials = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            let issuer = CaCertificate::parse(issuer).ok()?;
            not_after = not_after.min(issuer.not_after());
            issuers_serials.push(issuer.serial().to_owned());
        }
        let group = session.negotiated_key_exchange_group();
        Some(Self(Arc::new(Proved {
            chain: chain.to_vec(),
            group: group.and_then(|group| group.name().as_str()),
            issuers_serials,
            leaf,
            not_after,
        })))
    }

    /// Who it is.
    #[must_use]
    pub fn id(&self) -> &SpiffeId {
        self.0.leaf.id()
    }

    /// When its certificate ends, or the first of those it was believed by; no
    /// connection to it may outlive that.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// What policies get to know of the connection.
    #[must_use]
    pub fn facts(&self) -> Tls {
        let leaf = &self.0.leaf;
        Tls {
            group: self.0.group.unwrap_or_default().into(),
            not_after: leaf.not_after(),
            not_before: leaf.not_before(),
            serial: leaf.serial().into(),
        }
    }

    /// Whether it, its certificate, or one of those it was believed by is revoked.
    #[must_use]
    pub fn is_revoked(&self, revoked: &Revocations) -> bool {
        revoked.include(self.id(), self.serial())
            || self
                .0
                .issuers_serials
                .iter()
                .any(|serial| revoked.include_serial(serial))
    }

    /// Whether a root in `bundles` that is in force at `now` leads to it.
    pub(super) fn is_vouched_for(
        &self,
        bundles: &Bundles,
        now: SystemTime,
        limits: &Limits,
    ) -> bool {
        // All else was found good, or is a matter of the calendar.
        !matches!(
            verify(&self.0.chain, bundles, now, limits),
            Err(ChainError::BadPath { .. }
                | ChainError::KeyOfAuthority
                | ChainError::RootNotInForce
                | ChainError::UnknownTrustDomain { .. })
        )
    }

    /// Its certificate's number, in lower-case hexadecimal.
    #[must_use]
    pub fn serial(&self) -> &str {
        self.0.leaf.serial()
    }

    /// SHA-256 of its certificate's DER, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.0.leaf.fingerprint()
    }
}

#[derive(Debug)]
struct Proved {
    chain: Vec<CertificateDer<'static>>,
    /// The group of the key exchange.
    group: Option<&'static str>,
    issuers_serials: Vec<String>,
    leaf: Leaf,
    not_after: SystemTime,
}
