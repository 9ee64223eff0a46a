//! The chain: each line says which line it follows, so that none can go unnoticed.
//!
//! A line ends in its number and its hash, `,"seq":N,"chain":"H"}`. `H` is the
//! SHA-256 of the `H` of the line before, as it is written there, followed by the
//! bytes of this line up to `,"chain":"`; in base64url without padding. Before
//! the first line of a chain there is nothing. So any line can be checked by hand:
//!
//! ```sh
//! printf %s "$H_OF_THE_LINE_BEFORE" "${LINE%,\"chain\":*}" | openssl dgst -sha256 -binary | basenc --base64url
//! ```
//!
//! Whoever may write the file can make a chain anew. A
//! [checkpoint](crate::audit::Checkpoint) that somebody else keeps shows that.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// The hash at the end of a line, as it is written there.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Link([u8; Self::BYTES]);

impl Link {
    /// Of SHA-256 in base64url without padding.
    pub const BYTES: usize = 43;

    /// The hash of a line that follows the one with `before`, if it follows one. `covered` is all that stands in front
    /// of its hash.
    #[must_use]
    pub fn of(before: Option<&Self>, covered: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        if let Some(before) = before {
            context.update(&before.0);
        }
        context.update(covered);
        Self::written(context.finish().as_ref())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Reads it as it is written.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let link = Self(text.try_into().ok()?);
        // The last of 43 characters has two bits too many.
        (Self::written(&link.digest()?).0 == link.0).then_some(link)
    }

    /// The 32 bytes.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        let decoded = URL_SAFE_NO_PAD.decode_slice(self.0, &mut bytes);
        matches!(decoded, Ok(32)).then_some(bytes)
    }

    /// That of these 32 bytes.
    pub(super) fn written(digest: &[u8]) -> Self {
        let mut text = [b'A'; Self::BYTES];
        // INVARIANT: 32 bytes are 43 characters.
        let written = URL_SAFE_NO_PAD.encode_slice(digest, &mut text);
        debug_assert!(matches!(written, Ok(Self::BYTES)));
        Self(text)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Where a chain stands: at the line that was added last.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chain {
    seq: u64,
    last: Option<Link>,
}

impl Chain {
    /// One whose last line has these.
    #[must_use]
    pub const fn at(seq: u64, last: Link) -> Self {
        Self {
            seq,
            last: Some(last),
        }
    }

    /// The number of its last line, which is how many lines it has.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of its last line, if it has one.
    #[must_use]
    pub const fn last(&self) -> Option<&Link> {
        self.last.as_ref()
    }

    /// Adds `line`, a JSON object without what follows it, and appends it with its number, its hash and a newline to `out`.
    pub fn seal(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(line.strip_suffix(b"}").unwrap_or(line));
        self.seq = self.seq.saturating_add(1);
        out.extend_from_slice(SEQ);
        out.extend_from_slice(itoa::Buffer::new().format(self.seq).as_bytes());
        let covered = out.get(start..).unwrap_or_default();
        let link = Link::of(self.last.as_ref(), covered);
        out.extend_from_slice(LINK);
        out.extend_from_slice(&link.0);
        out.extend_from_slice(END);
        out.push(b'\n');
        self.last = Some(link);
    }
}

/// A line with its place in the chain, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sealed<'a> {
    /// All in front of the number: the record without its last brace.
    pub(super) body: &'a [u8],
    /// All that the hash covers.
    pub(super) covered: &'a [u8],
    pub(super) seq: u64,
    pub(super) link: Link,
}

impl<'a> Sealed<'a> {
    /// Takes `line`, which is without its newline, apart. `None` if it does not end as lines of a chain do.
    #[must_use]
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(END)?;
        let (rest, link) = rest.split_at_checked(rest.len().checked_sub(Link::BYTES)?)?;
        let covered = rest.strip_suffix(LINK)?;
        let digits = covered
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit());
        let (rest, digits) = covered.split_at_checked(covered.len() - digits.count())?;
        let seq = std::str::from_utf8(digits).ok()?.parse().ok()?;
        // One way to write a number: no zeros in front, and none that is zero.
        if seq == 0 || digits.starts_with(b"0") {
            return None;
        }
        let body = rest.strip_suffix(SEQ)?;
        Some(Self {
            body: body.starts_with(b"{").then_some(body)?,
            covered,
            seq,
            link: Link::read(link)?,
        })
    }

    /// Its number.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Its hash, as it says.
    #[must_use]
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Whether its hash is the one that follows from it and from `before`.
    #[must_use]
    pub fn follows(&self, before: Option<&Link>) -> bool {
        Link::of(before, self.covered) == self.link
    }
}

