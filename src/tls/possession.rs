//! Proof of a key, on one connection only.

use aws_lc_rs::digest;

use crate::tls::reception::Exporter;

/// What has to be signed: as in TLS 1.3, something that no other protocol signs.
#[must_use]
pub fn possession_message(exporter: &Exporter, csr: &[u8]) -> Vec<u8> {
    let mut message = vec![b' '; 64];
    message.extend_from_slice(b"portreeve x509 possession\0");
    message.extend_from_slice(exporter);
    message.extend_from_slice(digest::digest(&digest::SHA256, csr).as_ref());
    message
}
