//! Whom a CA writes to.

use std::fmt;
use std::str::FromStr;

/// An address such as `mailto:ops@example.org`.
///
/// Parsing is the only way to make one, so whoever holds a `Contact` may rely on
/// its naming one mailbox, without header fields (RFC 8555, 7.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact(String);

impl Contact {
    /// The longest in bytes: an address of 254 (RFC 5321, 4.5.3.1.3) after its scheme.
    pub const MAX_BYTES: usize = SCHEME.len() + 254;

    /// As a CA is told.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Contact {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(ContactError::TooLong { bytes: text.len() });
        }
        let address = text.strip_prefix(SCHEME).ok_or(ContactError::NotMail)?;
        let divides = |c: char| !c.is_ascii_graphic() || matches!(c, '?' | ',' | '<' | '>' | '%');
        if let Some((at, found)) = address.char_indices().find(|&(_, c)| divides(c)) {
            let at = SCHEME.len() + at;
            return Err(ContactError::BadCharacter { at, found });
        }
        match address.split_once('@') {
            Some((mailbox, host))
                if !mailbox.is_empty() && !host.is_empty() && !host.contains('@') =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ContactError::NotOneAddress),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a CA could not write to somebody.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContactError {
    /// A character that no single mailbox has.
    #[error("character `{}` at byte {at} does not belong to one mailbox", found.escape_default())]
    BadCharacter {
        /// Its position in bytes, from 0.
        at: usize,
        /// The character.
        found: char,
    },
    /// Another scheme, or none.
    #[error("it does not begin with `mailto:`")]
    NotMail,
    /// Not one `@` with something on both its sides.
    #[error("it is not one address, such as `mailto:ops@example.org`")]
    NotOneAddress,
    /// More than [`Contact::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", Contact::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

const SCHEME: &str = "mailto:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rejects_what_is_not_one_mailbox() {
        use ContactError::BadCharacter;
        use ContactError::NotMail;
        use ContactError::NotOneAddress;
        use ContactError::TooLong;

        let long = format!("mailto:a@{}", "b".repeat(253));
        let bytes = long.len();
        let cases = [
            ("", NotMail),
            ("ops@example.org", NotMail),
            ("tel:+4917", NotMail),
            ("MAILTO:a@b", NotMail),
            ("mailto:", NotOneAddress),
            ("mailto:ops", NotOneAddress),
            ("mailto:@b", NotOneAddress),
            ("mailto:a@", NotOneAddress),
            ("mailto:a@b@c", NotOneAddress),
            ("mailto:a@b?subject=x", BadCharacter { at: 10, found: '?' }),
            ("mailto:a@b,c@d", BadCharacter { at: 10, found: ',' }),
            ("mailto:a b@c", BadCharacter { at: 8, found: ' ' }),
            ("mailto:ä@b", BadCharacter { at: 7, found: 'ä' }),
            (&long, TooLong { bytes }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Contact>(), Err(why), "{text:?}");
        }
        let longest = long.strip_suffix('b').unwrap();
        assert!(longest.parse::<Contact>().is_ok());
        assert!("mailto:a.b+c@example.org".parse::<Contact>().is_ok());
    }

    proptest! {
        #[test]
        fn what_is_read_is_one_mailbox_as_it_was_written(
            text in "(mailto:)?\\PC{0,8}@?[a-z@?,.]{0,8}",
        ) {
            let Ok(contact) = text.parse::<Contact>() else { return Ok(()) };
            prop_assert_eq!(contact.as_str(), &text);
            prop_assert_eq!(text.matches('@').count(), 1);
            prop_assert!(!text.contains(['?', ',', ' ']));
        }
    }
}
