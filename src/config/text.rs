//! The text of a configuration file.

use std::io::ErrorKind;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::Mistake;
use crate::config::Mistakes;
use crate::config::shape;

/// The text of the file at `path`.
pub(super) fn load(path: &Path) -> Result<String, Vec<Mistake>> {
    std::fs::read_to_string(path).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::NotFound => {
                "; name a file that is there, or write one: `portreeve schema` tells every key"
            }
            ErrorKind::IsADirectory => "; name the file in it",
            _ => "",
        };
        whole(format!("cannot be read: {error}{advice}"))
    })
}

/// The folder that paths in the file at `path` are relative to.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

/// What is written in YAML, if it has the shape of a `T`.
///
/// # Errors
///
/// All that does not fit, by its path. Where the text is not YAML, the first
/// place where it is not.
pub fn parse<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<T, Vec<Mistake>> {
    let refuse = |error: serde_saphyr::Error| whole(error.to_string().replace('\n', " "));
    let plain = || serde_saphyr::options! { with_snippet: false };
    let value = serde_saphyr::from_str_with_options(text, plain()).map_err(refuse)?;
    let mut mistakes = Mistakes::default();
    shape::check(&value, &schemars::schema_for!(T).to_value(), &mut mistakes);
    mistakes.unless_any(Some(()))?;
    serde_saphyr::from_str_with_options(text, plain()).map_err(refuse)
}

fn whole(text: String) -> Vec<Mistake> {
    vec![Mistake {
        path: String::new(),
        text,
    }]
}
