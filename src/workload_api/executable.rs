//! The program that a process runs.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::workload_api::digests::Digests;
use crate::workload_api::process::Process;
use crate::workload_api::process::ProcessError;

/// A program's file: where it is, and what is in it, as far as that is sure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executable {
    path: Option<PathBuf>,
    sha256: Option<String>,
}

impl Executable {
    /// The program of `process`; what is in its file only if there are `digests`.
    /// Blocks while it reads the file.
    pub(super) fn of(
        process: &Process,
        digests: Option<&Digests>,
    ) -> Result<Self, ExecutableError> {
        process.while_alive(|folder| {
            // This link is the file itself, also where the path leads to
            // another by now, or is of another root.
            let link = folder.join("exe");
            let unreadable = |cause| ExecutableError::Unreadable {
                pid: process.pid(),
                cause,
            };
            let mut file = File::open(&link).map_err(unreadable)?;
            let path = link.read_link().map_err(unreadable)?;
            let sha256 = match digests {
                Some(digests) => digests.of(&mut file).map_err(unreadable)?,
                None => None,
            };
            Ok(Self {
                path: is_at(&path, &file).map_err(unreadable)?.then_some(path),
                sha256,
            })
        })
    }

    /// Where the file is. Not known if the process sees it where we see another
    /// file, or none: in a name space of its own a program may be anywhere.
    #[must_use]
    pub const fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// SHA-256 of the file, in lower-case hexadecimal. Not known if nobody
    /// wanted to know it, or the file is too large.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }
}

/// Whether `file` is what we find at `path`, too.
fn is_at(path: &PathBuf, file: &File) -> io::Result<bool> {
    let theirs = file.metadata()?;
    let ours = fs::metadata(path);
    Ok(ours.is_ok_and(|ours| (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())))
}

/// Why a program cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    /// Its process is of another container, or was gone when we looked.
    #[error("its process is hidden from us")]
    Hidden,
    /// The process ended, or is not to be seen.
    #[error("its process cannot be told")]
    NoProcess {
        /// Why not.
        #[from]
        cause: ProcessError,
    },
    /// We may not read it.
    #[error("the program of process {pid} cannot be read")]
    Unreadable {
        /// The process.
        pid: i32,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The work was given up.
    #[error("nobody had time to read it")]
    Unfinished,
}
