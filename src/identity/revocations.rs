//! Who is not to be believed, whatever certificate is shown.

use std::collections::HashSet;

use rustls_pki_types::CertificateDer;

use crate::id::SpiffeId;
use crate::x509::CaCertificate;
use crate::x509::Leaf;

/// Workloads and certificates that are revoked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Revocations {
    ids: HashSet<SpiffeId>,
    /// Lower-case hexadecimal, as certificates have them.
    serials: HashSet<String>,
}

impl Revocations {
    /// Adds a workload.
    pub fn revoke_id(&mut self, id: SpiffeId) {
        self.ids.insert(id);
    }

    /// Adds a certificate by its serial number, in lower-case hexadecimal.
    pub fn revoke_serial(&mut self, serial: String) {
        self.serials.insert(serial);
    }

    /// Whether `id` with the certificate `serial` is one of them.
    #[must_use]
    pub fn include(&self, id: &SpiffeId, serial: &str) -> bool {
        self.ids.contains(id) || self.include_serial(serial)
    }

    /// Whether the certificate `serial` is revoked, whoever has it.
    #[must_use]
    pub fn include_serial(&self, serial: &str) -> bool {
        self.serials.contains(serial)
    }

    /// Whether `id` is revoked whatever it shows.
    #[must_use]
    pub fn include_id(&self, id: &SpiffeId) -> bool {
        self.ids.contains(id)
    }

    /// Whether `leaf` is revoked, or somebody above it in `chain`, which begins
    /// with it. Whoever there cannot be read is not to be relied on either.
    #[must_use]
    pub fn include_chain(&self, leaf: &Leaf, chain: &[CertificateDer<'_>]) -> bool {
        self.include(leaf.id(), leaf.serial())
            || !self.is_empty()
                && chain.iter().skip(1).any(|issuer| {
                    CaCertificate::parse(issuer)
                        .map_or(true, |issuer| self.include_serial(issuer.serial()))
                })
    }

    /// The workloads, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &SpiffeId> {
        self.ids.iter()
    }

    /// The certificates' serial numbers, in no order.
    pub fn serials(&self) -> impl Iterator<Item = &str> {
        self.serials.iter().map(String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len() + self.serials.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
