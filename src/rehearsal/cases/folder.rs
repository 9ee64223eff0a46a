//! The files of cases in a folder.

use std::fmt;
use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use crate::config::Mistake;
use crate::rehearsal::cases::Case;
use crate::rehearsal::cases::CaseFile;

/// A mistake in a file of cases, or in a folder of them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct CaseMistake {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, and where in it.
    pub mistake: Mistake,
}

impl fmt::Display for CaseMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.mistake)
    }
}

/// The cases of each `*.test.yaml` and `*.test.yml` directly in `dir`, by the
/// name of the file.
///
/// # Errors
///
/// All mistakes of all files. That there is no file is one: nothing would be shown.
pub fn read_cases(dir: &Path) -> Result<Vec<CaseFile>, Vec<CaseMistake>> {
    let refuse = |text: String| vec![whole(dir, text)];
    let names = names(dir).map_err(|why| refuse(format!("cannot be read: {why}")))?;
    if names.is_empty() {
        return Err(refuse("there is no `*.test.yaml` in it: put cases there, as `portreeve schema --policy-tests` has them".to_owned()));
    }
    let mut files = Vec::new();
    let mut mistakes = Vec::new();
    for name in names {
        let path = dir.join(&name);
        let parsed = match read(&path) {
            Ok(text) => Case::parse(&text),
            Err(why) => {
                mistakes.push(whole(&path, format!("cannot be read: {why}")));
                continue;
            }
        };
        match parsed {
            Ok(cases) => files.push((name, cases)),
            Err(more) => mistakes.extend(more.into_iter().map(|mistake| CaseMistake {
                path: path.clone(),
                mistake,
            })),
        }
    }
    if mistakes.is_empty() {
        Ok(files)
    } else {
        Err(mistakes)
    }
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.yaml") || name.ends_with(".test.yml") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    let read = fs::File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_BYTES) {
        return Err(io::Error::other(format!(
            "it has more than {MAX_BYTES} bytes"
        )));
    }
    Ok(text)
}

fn whole(path: &Path, text: String) -> CaseMistake {
    CaseMistake {
        path: path.to_owned(),
        mistake: Mistake {
            path: String::new(),
            text,
        },
    }
}

/// Some twenty thousand cases.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
