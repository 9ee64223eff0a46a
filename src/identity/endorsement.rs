//! The authority's signature under a policy set.
//!
//! It is by the key of the authority's own SVID, whose chain goes along, so
//! whoever believes the roots of the trust domain can look at it, also long
//! after the SVID has ended and while nobody can be asked: all of it is judged
//! as of the moment of signing.

use std::time::Duration;
use std::time::SystemTime;

use rustls::SignatureScheme;
use rustls_pki_types::CertificateDer;

use crate::id::SpiffeId;
use crate::identity::Revocations;
use crate::identity::svid::Svid;
use crate::x509::Bundles;
use crate::x509::ChainError;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::SIGNATURE_SCHEMES;
use crate::x509::SignatureError;
use crate::x509::verify;
use crate::x509::verify_signature;

/// What is signed: which set it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Endorsed {
    /// The set's number, which grows with each.
    pub version: u64,
    /// The SHA-256 of its document.
    pub digest: [u8; 32],
}

/// A signature, and who has signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endorsement {
    /// The signer's SVID, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// How it was signed.
    pub scheme: SignatureScheme,
    /// Over [`Endorsed`], the trust domain and the moment.
    pub signature: Vec<u8>,
    /// When, in seconds since 1970.
    pub signed_at_s: u64,
}

impl Endorsement {
    /// Signs `what` with the key of `svid`.
    ///
    /// # Errors
    ///
    /// [`EndorsementError::NotSigned`].
    pub fn sign(what: Endorsed, svid: &Svid, now: SystemTime) -> Result<Self, EndorsementError> {
        let signed_at_s = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let key = svid.certified_key();
        let signer = key.key.choose_scheme(SIGNATURE_SCHEMES).ok_or_else(|| {
            EndorsementError::NotSigned {
                cause: rustls::Error::General("no scheme for the key".to_owned()),
            }
        })?;
        let signature = signer
            .sign(&message(what, svid.id(), signed_at_s))
            .map_err(|cause| EndorsementError::NotSigned { cause })?;
        Ok(Self {
            chain: svid.chain().to_vec(),
            scheme: signer.scheme(),
            signature,
            signed_at_s,
        })
    }

    /// Whether `signer` has signed `what`, for all that `bundles` say and `now` allows.
    ///
    /// # Errors
    ///
    /// [`EndorsementError`] names the first reason not to believe it.
    pub fn verify(
        &self,
        what: Endorsed,
        signer: &SpiffeId,
        bundles: &Bundles,
        now: SystemTime,
    ) -> Result<(), EndorsementError> {
        let limits = Limits::default();
        let signed_at = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(self.signed_at_s))
            .filter(|at| at.duration_since(now).unwrap_or_default() <= limits.clock_skew)
            .ok_or(EndorsementError::FromTheFuture {
                signed_at_s: self.signed_at_s,
            })?;
        let leaf = verify(&self.chain, bundles, signed_at, &limits)
            .map_err(|cause| EndorsementError::NotBelieved { cause })?;
        if leaf.id() != signer {
            return Err(EndorsementError::OtherSigner {
                found: leaf.id().clone(),
                expected: signer.clone(),
            });
        }
        let first = self.chain.first().ok_or(EndorsementError::NotBelieved {
            cause: ChainError::Empty,
        })?;
        let message = message(what, signer, self.signed_at_s);
        verify_signature(first, self.scheme, &message, &self.signature)
            .map_err(|cause| EndorsementError::BadSignature { cause })
    }

    /// Whether the signer is revoked, or somebody above it. It does not matter
    /// when it has signed: whoever has its key writes any moment there.
    #[must_use]
    pub fn is_by_revoked(&self, revoked: &Revocations) -> bool {
        let signer = self.chain.first().map(|first| Leaf::parse(first));
        signer.is_none_or(|signer| {
            signer.map_or(true, |signer| revoked.include_chain(&signer, &self.chain))
        })
    }
}

