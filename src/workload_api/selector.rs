//! What can be said of a caller, in the words of registrations.

use std::fmt;
use std::path::PathBuf;

use crate::workload_api::executable::Executable;

/// One thing that is true of a caller, such as `unix:uid:1000`.
///
/// The words are SPIRE's, so that registrations can be carried over.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Selector {
    /// Its group.
    Gid(u32),
    /// Where its program is.
    Path(PathBuf),
    /// What its program is: SHA-256 in lower-case hexadecimal.
    Sha256(String),
    /// Its user.
    Uid(u32),
}

impl Selector {
    /// What is true of whoever runs `executable`.
    #[must_use]
    pub fn of_executable(executable: &Executable) -> [Self; 2] {
        [
            Self::Path(executable.path().clone()),
            Self::Sha256(executable.sha256().to_owned()),
        ]
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gid(gid) => write!(f, "unix:gid:{gid}"),
            Self::Path(path) => write!(f, "unix:path:{}", path.display()),
            Self::Sha256(digest) => write!(f, "unix:sha256:{digest}"),
            Self::Uid(uid) => write!(f, "unix:uid:{uid}"),
        }
    }
}
