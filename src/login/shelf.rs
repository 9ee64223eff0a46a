//! The folder with a file for each edge that this user has signed in at.
//!
//! Whoever reads a file there is the person. So nothing is read or written where
//! others could, and no link is followed to where somebody else would like it.

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::login::kept::Kept;
use crate::login::kept::KeptError;
use crate::login::site::Site;
use crate::store;
use crate::store::StoreError;

/// What a user is signed in at.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// What is kept in `folder`, which need not be there yet.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What is kept of `site`.
    ///
    /// # Errors
    ///
    /// All of [`ShelfError`] but `Write`.
    pub fn find(&self, site: &Site) -> Result<Option<Kept>, ShelfError> {
        if !self.is_there()? {
            return Ok(None);
        }
        let path = self.folder.join(site.file_name());
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let kept = Kept::parse(&text).map_err(|cause| ShelfError::Damaged {
            path: path.clone(),
            cause,
        })?;
        if kept.site() == site {
            Ok(Some(kept))
        } else {
            Err(ShelfError::OtherSite { path })
        }
    }

    /// Keeps `kept`, in place of what was there.
    ///
    /// # Errors
    ///
    /// All of [`ShelfError`] about the folder, `Damaged` and `Write`.
    pub fn put(&self, kept: &Kept) -> Result<(), ShelfError> {
        let write = |cause| ShelfError::Write { cause };
        if !self.is_there()? {
            store::make_secret_dir(&self.folder).map_err(write)?;
        }
        let path = self.folder.join(kept.site().file_name());
        let text = kept.to_text().map_err(|cause| ShelfError::Damaged {
            path: path.clone(),
            cause,
        })?;
        // Whatever is there is replaced, and if it is a link, the link.
        store::write_secret(&path, text.as_bytes()).map_err(write)
    }

    /// Forgets what is kept of `site`. Tells whether anything was.
    ///
    /// # Errors
    ///
    /// All of [`ShelfError`] about the folder, and `Unreadable`.
    pub fn remove(&self, site: &Site) -> Result<bool, ShelfError> {
        if !self.is_there()? {
            return Ok(false);
        }
        let path = self.folder.join(site.file_name());
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(ShelfError::Unreadable { path, cause }),
        }
    }

    /// Whether the folder is there. If so, it is this user's alone.
    fn is_there(&self) -> Result<bool, ShelfError> {
        let path = &self.folder;
        let folder = match fs::symlink_metadata(path) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => {
                let path = path.clone();
                return Err(ShelfError::Unreadable { path, cause });
            }
        };
        if !folder.is_dir() {
            return Err(ShelfError::NotItself { path: path.clone() });
        }
        is_ours_alone(path, &folder, "700")?;
        Ok(true)
    }
}

/// The content of the file itself at `path`; none if it is not there.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, ShelfError> {
    let unreadable = |cause| ShelfError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    // Neither what a link leads to, nor something that never ends.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file: File = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(ShelfError::NotItself {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(ShelfError::NotItself {
            path: path.to_owned(),
        });
    }
    is_ours_alone(path, &metadata, "600")?;
    let most = u64::try_from(Kept::MAX_BYTES).unwrap_or(u64::MAX);
    let mut text = Zeroizing::new(Vec::with_capacity(Kept::MAX_BYTES + 1));
    let read = file.take(most + 1).read_to_end(&mut text);
    read.map_err(unreadable)?;
    Ok(Some(text))
}

fn is_ours_alone(path: &Path, metadata: &Metadata, mode: &'static str) -> Result<(), ShelfError> {
    let path = || path.to_owned();
    if metadata.uid() != geteuid().as_raw() {
        return Err(ShelfError::NotOurs { path: path() });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(ShelfError::Wide { path: path(), mode });
    }
    Ok(())
}

