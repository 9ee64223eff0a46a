//! Where the lines go.

use std::fmt;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
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
}

/// What is written to.
enum Target {
    File(File),
    #[cfg(test)]
    Other(Box<dyn io::Write + Send>),
}

impl Output {
    pub(super) fn open(sink: &Sink) -> Result<Self, SinkError> {
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
                Ok(Self {
                    to: Target::File(File::from(to)),
                    torn: false,
                })
            }
        }
    }

    #[cfg(test)]
    pub(super) fn to(to: Box<dyn io::Write + Send>) -> Self {
        Self {
            to: Target::Other(to),
            torn: false,
        }
    }

    /// Whether the file has been deleted, so that nobody will read what is
    /// written.
    pub(super) fn is_deleted(&self) -> bool {
        match &self.to {
            Target::File(file) => file
                .metadata()
                .is_ok_and(|about| about.is_file() && about.nlink() == 0),
            #[cfg(test)]
            Target::Other(_) => false,
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
                #[cfg(test)]
                Target::Other(other) => other.write(bytes),
            };
            match done {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
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

fn append_to(path: &Path) -> io::Result<Output> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let about = file.metadata()?;
    let torn = about.is_file() && about.len() > 0 && last_byte(&mut file)? != b'\n';
    Ok(Output {
        to: Target::File(file),
        torn,
    })
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    let [byte] = last;
    Ok(byte)
}
