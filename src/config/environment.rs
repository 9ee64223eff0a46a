//! What the environment says of where things are.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder in which this user's programs keep what they remember between two
/// runs (XDG Base Directory Specification); none if the environment names no
/// home.
#[must_use]
pub fn state_folder() -> Option<PathBuf> {
    state_folder_by(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"))
}

/// Whether this user wants no colour on terminals (<https://no-color.org>).
#[must_use]
pub fn wants_no_color() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Relative paths are no answer, as the specification has it.
fn state_folder_by(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = state.map(PathBuf::from).filter(absolute);
    state.or_else(|| {
        let home = home.map(PathBuf::from).filter(absolute)?;
        Some(home.join(".local/state"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_where_the_specification_says() {
        let by = |state: Option<&str>, home: Option<&str>| {
            let folder = state_folder_by(state.map(Into::into), home.map(Into::into));
            folder.map(|folder| folder.to_str().unwrap().to_owned())
        };
        let home = Some("/home/a");
        assert_eq!(by(Some("/s"), home).as_deref(), Some("/s"));
        let usual = Some("/home/a/.local/state");
        for state in [None, Some(""), Some("s")] {
            assert_eq!(by(state, home).as_deref(), usual, "{state:?}");
        }
        for home in [None, Some(""), Some("a")] {
            assert_eq!(by(None, home), None, "{home:?}");
        }
    }
}