const SEQ: &[u8] = br#","seq":"#;
const LINK: &[u8] = br#","chain":""#;
const END: &[u8] = br#""}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    /// The hash by another road: the tools that the module's doc names.
    fn by_hand(before: &str, covered: &str) -> String {
        let digest = digest::digest(&digest::SHA256, format!("{before}{covered}").as_bytes());
        let text = base64::engine::general_purpose::STANDARD.encode(digest);
        text.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_")
    }

    #[test]
    fn lines_end_in_their_number_and_their_hash() {
        let (mut chain, mut out) = (Chain::default(), Vec::new());
        chain.seal(br#"{"a":1}"#, &mut out);
        chain.seal(br#"{"b":2}"#, &mut out);
        let first = by_hand("", r#"{"a":1,"seq":1"#);
        let second = by_hand(&first, r#"{"b":2,"seq":2"#);
        let lines = format!(
            "{{\"a\":1,\"seq\":1,\"chain\":\"{first}\"}}\n{{\"b\":2,\"seq\":2,\"chain\":\"{second}\"}}\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), lines);
        assert_eq!(
            (chain.seq(), chain.last().map(Link::as_str)),
            (2, Some(second.as_str()))
        );
        // Known from elsewhere: `printf '{"a":1,"seq":1' | openssl dgst -sha256 -binary | basenc --base64url`.
        assert_eq!(first, "gWBiMH7dECP3dgF6Pxfx2erkeeojvgntle93_h2xwJY");
    }

    #[test]
    fn what_does_not_end_as_a_line_of_a_chain_is_none() {
        let link = "A".repeat(43);
        let sealed = |text: String| Sealed::read(text.as_bytes()).map(|line| line.seq);
        assert_eq!(
            sealed(format!(r#"{{"a":1,"seq":7,"chain":"{link}"}}"#)),
            Some(7)
        );
        for text in [
            String::new(),
            "{\"a\":1}".to_owned(),
            format!(r#"{{"a":1,"seq":0,"chain":"{link}"}}"#),
            format!(r#"{{"a":1,"seq":07,"chain":"{link}"}}"#),
            format!(r#"{{"a":1,"seq":,"chain":"{link}"}}"#),
            format!(r#"{{"a":1,"seq":-7,"chain":"{link}"}}"#),
            format!(r#"{{"a":1,"seq":18446744073709551616,"chain":"{link}"}}"#),
            format!(r#"{{"a":1,"seq":7,"chain":"{link}"}} "#),
            format!(r#"{{"a":1,"seq":7,"chain":"{link}A"}}"#),
            format!(r#"{{"a":1,"seq":7,"chain":"{}B"}}"#, "A".repeat(42)),
            format!(r#"{{"a":1,"seq":7, "chain":"{link}"}}"#),
            format!(r#""a":1,"seq":7,"chain":"{link}"}}"#),
            format!(r#","seq":7,"chain":"{link}"}}"#),
        ] {
            assert_eq!(sealed(text.clone()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_read_back(bodies: Vec<String>) {
            let (mut chain, mut before) = (Chain::default(), None);
            for (nth, body) in bodies.iter().enumerate() {
                let line = format!("{{{}}}", serde_json::json!(body));
                let mut out = Vec::new();
                chain.seal(line.as_bytes(), &mut out);
                assert_eq!(out.pop(), Some(b'\n'));
                let sealed = Sealed::read(&out).unwrap();
                assert_eq!(sealed.seq, nth as u64 + 1);
                assert_eq!([sealed.body, b"}"].concat(), line.as_bytes());
                assert!(sealed.follows(before.as_ref()));
                before = Some(sealed.link);
            }
            assert_eq!(chain.last(), before.as_ref());
        }

        #[test]
        fn any_bytes_are_taken(line: Vec<u8>) {
            if let Some(sealed) = Sealed::read(&line) {
                assert!(line.starts_with(sealed.covered));
            }
        }

        #[test]
        fn a_changed_byte_does_not_follow(at in any::<proptest::sample::Index>(), flip in 1..=255_u8) {
            let (mut chain, mut out) = (Chain::default(), Vec::new());
            chain.seal(br#"{"a":"a record"}"#, &mut out);
            out.pop();
            let at = at.index(out.len());
            out[at] ^= flip;
            assert!(Sealed::read(&out).is_none_or(|line| !line.follows(None)));
        }
    }
}