/// Why nothing can be kept, or found.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// It is not what is written there.
    #[error("`{}` is damaged: remove it, and sign in again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: KeptError,
    },
    /// A link, or something else than a file or a folder.
    #[error("`{}` is a link, or not what it should be: remove it", path.display())]
    NotItself {
        /// What it is.
        path: PathBuf,
    },
    /// It is somebody else's.
    #[error("`{}` belongs to another user", path.display())]
    NotOurs {
        /// What does.
        path: PathBuf,
    },
    /// It is about another edge than its name says.
    #[error("`{}` is about another host: remove it, and sign in again", path.display())]
    OtherSite {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it says.
        #[source]
        cause: io::Error,
    },
    /// Others may look into it.
    #[error("`{0}` is open to others, who may have read it: `chmod {mode} {0}`", path.display())]
    Wide {
        /// The file or folder.
        path: PathBuf,
        /// What its mode should be.
        mode: &'static str,
    },
    /// It cannot be written.
    #[error("the token cannot be kept")]
    Write {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::fs::symlink;
    use std::time::Duration;
    use std::time::SystemTime;

    use super::*;

    fn kept(site: &str) -> Kept {
        let token = format!("prt_{}", "A".repeat(43));
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        Kept::new(site.parse().unwrap(), token.into(), expires).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_kept_is_found_and_forgotten_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state/portreeve");
        let shelf = Shelf::new(folder.clone());
        let (one, other) = (kept("https://a.example"), kept("https://a.example:8443"));
        assert_eq!(shelf.find(one.site()).unwrap(), None);
        assert!(!shelf.remove(one.site()).unwrap());
        shelf.put(&one).unwrap();
        assert_eq!(shelf.find(one.site()).unwrap(), Some(one.clone()));
        assert_eq!(shelf.find(other.site()).unwrap(), None);
        let file = folder.join("https-a.example.json");
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        assert!(shelf.remove(one.site()).unwrap());
        assert_eq!(shelf.find(one.site()).unwrap(), None);
    }

    #[test]
    fn what_others_could_read_or_put_there_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("portreeve");
        let shelf = Shelf::new(folder.clone());
        let one = kept("https://a.example");
        shelf.put(&one).unwrap();
        let file = folder.join("https-a.example.json");
        let refused = || shelf.find(one.site()).unwrap_err();
        let found = || shelf.find(one.site()).unwrap() == Some(one.clone());

        chmod(&file, 0o640);
        assert!(matches!(refused(), ShelfError::Wide { mode: "600", .. }));
        chmod(&file, 0o600);
        assert!(found());
        chmod(&folder, 0o711);
        assert!(matches!(refused(), ShelfError::Wide { mode: "700", .. }));
        let put = shelf.put(&one).unwrap_err();
        assert!(matches!(put, ShelfError::Wide { .. }));
        chmod(&folder, 0o700);
        assert!(found());

        // A link, to what is good in itself.
        let elsewhere = folder.with_file_name("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        assert!(matches!(refused(), ShelfError::NotItself { .. }));
        // Writing replaces the link, and leaves alone what it leads to.
        fs::write(&elsewhere, "untouched").unwrap();
        shelf.put(&one).unwrap();
        assert!(found());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");

        fs::copy(&file, folder.join("https-b.example.json")).unwrap();
        let other = shelf.find(&"https://b.example".parse().unwrap());
        assert!(matches!(other, Err(ShelfError::OtherSite { .. })));
        fs::write(&file, "{}").unwrap();
        assert!(matches!(refused(), ShelfError::Damaged { .. }));
        fs::write(&file, " ".repeat(Kept::MAX_BYTES + 1)).unwrap();
        assert!(matches!(refused(), ShelfError::Damaged { .. }));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(matches!(refused(), ShelfError::NotItself { .. }));

        // The folder itself is a link.
        fs::rename(&folder, folder.with_file_name("moved")).unwrap();
        symlink(folder.with_file_name("moved"), &folder).unwrap();
        assert!(matches!(refused(), ShelfError::NotItself { .. }));
        let put = shelf.put(&one).unwrap_err();
        assert!(matches!(put, ShelfError::NotItself { .. }));
    }
}
