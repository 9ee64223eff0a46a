//! How far a log had come, signed: what somebody else keeps, so that its end cannot be cut off.

use crate::audit::chain::Chain;
use crate::audit::chain::Link;
use crate::audit::note::NoteError;
use crate::audit::note::SigningKey;
use crate::audit::note::VerifierKey;
use crate::audit::note::unproven;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;
use std::str::FromStr;

/// What tells one chain from all others: 128 random bits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LogId(u128);

impl LogId {
    pub(super) const fn new(id: u128) -> Self {
        Self(id)
    }
}

impl FromStr for LogId {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if text.len() != 32 || !text.chars().all(hex) {
            return Err(NoteError::Malformed);
        }
        let id = u128::from_str_radix(text, 16);
        id.map(Self).map_err(|_digits| NoteError::Malformed)
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// How far a log had come.
///
/// Its text is that of C2SP's `tlog-checkpoint`: origin, size, hash, and two lines more. The hash is no tree's root but
/// that of the chain's last line, which is why a witness that asks for consistency proofs cannot sign it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The name of the key that signs it.
    pub origin: String,
    /// The number of the line that it is of, and so how many lines there were.
    pub size: u64,
    /// The hash of that line.
    pub link: Link,
    /// Which log.
    pub log: LogId,
    /// When it was signed: RFC 3339.
    pub time: String,
}

impl Checkpoint {
    /// That `log` had come as far as `chain`, at `time`, signed. `None` if there is no line yet.
    pub(super) fn sign(chain: &Chain, log: LogId, time: &str, key: &SigningKey) -> Option<String> {
        let hash = BASE64_STANDARD.encode(chain.last()?.digest()?);
        let (origin, size) = (key.verifier().name(), chain.seq());
        Some(key.sign(&format!(
            "{origin}\n{size}\n{hash}\nlog {log}\ntime {time}\n"
        )))
    }

    /// Reads `note`, if `key` has signed it.
    ///
    /// # Errors
    ///
    /// [`NoteError`] says why it is not believed.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let checkpoint = Self::read(key.open(note)?)?;
        // One key may sign much; only what has its name is about us.
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Malformed)
        }
    }

    /// Reads `note`, whoever has signed it: nothing of it is proven.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] if it is no checkpoint.
    pub fn unproven(note: &str) -> Result<Self, NoteError> {
        Self::read(unproven(note)?)
    }

    fn read(text: &str) -> Result<Self, NoteError> {
        Self::parts(text).ok_or(NoteError::Malformed)
    }

    fn parts(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, hash) = (lines.next()?, lines.next()?, lines.next()?);
        let log = lines.next()?.strip_prefix("log ")?.parse().ok()?;
        let time = lines.next()?.strip_prefix("time ")?;
        let digest = BASE64_STANDARD.decode(hash).ok()?;
        if size.starts_with(['0', '+']) || digest.len() != 32 || origin.is_empty() {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            link: Link::written(&digest),
            log,
            time: time.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    #[test]
    fn a_checkpoint_says_how_far_the_chain_had_come() {
        let key = SigningKey::generate("orders.example").unwrap();
        let (mut chain, log) = (Chain::default(), LogId::new(7));
        assert_eq!(Checkpoint::sign(&chain, log, "now", &key), None);
        chain.seal(b"{\"a\":1}", &mut Vec::new());
        let note = Checkpoint::sign(&chain, log, "2026-11-28T00:00:00.000000Z", &key).unwrap();
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..2], ["orders.example", "1"]);
        assert_eq!(lines[2].len(), 44);
        assert_eq!(lines[3], "log 00000000000000000000000000000007");
        assert_eq!(lines[4..6], ["time 2026-11-28T00:00:00.000000Z", ""]);
        let read = Checkpoint::open(&note, key.verifier()).unwrap();
        assert_eq!(
            (read.size, Some(&read.link), read.log),
            (1, chain.last(), log)
        );
        assert_eq!(Checkpoint::unproven(&note), Ok(read));
    }

    #[test]
    fn what_the_key_signs_under_another_name_is_not_ours() {
        let key = SigningKey::generate("a").unwrap();
        let hash = BASE64_STANDARD.encode([7; 32]);
        let log = LogId::new(1);
        let text = |origin: &str| format!("{origin}\n5\n{hash}\nlog {log}\ntime now\n");
        assert_eq!(
            Checkpoint::open(&key.sign(&text("a")), key.verifier())
                .unwrap()
                .size,
            5
        );
        for text in [
            text("b"),
            text("a").replace("\n5", "\n05"),
            text("a").replace("log 0", "log A"),
            "a\n5\n".to_owned(),
        ] {
            let opened = Checkpoint::open(&key.sign(&text), key.verifier());
            assert_eq!(opened, Err(NoteError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String) {
            let _checkpoint = Checkpoint::unproven(&text);
        }

        #[test]
        fn what_was_signed_is_read_back(lines in 1..9_u8, log in any::<u128>(), time in "[0-9TZ:.-]{1,30}") {
            let key = SigningKey::generate("k").unwrap();
            let mut chain = Chain::default();
            (0..lines).for_each(|_| chain.seal(b"{}", &mut Vec::new()));
            let note = Checkpoint::sign(&chain, LogId::new(log), &time, &key).unwrap();
            let read = Checkpoint::open(&note, key.verifier()).unwrap();
            let all = (read.origin, read.size, read.link, read.log, read.time);
            assert_eq!(all, ("k".to_owned(), chain.seq(), *chain.last().unwrap(), LogId::new(log), time));
        }
    }
}
