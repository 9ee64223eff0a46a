//! A policy set that the authority has signed.

use std::time::SystemTime;

use rustls::SignatureScheme;
use rustls_pki_types::CertificateDer;

use crate::id::SpiffeId;
use crate::identity::Endorsed;
use crate::identity::Endorsement;
use crate::identity::EndorsementError;
use crate::identity::Revocations;
use crate::policy::Document;
use crate::policy::DocumentError;
use crate::rpc::authority as rpc;
use crate::x509::Bundles;

/// A policy set that the authority has signed.
///
/// Made only of one whose signature is good. Whether the policies are is
/// another question.
#[derive(Clone, Debug)]
pub struct SignedPolicy {
    document: Document,
    told: rpc::PolicySet,
}

impl SignedPolicy {
    /// Reads what was told, or kept, and holds it against its signature.
    pub(super) fn read(
        told: rpc::PolicySet,
        signer: &SpiffeId,
        bundles: &Bundles,
        revoked: &Revocations,
        now: SystemTime,
    ) -> Result<Self, SignedPolicyError> {
        let digest = <[u8; 32]>::try_from(told.digest.as_slice())
            .map_err(|_other| SignedPolicyError::OtherDocument)?;
        let what = Endorsed {
            version: told.version,
            digest,
        };
        let endorsement = endorsement(&told)?;
        endorsement
            .verify(what, signer, bundles, now)
            .map_err(|cause| SignedPolicyError::NotSigned { cause })?;
        if endorsement.is_by_revoked(revoked) {
            return Err(SignedPolicyError::Revoked);
        }
        if told.document.is_empty() {
            return Err(SignedPolicyError::Withheld);
        }
        let text = std::str::from_utf8(&told.document)
            .ok()
            .filter(|text| Document::digest(text) == digest)
            .ok_or(SignedPolicyError::OtherDocument)?;
        let document =
            Document::parse(text).map_err(|cause| SignedPolicyError::BadDocument { cause })?;
        Ok(Self { document, told })
    }

    /// Its number.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.told.version
    }

    /// The policies and their words.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Whether both are the same set, whoever has signed them.
    #[must_use]
    pub fn is_same_set_as(&self, other: &Self) -> bool {
        self.told.version == other.told.version && self.told.digest == other.told.digest
    }

    pub(super) const fn as_told(&self) -> &rpc::PolicySet {
        &self.told
    }
}

fn endorsement(told: &rpc::PolicySet) -> Result<Endorsement, SignedPolicyError> {
    let scheme = u16::try_from(told.scheme).map_err(|_large| SignedPolicyError::NoScheme {
        scheme: told.scheme,
    })?;
    Ok(Endorsement {
        chain: told
            .chain
            .iter()
            .cloned()
            .map(CertificateDer::from)
            .collect(),
        scheme: SignatureScheme::from(scheme),
        signature: told.signature.clone(),
        signed_at_s: told.signed_at_s,
    })
}

/// Why a policy set is not to be believed.
#[derive(Debug, thiserror::Error)]
pub enum SignedPolicyError {
    /// The document is none, though it is signed.
    #[error("its document cannot be read")]
    BadDocument {
        /// Why not.
        #[source]
        cause: DocumentError,
    },
    /// A signature scheme that is none.
    #[error("signature scheme {scheme} is none")]
    NoScheme {
        /// What was told.
        scheme: u32,
    },
    /// The authority has not signed it.
    #[error("the authority has not signed it")]
    NotSigned {
        /// Why it counts as not signed.
        #[source]
        cause: EndorsementError,
    },
    /// Another document than the one that is signed.
    #[error("its document is not the one that is signed")]
    OtherDocument,
    /// Whoever has signed it, or has named the signer, is revoked.
    #[error("it is signed with a certificate that is revoked, or below one")]
    Revoked,
    /// No document, and none that we hold.
    #[error("its document was left out, and it is not the one that we hold")]
    Withheld,
}
