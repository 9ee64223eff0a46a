//! A socket in the file system.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdListener;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::path::PathBuf;

use tokio::net::UnixListener;

/// A listening socket. Its file is removed when it is dropped.
#[derive(Debug)]
pub struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixDoor {
    /// Listens at `path`, for whom `mode` lets.
    ///
    /// What a process that has died left there is removed; what another
    /// process still listens on, and what is no socket, is left alone.
    ///
    /// # Errors
    ///
    /// [`UnixBindError`] names the path.
    pub fn bind(path: &Path, mode: u32) -> Result<Self, UnixBindError> {
        let failed = |cause| UnixBindError {
            path: path.to_owned(),
            cause,
        };
        check_length(path).map_err(failed)?;
        remove_stale(path).map_err(failed)?;
        // Bound under a name of its own and renamed when its mode is right, so
        // that nobody else ever finds it open.
        let mut beside = path.as_os_str().to_owned();
        beside.push(SUFFIX);
        let beside = PathBuf::from(beside);
        remove_stale(&beside).map_err(failed)?;
        let bound = || -> io::Result<StdListener> {
            let listener = StdListener::bind(&beside)?;
            fs::set_permissions(&beside, fs::Permissions::from_mode(mode))?;
            fs::rename(&beside, path)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let listener = bound().inspect_err(|_| drop(fs::remove_file(&beside)));
        let listener = listener.and_then(UnixListener::from_std).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// The socket itself.
    #[must_use]
    pub const fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        // Best effort: what stays is seen to be stale by whoever comes next.
        drop(fs::remove_file(&self.path));
    }
}

/// Why nobody can be served at a path.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at `{}`", path.display())]
pub struct UnixBindError {
    /// The path.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub cause: io::Error,
}

fn check_length(path: &Path) -> io::Result<()> {
    let bytes = path.as_os_str().len();
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("the path has {bytes} bytes, and that of a socket at most {MOST_BYTES}"),
    ))
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no socket is there",
        ));
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(_) | Err(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there",
        )),
    }
}

/// What a socket is called until its mode is right.
const SUFFIX: &str = ".new";

/// `sun_path` in unix(7), without its zero byte and the suffix.
const MOST_BYTES: usize = 107 - SUFFIX.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_the_place_of_the_dead_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        drop(StdListener::bind(&path).unwrap());
        let door = UnixDoor::bind(&path, 0o600).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = UnixDoor::bind(&path, 0o600).unwrap_err();
        assert_eq!(error.cause.kind(), io::ErrorKind::AddrInUse);
        let (client, _server) = tokio::join!(
            tokio::net::UnixStream::connect(&path),
            door.listener().accept()
        );
        client.unwrap();
        drop(door);
        assert!(!path.exists());
        fs::write(&path, "a file").unwrap();
        let error = UnixDoor::bind(&path, 0o600).unwrap_err();
        assert_eq!(error.cause.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }
}
