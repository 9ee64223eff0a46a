//! Signed notes: a text, and who has signed it, as the web of transparency logs writes them.
//!
//! The format is C2SP's `signed-note`, signed with Ed25519, and keys are written as there and as Go's
//! `golang.org/x/mod/sumdb/note` does, so that others' tools and witnesses can read what we sign.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::encoding::Curve25519SeedBin;
use aws_lc_rs::rand;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that signs notes. Cloning is cheap.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    verifier: VerifierKey,
}

/// A key that notes are checked with: `name+id+key`. It is no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: Arc<str>,
    id: [u8; 4],
    public: [u8; 32],
}

/// Why a text is no key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// It is of another kind than Ed25519.
    #[error("it is a key of algorithm {found}, not of Ed25519, which is 1")]
    Algorithm {
        /// The kind's number.
        found: u8,
    },
    /// The number in it is not its own.
    #[error("its parts do not belong together: the id is not that of this name and key")]
    Id,
    /// It has not the parts that it must have.
    #[error("it is not written as `{expected}`")]
    Malformed {
        /// How it should be.
        expected: &'static str,
    },
    /// Its name is none.
    #[error(
        "`{name}` is no name for a key: 1 to 255 bytes without spaces, control characters and `+`"
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// The system has no random numbers.
    #[error("no random numbers for a key")]
    NoEntropy,
}

/// Why a note is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteError {
    /// It is signed by that key, and was changed since.
    #[error("the signature of `{name}` is not of this text: one of the two was changed")]
    BadSignature {
        /// The key.
        name: String,
    },
    /// It is none.
    #[error("it is not a signed note")]
    Malformed,
    /// It is signed by others only.
    #[error("it is not signed by `{wanted}` but by {found}")]
    Unknown {
        /// The key, with its id.
        wanted: String,
        /// The keys that it names, with their ids.
        found: String,
    },
}

impl SigningKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] if keys cannot be called `name`, [`KeyError::NoEntropy`].
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut *seed).map_err(|_unspecified| KeyError::NoEntropy)?;
        Self::of_seed(name, &*seed)
    }

    fn of_seed(name: &str, seed: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| SECRET)?;
        let public = pair.public_key().as_ref();
        let public = public.try_into().map_err(|_length| SECRET)?;
        Ok(Self {
            pair: Arc::new(pair),
            verifier: VerifierKey::new(name, public)?,
        })
    }

    /// The key that its notes are checked with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// As it is kept, in one line.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if the key cannot be taken out of its safe, which does not happen.
    pub fn secret(&self) -> Result<Zeroizing<String>, KeyError> {
        let seed = self.pair.seed().map_err(|_unspecified| SECRET)?;
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(|_unspecified| SECRET)?;
        let mut bytes = Zeroizing::new(vec![ALGORITHM]);
        bytes.extend_from_slice(seed.as_ref());
        let text = Zeroizing::new(BASE64_STANDARD.encode(&*bytes));
        let VerifierKey { name, id, .. } = &self.verifier;
        Ok(Zeroizing::new(format!(
            "{PRIVATE}{name}+{:08x}+{}",
            u32::from_be_bytes(*id),
            *text
        )))
    }

    /// `text`, which ends in a newline, signed.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut signed = self.verifier.id.to_vec();
        signed.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        let (name, signed) = (&self.verifier.name, BASE64_STANDARD.encode(signed));
        format!("{text}\n{DASH}{name} {signed}\n")
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = text.trim_end().strip_prefix(PRIVATE).ok_or(SECRET)?;
        let (name, id, seed) = parts_of(parts).ok_or(SECRET)?;
        let key = Self::of_seed(name, &raw(&seed, SECRET)?)?;
        (key.verifier.id == id).then_some(key).ok_or(KeyError::Id)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({}, …)", self.verifier)
    }
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, KeyError> {
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if !(1..=255).contains(&name.len()) || !name.chars().all(fits) {
            let name = name.to_owned();
            return Err(KeyError::Name { name });
        }
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [name.as_bytes(), b"\n", &[ALGORITHM], &public] {
            context.update(part);
        }
        let mut id = [0; 4];
        for (to, from) in id.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Ok(Self {
            name: name.into(),
            id,
            public,
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of `note`, if this key has signed it.
    ///
    /// # Errors
    ///
    /// [`NoteError`] says why it is not believed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = taken_apart(note)?;
        let ours = |one: &&Signature<'_>| *one.name == *self.name && one.id == self.id;
        let Some(one) = signatures.iter().find(ours) else {
            let found: Vec<_> = signatures
                .iter()
                .map(|one| format!("`{}+{:08x}`", one.name, u32::from_be_bytes(one.id)))
                .collect();
            return Err(NoteError::Unknown {
                wanted: format!("{}+{:08x}", self.name, u32::from_be_bytes(self.id)),
                found: found.join(", "),
            });
        };
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(text.as_bytes(), &one.bytes)
            .map_err(|_unspecified| NoteError::BadSignature {
                name: one.name.to_owned(),
            })?;
        Ok(text)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[ALGORITHM][..], &self.public].concat();
        let (name, key) = (&self.name, BASE64_STANDARD.encode(bytes));
        write!(
            formatter,
            "{name}+{:08x}+{key}",
            u32::from_be_bytes(self.id)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, key) = parts_of(text.trim_end()).ok_or(PUBLIC)?;
        let public = raw(&key, PUBLIC)?;
        let public = public.as_slice().try_into().map_err(|_length| PUBLIC)?;
        let key = Self::new(name, public)?;
        (key.id == id).then_some(key).ok_or(KeyError::Id)
    }
}

