//! Files that are full, or old enough: what they are called then, and which of them stay.
//!
//! `decisions.jsonl` becomes `decisions-20261128T221500Z-000000004711.jsonl`: when it was finished, and the number of the
//! last line in it. In the order of their names is in the order in which they were written.

use jiff::Timestamp;
use std::fs;
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

/// When a file is finished and another begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rotation {
    /// As soon as it has so many bytes.
    pub bytes: Option<NonZeroU64>,
    /// As soon as its first line is so old, if it has a record.
    pub every: Option<Duration>,
    /// How many finished files stay. `None`: all of them.
    pub keep: Option<NonZeroUsize>,
}

impl Rotation {
    /// Whether a file of `bytes` that was begun `age` ago is finished.
    pub(super) fn is_due(&self, bytes: u64, age: Duration) -> bool {
        self.bytes.is_some_and(|most| bytes >= most.get())
            || self.every.is_some_and(|most| age >= most)
    }
}

/// Gives `path`, whose last line is number `seq`, the name of a finished file. Answers with that name.
pub(super) fn finish(path: &Path, seq: u64, now: SystemTime) -> io::Result<String> {
    let names = Names::of(path).ok_or(io::ErrorKind::InvalidFilename)?;
    let now = Timestamp::try_from(now).unwrap_or_default();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    // A clock that was set back must not make it look older than those before it.
    let newest = names.finished()?.pop();
    let newest = newest
        .as_deref()
        .and_then(|name| names.stamp(name))
        .unwrap_or_default();
    let stamp = stamp.as_str().max(newest);
    let name = format!("{}-{stamp}-{seq:012}{}", names.stem, names.ending);
    let to = names.folder.join(&name);
    // Evidence is never overwritten. Nobody else gives such names here.
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(path, &to)?;
    Ok(name)
}

/// Makes sure that what was done to names in the folder of `path` outlasts a crash.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The finished file that was finished last.
pub(super) fn newest(path: &Path) -> io::Result<Option<PathBuf>> {
    let Some(names) = Names::of(path) else {
        return Ok(None);
    };
    let newest = names.finished()?.pop();
    Ok(newest.map(|name| names.folder.join(name)))
}

/// Deletes all finished files but the `keep` newest. Answers with the names of those that are gone, and with what went wrong.
pub(super) fn thin(path: &Path, keep: NonZeroUsize) -> (Vec<String>, io::Result<()>) {
    let mut gone = Vec::new();
    let done = (|| {
        let Some(names) = Names::of(path) else {
            return Ok(());
        };
        let finished = names.finished()?;
        let most = finished.len().saturating_sub(keep.get());
        for name in finished.into_iter().take(most) {
            fs::remove_file(names.folder.join(&name))?;
            gone.push(name);
        }
        Ok(())
    })();
    (gone, done)
}

/// What finished files of one log are called.
struct Names {
    folder: PathBuf,
    stem: String,
    /// With its point.
    ending: String,
}

impl Names {
    /// `None` if the file's name is no text.
    fn of(path: &Path) -> Option<Self> {
        let stem = path.file_stem()?.to_str()?.to_owned();
        let ending = match path.extension() {
            Some(ending) => format!(".{}", ending.to_str()?),
            None => String::new(),
        };
        Some(Self {
            folder: folder_of(path),
            stem,
            ending,
        })
    }

    /// All that are there, the oldest first.
    fn finished(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str()
                && self.stamp(name).is_some()
            {
                found.push(name.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// The date in `name`, if it is that of a finished file.
    fn stamp<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(&self.stem)?.strip_prefix('-')?;
        let (stamp, seq) = rest.strip_suffix(&self.ending)?.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
        let is_date = date.len() == 8 && time.len() == 6 && digits(date) && digits(time);
        (is_date && seq.len() >= 12 && digits(seq)).then_some(stamp)
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_014_400 + seconds)
    }

    #[test]
    fn finished_files_are_called_by_when_and_by_how_far() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.jsonl");
        let name = |seq, at| {
            fs::write(&file, "x").unwrap();
            finish(&file, seq, at).unwrap()
        };
        assert_eq!(name(7, noon(0)), "log-20270115T120000Z-000000000007.jsonl");
        assert_eq!(
            name(12, noon(61)),
            "log-20270115T120101Z-000000000012.jsonl"
        );
        // The clock is set back.
        assert_eq!(name(15, noon(2)), "log-20270115T120101Z-000000000015.jsonl");
        fs::write(&file, "x").unwrap();
        let again = finish(&file, 15, noon(2)).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert!(file.exists());
        let newest = newest(&file).unwrap().unwrap();
        assert!(newest.ends_with("log-20270115T120101Z-000000000015.jsonl"));
    }

    #[test]
    fn only_the_oldest_finished_files_of_this_log_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.jsonl");
        let others = [
            "log.jsonl",
            "log-1.jsonl",
            "log-20270115T120000Z-1.jsonl",
            "other-20200115T120000Z-000000000007.jsonl",
        ];
        let ours = [
            "log-20270115T120000Z-000000000001.jsonl",
            "log-20270115T120001Z-000000000002.jsonl",
            "log-20270115T120001Z-000000000003.jsonl",
        ];
        for name in others.iter().chain(&ours) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let two = NonZeroUsize::new(2).unwrap();
        let (gone, done) = thin(&file, two);
        assert_eq!((gone, done.unwrap()), (vec![ours[0].to_owned()], ()));
        assert!(
            others
                .iter()
                .chain(&ours[1..])
                .all(|name| dir.path().join(name).exists())
        );
        assert!(!dir.path().join(ours[0]).exists());
        assert_eq!(thin(&file, two).0, Vec::<String>::new());
    }
}
