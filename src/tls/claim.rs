//! What is said on a connection that is there to prove another one.
//!
//! One message each way, of a fixed size: there is nothing to read in two ways,
//! and nothing that an application could be asked by.

use crate::tls::keying::ConnectionName;
use crate::tls::keying::Proof;

/// What a caller says: which connection is meant, and that the caller is at its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    pub(super) connection: ConnectionName,
    pub(super) proof: Proof,
}

impl Claim {
    /// How long one is.
    pub const BYTES: usize = ConnectionName::BYTES + Proof::BYTES;

    /// As it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = self.connection.0.iter().chain(&self.proof.0);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = *from;
        }
        bytes
    }
}

impl TryFrom<&[u8]> for Claim {
    type Error = ClaimError;

    fn try_from(bytes: &[u8]) -> Result<Self, ClaimError> {
        let wrong = || ClaimError { bytes: bytes.len() };
        let (name, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let proof = rest.try_into().map_err(|_other_length| wrong())?;
        Ok(Self {
            connection: ConnectionName(*name),
            proof: Proof(proof),
        })
    }
}

/// What came is no claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a claim has {} bytes, and {bytes} came", Claim::BYTES)]
pub struct ClaimError {
    /// How many bytes there were.
    pub bytes: usize,
}

/// What the caller is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The one who is called is at the connection's other end.
    Proved(Receipt),
    /// Nothing is granted. Why not is for our own records.
    Refused,
}

/// That whoever answered is at the other end, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Receipt(pub(super) Proof);

impl Verdict {
    /// How long one is.
    pub const BYTES: usize = 1 + Proof::BYTES;

    /// As it is sent. A refusal is as long as anything else.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let (word, proof) = match self {
            Self::Proved(Receipt(proof)) => (PROVED, *proof),
            Self::Refused => (REFUSED, Proof([0; Proof::BYTES])),
        };
        let mut bytes = [0; Self::BYTES];
        for (to, from) in bytes.iter_mut().zip(std::iter::once(&word).chain(&proof.0)) {
            *to = *from;
        }
        bytes
    }
}

impl TryFrom<&[u8]> for Verdict {
    type Error = VerdictError;

    fn try_from(bytes: &[u8]) -> Result<Self, VerdictError> {
        let wrong = || VerdictError::Length { bytes: bytes.len() };
        let (word, proof) = bytes.split_first().ok_or_else(wrong)?;
        let proof = Proof(proof.try_into().map_err(|_other_length| wrong())?);
        match *word {
            PROVED => Ok(Self::Proved(Receipt(proof))),
            REFUSED if proof.0 == [0; Proof::BYTES] => Ok(Self::Refused),
            word => Err(VerdictError::Word { word }),
        }
    }
}

/// What came is no answer to a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerdictError {
    /// It has another length.
    #[error("an answer has {} bytes, and {bytes} came", Verdict::BYTES)]
    Length {
        /// How many bytes there were.
        bytes: usize,
    },
    /// It says neither yes nor no, or gives a proof with a no.
    #[error("`{word}` is no answer")]
    Word {
        /// What it begins with.
        word: u8,
    },
}

const REFUSED: u8 = 0;
const PROVED: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            match Claim::try_from(bytes.as_slice()) {
                Ok(claim) => prop_assert!(claim.to_bytes().as_slice() == bytes.as_slice()),
                Err(error) => {
                    prop_assert_eq!(error.bytes, bytes.len());
                    prop_assert_ne!(bytes.len(), Claim::BYTES);
                }
            }
            if let Ok(verdict) = Verdict::try_from(bytes.as_slice()) {
                prop_assert!(verdict.to_bytes().as_slice() == bytes.as_slice());
            }
        }

        #[test]
        fn what_is_written_is_read(name: [u8; 16], proof: [u8; 32], word: u8) {
            let claim = Claim { connection: ConnectionName(name), proof: Proof(proof) };
            prop_assert_eq!(Claim::try_from(claim.to_bytes().as_slice()), Ok(claim));
            let proved = Verdict::Proved(Receipt(Proof(proof)));
            let mut bytes = proved.to_bytes();
            prop_assert_eq!(Verdict::try_from(bytes.as_slice()), Ok(proved));
            bytes[0] = word;
            // A no that brings a proof is none, and nothing else is an answer.
            let is_answer = word == PROVED || (word == REFUSED && proof == [0; 32]);
            prop_assert_eq!(Verdict::try_from(bytes.as_slice()).is_ok(), is_answer);
        }
    }

    #[test]
    fn a_no_is_read_as_one() {
        let no = Verdict::Refused.to_bytes();
        assert_eq!(Verdict::try_from(no.as_slice()), Ok(Verdict::Refused));
        assert_eq!(
            Verdict::try_from(&no[1..]),
            Err(VerdictError::Length { bytes: 32 })
        );
    }
}
