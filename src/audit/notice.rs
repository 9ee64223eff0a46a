//! What the log says of itself, in lines of its own: where it begins, what it goes on from, how far it has come.
//!
//! Such a line has `audit` right after its `time`, where a record has its `id`.

use crate::audit::chain::Link;
use crate::audit::checkpoint::LogId;
use serde::Deserialize;
use serde::Serialize;

/// What a line says of the log. Fields that it does not need are left out.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Notice {
    pub(super) time: String,
    pub(super) audit: Kind,
    /// Of this form of lines and of their chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u32>,
    /// Which chain it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
    /// Who writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) program: Option<String>,
    /// The file that it goes on from, where its name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// The hash of the last line there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
    /// What stands in front of it and is in no chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unchained_bytes: Option<u64>,
    /// What stands there of a line that was not wholly written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) torn_bytes: Option<u64>,
    /// Its hash, as if it were the first line of a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) torn_hash: Option<String>,
    /// A file that was deleted, because newer ones are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// A signed checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

/// What it is about.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A chain begins.
    #[default]
    Begins,
    /// How far it has come, signed.
    Checkpoint,
    /// It goes on from another file.
    Continues,
    /// A file was deleted.
    Deleted,
    /// It goes on in this file, after a new start.
    Resumes,
}

/// What is the first to be said in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Head {
    Begins {
        /// What is in the file already, and in no chain.
        unchained_bytes: u64,
    },
    Continues {
        /// The name of the file before, if it is known.
        from: Option<String>,
        torn: Option<Torn>,
    },
    Resumes {
        torn: Option<Torn>,
    },
}

/// What stands of a line that was not wholly written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) hash: Link,
}

impl Torn {
    /// If `fragment` is one.
    pub(super) fn of(fragment: &[u8]) -> Option<Self> {
        (!fragment.is_empty()).then(|| Self {
            bytes: u64::try_from(fragment.len()).unwrap_or(u64::MAX),
            hash: Link::of(None, fragment),
        })
    }
}

impl Head {
    /// As the line of `log`, whose last line has the hash `after`.
    pub(super) fn notice(&self, log: LogId, after: Option<&Link>) -> Notice {
        let mut notice = Notice {
            version: Some(VERSION),
            log: Some(log.to_string()),
            program: Some(concat!("portreeve/", env!("CARGO_PKG_VERSION")).to_owned()),
            ..Notice::default()
        };
        let torn = match self {
            Self::Begins { unchained_bytes } => {
                notice.unchained_bytes = Some(*unchained_bytes).filter(|bytes| *bytes > 0);
                None
            }
            Self::Continues { from, torn } => {
                notice.audit = Kind::Continues;
                notice.from.clone_from(from);
                notice.after = after.map(|link| link.as_str().to_owned());
                torn.as_ref()
            }
            Self::Resumes { torn } => {
                notice.audit = Kind::Resumes;
                torn.as_ref()
            }
        };
        notice.torn_bytes = torn.map(|torn| torn.bytes);
        notice.torn_hash = torn.map(|torn| torn.hash.as_str().to_owned());
        notice
    }
}

impl Notice {
    /// Reads `line`, if it is one.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        is_notice(line)
            .then(|| serde_json::from_slice(line).ok())
            .flatten()
    }

    /// Whether it tells where the chain goes on, as the first line of a file does.
    pub(super) const fn is_head(&self) -> bool {
        matches!(self.audit, Kind::Begins | Kind::Continues | Kind::Resumes)
    }
}

/// Whether `line` is about the log, and no record.
pub(super) fn is_notice(line: &[u8]) -> bool {
    line.starts_with(br#"{"time":""#)
        && line
            .get(AUDIT_AT..)
            .is_some_and(|rest| rest.starts_with(br#"","audit":""#))
}

/// The form of the lines and of their chain.
pub(super) const VERSION: u32 = 1;

/// Where the text of `time` ends: all dates have the same length.
const AUDIT_AT: usize = br#"{"time":"1970-01-01T00:00:00.000000Z"#.len();

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::proptest;

    #[test]
    fn a_record_is_no_notice_whatever_its_fields_say() {
        let time = "1970-01-01T00:00:00.000000Z";
        assert!(is_notice(
            format!(r#"{{"time":"{time}","audit":"begins"}}"#).as_bytes()
        ));
        let record = format!(r#"{{"time":"{time}","id":"1","path":"\",\"audit\":\"begins"}}"#);
        assert!(!is_notice(record.as_bytes()));
        assert!(!is_notice(b"{\"audit\":\"begins\"}"));
    }

    proptest! {
        #[test]
        fn any_line_is_taken(line: Vec<u8>, rest: String) {
            let _none = Notice::read(&line);
            let line = format!(r#"{{"time":"1970-01-01T00:00:00.000000Z","audit":"{rest}"#);
            let _either = Notice::read(line.as_bytes());
        }
    }
}