/// The text of a note, signed by whomever: nothing of it is proven.
///
/// # Errors
///
/// [`NoteError::Malformed`] if it is no note.
pub(super) fn unproven(note: &str) -> Result<&str, NoteError> {
    taken_apart(note).map(|(text, _)| text)
}

struct Signature<'a> {
    name: &'a str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// The text, and at least one signature.
fn taken_apart(note: &str) -> Result<(&str, Vec<Signature<'_>>), NoteError> {
    if note.chars().any(|c| c.is_ascii_control() && c != '\n') {
        return Err(NoteError::Malformed);
    }
    let end = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, rest) = note.split_at_checked(end + 1).ok_or(NoteError::Malformed)?;
    let rest = rest.strip_prefix('\n').ok_or(NoteError::Malformed)?;
    let lines = rest.strip_suffix('\n').ok_or(NoteError::Malformed)?;
    let signatures = lines.split('\n').take(MOST_SIGNATURES + 1).map(signature);
    let signatures: Option<Vec<_>> = signatures.collect();
    match signatures {
        Some(signatures) if signatures.len() <= MOST_SIGNATURES => Ok((text, signatures)),
        _ => Err(NoteError::Malformed),
    }
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, text) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    let (id, bytes) = bytes.split_first_chunk()?;
    (!name.is_empty() && !bytes.is_empty()).then(|| Signature {
        name,
        id: *id,
        bytes: bytes.to_vec(),
    })
}

type Parts<'a> = (&'a str, [u8; 4], Zeroizing<Vec<u8>>);

/// `name+id+key`, the key decoded. A name has no `+`; a key may.
fn parts_of(text: &str) -> Option<Parts<'_>> {
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if id.len() != 8 || !id.chars().all(hex) {
        return None;
    }
    let id = u32::from_str_radix(id, 16).ok()?.to_be_bytes();
    Some((name, id, Zeroizing::new(BASE64_STANDARD.decode(key).ok()?)))
}

/// The key's 32 bytes, without the number of its algorithm.
fn raw(bytes: &[u8], malformed: KeyError) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match bytes.split_first() {
        Some((&ALGORITHM, key)) if key.len() == 32 => Ok(Zeroizing::new(key.to_vec())),
        Some((&found, _)) if found != ALGORITHM => Err(KeyError::Algorithm { found }),
        _ => Err(malformed),
    }
}

/// Ed25519, as C2SP numbers it.
const ALGORITHM: u8 = 1;
const DASH: &str = "\u{2014} ";
const PRIVATE: &str = "PRIVATE+KEY+";
const SECRET: KeyError = KeyError::Malformed {
    expected: "PRIVATE+KEY+name+id+key",
};
const PUBLIC: KeyError = KeyError::Malformed {
    expected: "name+id+key",
};
/// More than any note has that witnesses have signed, too.
const MOST_SIGNATURES: usize = 100;

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