/// What has to be signed: as in TLS 1.3, something that no other protocol signs.
fn message(what: Endorsed, signer: &SpiffeId, signed_at_s: u64) -> Vec<u8> {
    let trust_domain = signer.trust_domain().as_str();
    let length = u64::try_from(trust_domain.len()).unwrap_or(u64::MAX);
    let mut message = vec![b' '; 64];
    message.extend_from_slice(b"portreeve policy set\0");
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(trust_domain.as_bytes());
    message.extend_from_slice(&what.version.to_be_bytes());
    message.extend_from_slice(&signed_at_s.to_be_bytes());
    message.extend_from_slice(&what.digest);
    message
}

/// Why a set counts as signed by nobody.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EndorsementError {
    /// The key has not signed this.
    #[error("the signature is not good")]
    BadSignature {
        /// Why not.
        #[source]
        cause: SignatureError,
    },
    /// The moment of signing has not come, by our clock.
    #[error("it was signed at {signed_at_s} seconds since 1970, which has not come yet")]
    FromTheFuture {
        /// The moment.
        signed_at_s: u64,
    },
    /// The signer's certificate was not to be believed then.
    #[error("the signer's certificate is not believed")]
    NotBelieved {
        /// Why not.
        #[source]
        cause: ChainError,
    },
    /// Our own key does not sign.
    #[error("it could not be signed")]
    NotSigned {
        /// What the key says.
        #[source]
        cause: rustls::Error,
    },
    /// Somebody else has signed it.
    #[error("`{found}` has signed it, not `{expected}`")]
    OtherSigner {
        /// Who has.
        found: SpiffeId,
        /// Who should have.
        expected: SpiffeId,
    },
}

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;
    use rustls_pki_types::PrivateKeyDer;

    use super::*;
    use crate::x509::Bundle;
    use crate::x509::CaTemplate;
    use crate::x509::SvidTemplate;
    use crate::x509::make_request;
    use crate::x509::read_request;

    /// A root, by which others are named.
    struct Ca {
        bundles: Bundles,
        issuer: rcgen::Issuer<'static, KeyPair>,
    }

    impl Ca {
        fn new(trust_domain: &str) -> Self {
            let trust_domain = trust_domain.parse().unwrap();
            let key = KeyPair::generate().unwrap();
            let template = CaTemplate {
                trust_domain: &trust_domain,
                not_before: noon() - HOUR,
                not_after: noon() + 100 * HOUR,
                serial: [1; 16],
            };
            let root = template.sign_itself(&key).unwrap();
            let root = root.der().clone();
            let issuer = rcgen::Issuer::from_ca_cert_der(&root, key).unwrap();
            let bundle = Bundle::new(trust_domain, [root]).unwrap();
            Self {
                bundles: Bundles::new([bundle]).unwrap(),
                issuer,
            }
        }

        fn svid(&self, id: &SpiffeId) -> Svid {
            let key = KeyPair::generate().unwrap();
            let public = read_request(&make_request(&key).unwrap()).unwrap();
            let template = SvidTemplate {
                id,
                not_before: noon(),
                not_after: noon() + HOUR,
                serial: [2; 16],
            };
            let svid = template.sign(&public, &self.issuer).unwrap();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            Svid::new(vec![svid.der().clone()], key).unwrap()
        }
    }

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
    }

    fn authority() -> SpiffeId {
        "spiffe://example.org/portreeve/authority".parse().unwrap()
    }

    #[test]
    fn a_set_is_believed_long_after_its_signers_certificate_has_ended() {
        let ca = Ca::new("example.org");
        let signed = Endorsement::sign(WHAT, &ca.svid(&authority()), noon()).unwrap();
        for later in [0, 1, 50 * 3600] {
            let now = noon() + Duration::from_secs(later);
            assert_eq!(signed.verify(WHAT, &authority(), &ca.bundles, now), Ok(()));
        }
        // A clock that is a little behind is no reason.
        let behind = noon() - Duration::from_secs(30);
        assert_eq!(
            signed.verify(WHAT, &authority(), &ca.bundles, behind),
            Ok(())
        );
        let behind = noon() - Duration::from_secs(31);
        assert!(matches!(
            signed.verify(WHAT, &authority(), &ca.bundles, behind),
            Err(EndorsementError::FromTheFuture { .. })
        ));
    }

    #[test]
    fn only_the_authority_signs_and_only_while_it_is_named() {
        let ca = Ca::new("example.org");
        let foreign = Ca::new("example.org");
        let web = "spiffe://example.org/web".parse().unwrap();
        let judge = |svid: &Svid, at: SystemTime| {
            let signed = Endorsement::sign(WHAT, svid, at).unwrap();
            signed.verify(WHAT, &authority(), &ca.bundles, noon() + 10 * HOUR)
        };
        assert_eq!(judge(&ca.svid(&authority()), noon()), Ok(()));
        assert_eq!(
            judge(&ca.svid(&web), noon()),
            Err(EndorsementError::OtherSigner {
                found: web.clone(),
                expected: authority(),
            })
        );
        assert!(matches!(
            judge(&foreign.svid(&authority()), noon()),
            Err(EndorsementError::NotBelieved { .. })
        ));
        let late = judge(&ca.svid(&authority()), noon() + 2 * HOUR);
        let cause = ChainError::Expired;
        assert_eq!(late, Err(EndorsementError::NotBelieved { cause }));
    }

    #[test]
    fn whatever_is_changed_counts_as_not_signed() {
        let ca = Ca::new("example.org");
        let svid = ca.svid(&authority());
        let signed = Endorsement::sign(WHAT, &svid, noon()).unwrap();
        let judge = |what: Endorsed, signed: &Endorsement| {
            signed.verify(what, &authority(), &ca.bundles, noon() + HOUR)
        };
        assert_eq!(judge(WHAT, &signed), Ok(()));
        let bad = |cause| Err(EndorsementError::BadSignature { cause });
        let mut digest = WHAT.digest;
        digest[31] ^= 1;
        for other in [Endorsed { version: 8, ..WHAT }, Endorsed { digest, ..WHAT }] {
            assert_eq!(judge(other, &signed), bad(SignatureError::BadSignature));
        }
        let mut later = signed.clone();
        later.signed_at_s += 1;
        assert_eq!(judge(WHAT, &later), bad(SignatureError::BadSignature));
        for at in [0, 10, signed.signature.len() - 1] {
            let mut flipped = signed.clone();
            flipped.signature[at] ^= 1;
            assert_eq!(judge(WHAT, &flipped), bad(SignatureError::BadSignature));
        }
        let mut weak = signed.clone();
        weak.scheme = SignatureScheme::RSA_PKCS1_SHA256;
        assert_eq!(judge(WHAT, &weak), bad(SignatureError::BadScheme));
        let mut other = signed;
        other.chain = ca.svid(&authority()).chain().to_vec();
        assert_eq!(judge(WHAT, &other), bad(SignatureError::BadSignature));
    }

    #[test]
    fn whose_certificate_is_revoked_or_below_one_that_is_has_signed_nothing() {
        let ca = Ca::new("example.org");
        let mut signed = Endorsement::sign(WHAT, &ca.svid(&authority()), noon()).unwrap();
        let above = ca.bundles.for_id(&authority()).unwrap();
        signed.chain.extend(above.certificates().cloned());
        let is_by = |signed: &Endorsement, serial: u8| {
            let mut revoked = Revocations::default();
            revoked.revoke_serial(format!("{serial:02x}").repeat(16));
            signed.is_by_revoked(&revoked)
        };
        // The root has number 1, and the signer 2, sixteen times.
        assert_eq!(
            [1, 2, 3].map(|serial| is_by(&signed, serial)),
            [true, true, false]
        );
        signed.chain.clear();
        assert!(is_by(&signed, 3));
    }

    const HOUR: Duration = Duration::from_secs(3600);

    const WHAT: Endorsed = Endorsed {
        version: 7,
        digest: [9; 32],
    };
}
