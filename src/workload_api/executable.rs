//! The program that a process runs.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::PathBuf;

use aws_lc_rs::digest;

use crate::workload_api::process::Process;
use crate::workload_api::process::ProcessError;

/// A program's file: where it is, and what is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executable {
    path: PathBuf,
    sha256: String,
}

impl Executable {
    /// The program of `process`, if its file has at most `most_bytes`. Blocks
    /// while it reads the file.
    pub(super) fn of(process: &Process, most_bytes: u64) -> Result<Self, ExecutableError> {
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
            let bytes = file.metadata().map_err(unreadable)?.len();
            if bytes > most_bytes {
                return Err(ExecutableError::TooLarge {
                    path,
                    bytes,
                    most_bytes,
                });
            }
            let sha256 = hash(&mut file).map_err(unreadable)?;
            Ok(Self { path, sha256 })
        })
    }

    /// Where the file is, as the process sees it.
    #[must_use]
    pub const fn path(&self) -> &PathBuf {
        &self.path
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
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
    /// Reading it would take too long.
    #[error("`{}` has {bytes} bytes, more than {most_bytes}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The limit.
        most_bytes: u64,
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

fn hash(file: &mut File) -> io::Result<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        context.update(chunk.get(..read).unwrap_or_default());
    }
    let digest = context.finish();
    Ok(digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

const CHUNK_BYTES: usize = 64 * 1024;
