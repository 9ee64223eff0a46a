//! Reading a policy directory, and nothing else there.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::policy::mistake::Mistake;

/// The names and contents of every `*.cedar` file directly in `dir`, sorted by
/// name. Links are followed, because that is how Kubernetes mounts a
/// `ConfigMap`.
///
/// # Errors
///
/// A mistake for each file that cannot be read, is no regular file, is not
/// UTF-8 or is too large, or one for the directory itself.
pub(super) fn read(dir: &Path) -> Result<Vec<(String, String)>, Vec<Mistake>> {
    let shown = dir.display().to_string();
    let refuse = |text: String| vec![Mistake::whole(&shown, text)];
    let entries = fs::read_dir(dir).map_err(|why| refuse(format!("cannot be read: {why}")))?;
    let mut names = Vec::new();
    let mut mistakes = Vec::new();
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(why) => return Err(refuse(format!("cannot be read: {why}"))),
        };
        if path
            .extension()
            .is_none_or(|extension| extension != "cedar")
        {
            continue;
        }
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) => names.push(name.to_owned()),
            None => {
                let name = path.display().to_string();
                mistakes.push(Mistake::whole(&name, "its name is not UTF-8"));
            }
        }
    }
    names.sort_unstable();
    let mut files = Vec::new();
    let mut bytes = 0;
    for name in names {
        match read_file(&dir.join(&name)) {
            Ok(text) => {
                bytes += text.len();
                files.push((name, text));
            }
            Err(text) => mistakes.push(Mistake::whole(&name, text)),
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(refuse(format!("holds more than {MAX_TOTAL_BYTES} bytes")));
        }
    }
    if mistakes.is_empty() {
        Ok(files)
    } else {
        mistakes.sort_unstable();
        Err(mistakes)
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |why: std::io::Error| format!("cannot be read: {why}");
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read > MAX_FILE_BYTES) {
        return Err(format!("has more than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|why| format!("is not UTF-8 from byte {}", why.utf8_error().valid_up_to()))
}

/// Some twenty thousand policies.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Parsed policies take about twenty times their text.
const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn texts(mistakes: &[Mistake]) -> Vec<String> {
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_policies_by_name_and_leaves_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("b.cedar"), "2").unwrap();
        fs::write(at("target"), "1").unwrap();
        std::os::unix::fs::symlink(at("target"), at("a.cedar")).unwrap();
        fs::write(at("README.md"), [0xff]).unwrap();
        let files = read(dir.path()).unwrap();
        let pairs: Vec<_> = files.iter().map(|(n, t)| (&**n, &**t)).collect();
        assert_eq!(pairs, [("a.cedar", "1"), ("b.cedar", "2")]);
    }

    #[test]
    fn refuses_what_it_cannot_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.cedar"), b"ok\xff").unwrap();
        fs::create_dir(at("b.cedar")).unwrap();
        fs::write(at("c.cedar"), vec![b' '; 4 * 1024 * 1024 + 1]).unwrap();
        fs::write(at("d.cedar"), vec![b' '; 4 * 1024 * 1024]).unwrap();
        std::os::unix::fs::symlink(at("gone"), at("e.cedar")).unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xff.cedar");
        fs::write(dir.path().join(name), "").unwrap();
        let mistakes = texts(&read(dir.path()).unwrap_err());
        let expected = [
            "its name is not UTF-8",
            "a.cedar: error: is not UTF-8 from byte 2",
            "b.cedar: error: is not a regular file",
            "c.cedar: error: has more than 4194304 bytes",
            "e.cedar: error: cannot be read: No such file or directory (os error 2)",
        ];
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            assert!(mistake.ends_with(expected), "{mistake}");
        }
    }

    #[test]
    fn a_directory_holds_so_much_in_all() {
        let dir = tempfile::tempdir().unwrap();
        let full = vec![b' '; 4 * 1024 * 1024];
        for name in ["a.cedar", "b.cedar", "c.cedar", "d.cedar"] {
            fs::write(dir.path().join(name), &full).unwrap();
        }
        assert_eq!(read(dir.path()).unwrap().len(), 4);
        fs::write(dir.path().join("e.cedar"), " ").unwrap();
        let mistakes = texts(&read(dir.path()).unwrap_err());
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(
            mistakes[0].ends_with("holds more than 16777216 bytes"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn a_missing_directory_is_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none");
        assert_eq!(
            texts(&read(&missing).unwrap_err()),
            [format!(
                "{}: error: cannot be read: No such file or directory (os error 2)",
                missing.display()
            )]
        );
        assert_eq!(read(dir.path()).unwrap(), []);
    }
}
