//! A socket in the file system: made whole, never in another's place, and taken
//! away again.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

/// A socket that listens, and its file, which goes when this goes.
#[derive(Debug)]
pub struct UnixSocket {
    /// What listens. It does not block.
    pub listener: UnixListener,
    /// Its file.
    pub place: UnixPlace,
}

/// The file of a socket of ours. Dropping it takes the file away, unless another
/// stands there by now.
#[derive(Debug)]
pub struct UnixPlace {
    path: PathBuf,
    /// Device and number.
    file: (u64, u64),
}

impl UnixSocket {
    /// Listens at `path` with the permissions `mode`.
    ///
    /// The socket is made under another name and moved: whoever finds it at
    /// `path` finds it with its permissions, and there is no moment without one.
    ///
    /// # Errors
    ///
    /// All of [`UnixBindError`].
    pub fn bind(path: &Path, mode: u32) -> Result<Self, UnixBindError> {
        clear(path)?;
        let failed = |cause| UnixBindError::System {
            path: path.to_owned(),
            cause,
        };
        let name = format!(".{:x}", std::process::id());
        let new = path.with_file_name(name);
        // Left by a process that had our number and was killed at this point.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&new).map_err(failed)?;
        let finish = || {
            listener.set_nonblocking(true)?;
            fs::set_permissions(&new, fs::Permissions::from_mode(mode))?;
            let file = fs::symlink_metadata(&new)?;
            fs::rename(&new, path)?;
            Ok((file.dev(), file.ino()))
        };
        match finish() {
            Ok(file) => Ok(Self {
                listener,
                place: UnixPlace {
                    path: path.to_owned(),
                    file,
                },
            }),
            Err(cause) => {
                remove(&new);
                Err(failed(cause))
            }
        }
    }
}

impl Drop for UnixPlace {
    fn drop(&mut self) {
        let still = fs::symlink_metadata(&self.path);
        if still.is_ok_and(|file| (file.dev(), file.ino()) == self.file) {
            remove(&self.path);
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum UnixBindError {
    /// Somebody answers there.
    #[error("another process listens on `{}`: stop it, or choose another path", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// There is something that is no socket.
    #[error("`{}` is there already and is not a socket: choose another path, or remove it", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// There is another user's socket, on which nobody answers.
    #[error("`{}` is a socket that user {uid} left: remove it if it is not needed", path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// The system does not let us.
    #[error("no socket can be made at `{}`: its folder must be there and writable, and its path be shorter than 108 bytes", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// Finds `path` free, or taken by a socket of ours that nobody listens on.
fn clear(path: &Path) -> Result<(), UnixBindError> {
    let named = || path.to_owned();
    let failed = |cause| UnixBindError::System {
        path: named(),
        cause,
    };
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !file.file_type().is_socket() {
        return Err(UnixBindError::NotASocket { path: named() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let uid = file.uid();
            return Err(UnixBindError::NotOurs { path: named(), uid });
        }
        Err(error) => return Err(failed(error)),
        Ok(_answered) => return Err(UnixBindError::InUse { path: named() }),
    }
    if file.uid() != rustix::process::geteuid().as_raw() {
        let uid = file.uid();
        return Err(UnixBindError::NotOurs { path: named(), uid });
    }
    // It is replaced when ours is moved there.
    Ok(())
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a socket's file could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mode() -> u32 {
        0o640
    }

    #[test]
    fn the_file_has_its_mode_and_goes_with_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let socket = UnixSocket::bind(&path, mode()).unwrap();
        let file = fs::symlink_metadata(&path).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_of_ours_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        drop(UnixListener::bind(&path).unwrap());
        let first = UnixSocket::bind(&path, mode()).unwrap();
        let second = UnixSocket::bind(&path, mode());
        assert!(
            matches!(second, Err(UnixBindError::InUse { .. })),
            "{second:?}"
        );
        drop(first);
    }

    #[test]
    fn what_is_no_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "data").unwrap();
        let outcome = UnixSocket::bind(&path, mode());
        assert!(
            matches!(outcome, Err(UnixBindError::NotASocket { .. })),
            "{outcome:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
        let nowhere = folder.path().join("missing/api.sock");
        let outcome = UnixSocket::bind(&nowhere, mode());
        assert!(
            matches!(outcome, Err(UnixBindError::System { .. })),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_file_that_took_its_place_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let socket = UnixSocket::bind(&path, mode()).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        drop(socket);
        assert!(path.exists());
    }
}
