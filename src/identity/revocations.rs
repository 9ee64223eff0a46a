//! Who is not to be believed, whatever certificate is shown.

use std::collections::HashSet;

use crate::id::SpiffeId;

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
