//! What is in programs' files, read once for all who run them.
//!
//! A caller may call as often as it likes; reading its program each time would
//! let it spend our time. What was read is remembered for the file as it was,
//! and each user has one file read at a time.

use std::collections::HashMap;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;

use crate::time::Clock;

/// The SHA-256 of programs' files.
#[derive(Debug)]
pub struct Digests {
    clock: Arc<dyn Clock>,
    most_bytes: u64,
    known: Mutex<HashMap<Stamp, String>>,
    turns: Mutex<HashMap<u32, Weak<tokio::sync::Mutex<()>>>>,
}

/// A file as it was at one moment.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Stamp {
    device: u64,
    number: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    written: (i64, i64),
    /// The same; nobody but the system's owner can set it back.
    changed: (i64, i64),
}

impl Digests {
    /// Knows none yet. Files of more than `most_bytes` are not read.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, most_bytes: u64) -> Self {
        Self {
            clock,
            most_bytes,
            known: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// Whose turn it is among the callers of the user `uid`: only one at a time.
    pub(super) async fn turn(&self, uid: u32) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let running = turns.get(&uid).and_then(Weak::upgrade);
            running.unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(uid, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }

    /// The SHA-256 of `file` in lower-case hexadecimal; none if it is too large
    /// or changes while it is read. Blocks while it reads.
    pub(super) fn of(&self, file: &mut File) -> io::Result<Option<String>> {
        let before = Stamp::of(&file.metadata()?);
        let known = self.known().get(&before).cloned();
        if known.is_some() || before.bytes > self.most_bytes {
            return Ok(known);
        }
        let sha256 = hash(file)?;
        if Stamp::of(&file.metadata()?) != before {
            return Ok(None);
        }
        if self.is_settled(&before) {
            let mut known = self.known();
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(before, sha256.clone());
        }
        Ok(Some(sha256))
    }

    /// Whether the next change of the file will show in its dates, which count
    /// in ticks of a few milliseconds.
    fn is_settled(&self, stamp: &Stamp) -> bool {
        let changed = u64::try_from(stamp.changed.0).unwrap_or(u64::MAX);
        let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(changed));
        let since = changed.and_then(|changed| self.clock.now().duration_since(changed).ok());
        since.is_some_and(|since| since >= SETTLES_WITHIN)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Stamp, String>> {
        // Nothing is half done under this lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            number: file.ino(),
            bytes: file.size(),
            written: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
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

/// More programs than run on one machine.
const MOST_KNOWN: usize = 1024;

const SETTLES_WITHIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Seek as _;
    use std::io::SeekFrom;
    use std::path::Path;

    use super::*;

    /// A calendar that is some seconds ahead of the files.
    #[derive(Debug)]
    struct Ahead(u64);

    impl Clock for Ahead {
        fn now(&self) -> SystemTime {
            let file = tempfile::tempfile().unwrap().metadata().unwrap();
            file.modified().unwrap() + Duration::from_secs(self.0)
        }
    }

    fn digest(digests: &Digests, path: &Path) -> Option<String> {
        digests.of(&mut File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn a_file_that_was_changed_is_read_again_and_a_large_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let digests = Digests::new(Arc::new(Ahead(60)), 3);
        fs::write(&path, "one").unwrap();
        let one = digest(&digests, &path).unwrap();
        assert_eq!(
            one,
            "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        );
        assert_eq!(digests.known().len(), 1);
        assert_eq!(digest(&digests, &path), Some(one.clone()));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "two").unwrap();
        assert_ne!(digest(&digests, &path).unwrap(), one);
        fs::write(&path, "four").unwrap();
        assert_eq!(digest(&digests, &path), None);
    }

    #[test]
    fn what_may_still_change_unseen_is_not_remembered() {
        let mut file = tempfile::tempfile().unwrap();
        let digests = Digests::new(Arc::new(Ahead(0)), 3);
        assert!(digests.of(&mut file).unwrap().is_some());
        assert_eq!(digests.known().len(), 0);
        let later = Digests::new(Arc::new(Ahead(60)), 3);
        file.seek(SeekFrom::Start(0)).unwrap();
        assert!(later.of(&mut file).unwrap().is_some());
        assert_eq!(later.known().len(), 1);
    }
}
