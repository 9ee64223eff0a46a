//! Where the lines go.

use crate::audit::rotation;
use crate::audit::syslog;
use crate::audit::syslog::Syslog;
use crate::audit::tail::Tail;
use std::fmt;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Where the lines go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sink {
    /// To the end of a file, which is made if it is not there, for its owner's
    /// eyes only.
    File(PathBuf),
    /// To the standard output.
    Stdout,
    /// To a syslog.
    Syslog(syslog::Settings),
}

/// Why the sink cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file cannot be opened to be appended to.
    #[error("cannot append to `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
    /// There is no standard output.
    #[error("cannot write to the standard output")]
    Stdout {
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
}

/// An open sink.
pub(super) struct Output {
    to: Target,
    /// The last line there has no end: a writer died in the middle of it.
    torn: bool,
    /// How much there is, of a file.
    bytes: u64,
}

/// What is written to.
enum Target {
    File(File),
    Syslog(Syslog),
    #[cfg(test)]
    Other(Box<dyn io::Write + Send>),
}

impl Output {
    /// Opens it, and answers how what is there already ends.
    pub(super) fn open(sink: &Sink) -> Result<(Self, Tail), SinkError> {
        match sink {
            Sink::File(path) => append_to(path).map_err(|cause| SinkError::File {
                path: path.clone(),
                cause,
            }),
            Sink::Stdout => {
                // Not `Stdout` itself, which writes line by line.
                let to = io::stdout()
                    .as_fd()
                    .try_clone_to_owned()
                    .map_err(|cause| SinkError::Stdout { cause })?;
                Ok((Self::of(Target::File(File::from(to))), Tail::default()))
            }
            // It is connected to when there is something to be written: it may come after us.
            Sink::Syslog(settings) => {
                let syslog = Syslog::new(settings.clone());
                Ok((Self::of(Target::Syslog(syslog)), Tail::default()))
            }
        }
    }

    const fn of(to: Target) -> Self {
        Self {
            to,
            torn: false,
            bytes: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn to(to: Box<dyn io::Write + Send>) -> Self {
        Self::of(Target::Other(to))
    }

    /// How large the file is, as far as we know.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the file has been deleted, so that nobody will read what is
    /// written.
    pub(super) fn is_deleted(&self) -> bool {
        self.file()
            .and_then(|file| file.metadata().ok())
            .is_some_and(|about| about.is_file() && about.nlink() == 0)
    }

    /// Whether it is a file, and the one that is at `path` now.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let about = self.file().and_then(|file| file.metadata().ok());
        let (Some(ours), Ok(there)) = (about, fs::metadata(path)) else {
            return false;
        };
        ours.is_file() && (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }

    /// Waits until what was written outlasts a crash of the machine, where that can be had.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self.file() {
            Some(file) if file.metadata()?.is_file() => file.sync_data(),
            _ => Ok(()),
        }
    }

    fn file(&self) -> Option<&File> {
        match &self.to {
            Target::File(file) => Some(file),
            Target::Syslog(_) => None,
            #[cfg(test)]
            Target::Other(_) => None,
        }
    }

    /// Writes some of `bytes`, and answers how many: at least one.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.torn {
            self.write_some(b"\n")?;
            self.torn = false;
        }
        self.write_some(bytes)
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let done = match &mut self.to {
                Target::File(file) => file.write(bytes),
                Target::Syslog(syslog) => syslog.write(bytes),
                #[cfg(test)]
                Target::Other(other) => other.write(bytes),
            };
            match done {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(written) => {
                    self.bytes += u64::try_from(written).unwrap_or(0);
                    return Ok(written);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Output")
            .field("torn", &self.torn)
            .finish_non_exhaustive()
    }
}

fn append_to(path: &Path) -> io::Result<(Output, Tail)> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let tail = if file.metadata()?.is_file() {
        Tail::read(&mut file)?
    } else {
        Tail::default()
    };
    let output = Output {
        torn: tail.is_open,
        bytes: tail.bytes,
        ..Output::of(Target::File(file))
    };
    Ok((output, tail))
}

/// How the file ends that was finished last, if the one at `path` is empty, with its name.
pub(super) fn before(path: &Path) -> io::Result<Option<(Tail, String)>> {
    let Some(newest) = rotation::newest(path)? else {
        return Ok(None);
    };
    let name = newest
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Some((Tail::read(&mut File::open(&newest)?)?, name)))
}
