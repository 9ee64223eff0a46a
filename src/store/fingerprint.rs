//! Whether files have changed, told without opening them.
//!
//! We look every second rather than ask the kernel to tell us: Kubernetes
//! changes a mounted secret by swapping a symbolic link two directories up,
//! which the kernel's watchers miss or must be re-armed for.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

/// What some files looked like at one moment.
///
/// Two that are equal mean: the same files, at the end of all symbolic links,
/// with the same size and time of change. A file that cannot be looked at has a
/// fingerprint, too: that of its absence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprint(Vec<(PathBuf, Option<Look>)>);

impl Fingerprint {
    /// Looks at each of `paths`. A directory counts as all files directly in it.
    #[must_use]
    pub fn take<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut looks = Vec::new();
        for path in paths {
            let path = path.as_ref();
            looks.push((path.to_owned(), Look::at(path).ok()));
            if path.is_dir() {
                looks.extend(look_inside(path).unwrap_or_default());
            }
        }
        Self(looks)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Look {
    resolved: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Look {
    fn at(path: &Path) -> io::Result<Self> {
        let resolved = fs::canonicalize(path)?;
        let metadata = fs::metadata(&resolved)?;
        Ok(Self {
            resolved,
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

fn look_inside(directory: &Path) -> io::Result<Vec<(PathBuf, Option<Look>)>> {
    let mut looks = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let look = Look::at(&path).ok();
        looks.push((path, look));
    }
    looks.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(looks)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn sees_changes_of_content_and_presence() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let absent = Fingerprint::take([&file]);
        fs::write(&file, "1").unwrap();
        let one = Fingerprint::take([&file]);
        assert_ne!(absent, one);
        assert_eq!(one, Fingerprint::take([&file]));
        fs::write(&file, "22").unwrap();
        assert_ne!(one, Fingerprint::take([&file]));

        let inside = Fingerprint::take([dir.path()]);
        fs::write(dir.path().join("b"), "1").unwrap();
        assert_ne!(inside, Fingerprint::take([dir.path()]));
    }

    #[test]
    fn sees_kubernetes_swap_a_link_above_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for version in ["..1", "..2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("tls.crt"), "same").unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/tls.crt", at("tls.crt")).unwrap();
        let before = Fingerprint::take([at("tls.crt")]);
        symlink("..2", at("..data_new")).unwrap();
        fs::rename(at("..data_new"), at("..data")).unwrap();
        assert_ne!(before, Fingerprint::take([at("tls.crt")]));
    }
}
