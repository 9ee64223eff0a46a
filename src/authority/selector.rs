//! One thing that was proved about a workload, such as `k8s:sa:web`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What was proved, and its value.
///
/// Its kind is one that some attestation can prove; whoever misspells one in an
/// entry is told so, rather than waiting for a workload that never comes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Selector {
    kind: &'static str,
    value: Arc<str>,
}

impl Selector {
    /// That `kind` was proved to be `value`.
    ///
    /// # Errors
    ///
    /// [`SelectorError`] if there is no such kind, or the value cannot stand in
    /// a line of text.
    pub fn new(kind: &str, value: &str) -> Result<Self, SelectorError> {
        let known = KINDS.iter().find(|known| **known == kind);
        let kind = known.ok_or_else(|| SelectorError::UnknownKind { kind: kind.into() })?;
        if value.is_empty() || value.len() > MOST_BYTES || value.chars().any(char::is_control) {
            return Err(SelectorError::BadValue { kind });
        }
        if let Some(form) = Form::of(kind)
            && !form.fits(value)
        {
            return Err(SelectorError::BadForm { kind, form });
        }
        Ok(Self {
            kind,
            value: value.into(),
        })
    }

    /// What was proved, such as `k8s:sa`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether `kind` is one that can be proved.
    #[must_use]
    pub fn is_kind(kind: &str) -> bool {
        KINDS.contains(&kind)
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let matching = KINDS
            .iter()
            .find_map(|kind| Some((*kind, text.strip_prefix(kind)?.strip_prefix(':')?)));
        match matching {
            Some((kind, value)) => Self::new(kind, value),
            None => Err(SelectorError::UnknownKind { kind: text.into() }),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

/// How values are written that have one way to be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// An absolute path.
    AbsolutePath,
    /// A decimal number of at most 32 bits.
    Number,
    /// 64 hexadecimal digits in lower case.
    Sha256,
}

impl Form {
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "unix:gid" | "unix:uid" => Some(Self::Number),
            "unix:path" => Some(Self::AbsolutePath),
            "unix:sha256" => Some(Self::Sha256),
            _ => None,
        }
    }

    fn fits(self, value: &str) -> bool {
        match self {
            Self::AbsolutePath => value.starts_with('/'),
            Self::Number => value
                .parse()
                .is_ok_and(|number: u32| number.to_string() == value),
            Self::Sha256 => {
                let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                value.len() == 64 && value.bytes().all(is_digit)
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AbsolutePath => "an absolute path",
            Self::Number => "a number, in decimal digits",
            Self::Sha256 => "64 hexadecimal digits in lower case",
        })
    }
}

/// Why a text is no selector.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SelectorError {
    /// A value that is not written as values of its kind are, so that it could
    /// never be proved.
    #[error("the value of `{kind}` must be {form}")]
    BadForm {
        /// Of which kind.
        kind: &'static str,
        /// How they are written.
        form: Form,
    },
    /// No value, a very long one, or one with control characters.
    #[error("the value of `{kind}` must have 1 to {MOST_BYTES} bytes and no control characters")]
    BadValue {
        /// Of which kind.
        kind: &'static str,
    },
    /// Nothing that could ever be proved.
    #[error("`{kind}` is not `kind:value` with a kind that can be proved: {}", KINDS.join(", "))]
    UnknownKind {
        /// What was written.
        kind: String,
    },
}

/// All that attestations prove.
const KINDS: [&str; 15] = [
    "join_token",
    "k8s:cluster",
    "k8s:node",
    "k8s:ns",
    "k8s:pod",
    "k8s:sa",
    "unix:gid",
    "unix:path",
    "unix:sha256",
    "unix:uid",
    "x509:ca",
    "x509:cn",
    "x509:dns",
    "x509:sha256",
    "x509:uri",
];

/// Longer than any name in a certificate or a cluster.
const MOST_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_a_known_kind_and_a_value() {
        let cases = [
            ("k8s:sa:web", "k8s:sa", "web"),
            ("join_token:0123", "join_token", "0123"),
            ("unix:path:/usr/bin/a:b", "unix:path", "/usr/bin/a:b"),
            ("unix:uid:4294967295", "unix:uid", "4294967295"),
            ("x509:uri:https://a:1/b", "x509:uri", "https://a:1/b"),
        ];
        for (text, kind, value) in cases {
            let selector: Selector = text.parse().unwrap();
            assert_eq!((selector.kind(), selector.value()), (kind, value));
            assert_eq!(selector.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_nobody_can_prove() {
        for text in [
            "",
            "k8s",
            "k8s:sb:web",
            "K8s:sa:web",
            "web",
            ":web",
            "k8s:sa",
        ] {
            let error = text.parse::<Selector>().unwrap_err();
            assert!(matches!(error, SelectorError::UnknownKind { .. }), "{text}");
        }
        for value in ["", "a\nb", &"a".repeat(MOST_BYTES + 1)] {
            assert_eq!(
                format!("k8s:sa:{value}").parse::<Selector>(),
                Err(SelectorError::BadValue { kind: "k8s:sa" })
            );
        }
    }

    #[test]
    fn refuses_a_value_that_is_never_written_so() {
        use Form::{AbsolutePath, Number, Sha256};

        let digest = "0123456789abcdef".repeat(4);
        assert!(Selector::new("unix:sha256", &digest).is_ok());
        for (kind, form, value) in [
            ("unix:uid", Number, "root"),
            ("unix:uid", Number, "01"),
            ("unix:uid", Number, "+1"),
            ("unix:gid", Number, "4294967296"),
            ("unix:gid", Number, "-1"),
            ("unix:path", AbsolutePath, "bin/web"),
            ("unix:sha256", Sha256, "0123"),
            ("unix:sha256", Sha256, &digest.to_uppercase()),
        ] {
            let found = Selector::new(kind, value);
            let kind = KINDS.iter().find(|known| **known == kind).unwrap();
            assert_eq!(found, Err(SelectorError::BadForm { kind, form }), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(
            kind in proptest::sample::select(KINDS.as_slice()),
            value in "([0-9]{1,11}|/\\PC{0,9}|[0-9a-f]{64}|\\PC{0,9})"
        ) {
            if let Ok(selector) = Selector::new(kind, &value) {
                prop_assert_eq!(selector.value(), &value);
                prop_assert_eq!(selector.to_string().parse(), Ok(selector));
            }
        }
    }
}
