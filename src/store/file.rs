//! Files that are never half written.
//!
//! A reader, and we ourselves after a crash, find either the old content or the
//! new: it is written beside the old, forced to the disk and put in its place by
//! one rename. A secret's file is readable by its owner only from the moment at
//! which it exists.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Why a file could not be read or written. The cause says what the system said.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A directory could not be made.
    #[error("cannot make directory `{}`", path.display())]
    MakeDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The path names no file.
    #[error("`{}` is not the path of a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file is larger than anything that belongs here.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest accepted, in bytes.
        limit: u64,
    },
    /// The file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// The whole content of a file of at most 16 MiB.
///
/// # Errors
///
/// [`StoreError::Read`] and [`StoreError::TooLarge`].
pub fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let failed = |cause| StoreError::Read {
        path: path.to_owned(),
        cause,
    };
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content))
        .map_err(failed)?;
    if u64::try_from(content.len()).is_ok_and(|bytes| bytes <= MAX_BYTES) {
        return Ok(content);
    }
    Err(StoreError::TooLarge {
        path: path.to_owned(),
        limit: MAX_BYTES,
    })
}

/// Puts `content` into a file that everybody may read (mode 0644).
///
/// # Errors
///
/// [`StoreError::NotAFile`] and [`StoreError::Write`]; the old content stays.
pub fn write_public(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    write(path, content, 0o644)
}

/// Puts `content` into a file that only its owner may read (mode 0600).
///
/// # Errors
///
/// [`StoreError::NotAFile`] and [`StoreError::Write`]; the old content stays.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    write(path, content, 0o600)
}

/// Makes a directory, and those above it, that only its owner may enter (mode
/// 0700). One that exists is narrowed to that mode.
///
/// # Errors
///
/// [`StoreError::MakeDirectory`].
pub fn make_secret_dir(path: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::MakeDirectory {
        path: path.to_owned(),
        cause,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), StoreError> {
    let not_a_file = || StoreError::NotAFile {
        path: path.to_owned(),
    };
    let name = path.file_name().ok_or_else(not_a_file)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = parent.join(beside);
    let result = write_beside(&beside, content, mode)
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| File::open(parent)?.sync_all());
    result.map_err(|cause| {
        // Best effort: what is left behind is replaced by the next attempt.
        drop(fs::remove_file(&beside));
        StoreError::Write {
            path: path.to_owned(),
            cause,
        }
    })
}

fn write_beside(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // Left over from a crash of a process with our number, with who knows what mode.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    // The umask may have narrowed the mode; it is part of the promise.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Nothing that we keep in a file comes near it.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_its_owners_alone_and_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "old, and open to all").unwrap();
        write_secret(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o600);
        write_public(&path, b"newer").unwrap();
        assert_eq!(mode(&path), 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "left over");
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("taken");
        fs::create_dir_all(taken.join("full")).unwrap();
        let error = write_secret(&taken, b"x").unwrap_err();
        assert!(matches!(&error, StoreError::Write { path, .. } if *path == taken));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "left over");

        let error = write_secret(Path::new("/"), b"x").unwrap_err();
        assert!(matches!(error, StoreError::NotAFile { .. }));
        let error = read(&dir.path().join("missing")).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { .. }));
    }

    #[test]
    fn a_secret_directory_is_narrowed_if_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        make_secret_dir(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        make_secret_dir(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }
}
