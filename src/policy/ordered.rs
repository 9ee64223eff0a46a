//! A map as it is written: its keys in their order, with their places.

use std::fmt;
use std::fs;
use std::io;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_saphyr::Spanned;

use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;

/// Keys and values.
#[derive(Debug)]
pub(super) struct Ordered<V>(pub(super) Vec<(Spanned<String>, V)>);

impl<'de, V: Deserialize<'de>> Ordered<V> {
    /// Reads the text of the file `name`, in YAML or JSON.
    pub(super) fn read(name: &str, text: &'de str) -> Result<Self, Vec<Mistake>> {
        let plain = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, plain).map_err(|error| {
            let place = error.location();
            let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
            let text = error.to_string().replace('\n', " ");
            vec![at(name, (line, column), text)]
        })
    }
}

/// The name, for mistakes, and the text of the file at `path`, which has at most `most` bytes.
pub(super) fn text_of(path: &Path, most: u64) -> Result<(String, String), Vec<Mistake>> {
    let name = path.display().to_string();
    let whole = |text: String| vec![Mistake::whole(&name, text)];
    let unread = |error: io::Error| whole(format!("cannot be read: {error}"));
    let bytes = fs::metadata(path).map_err(unread)?.len();
    if bytes > most {
        return Err(whole(format!("has {bytes} bytes, more than {most}")));
    }
    let text = fs::read_to_string(path).map_err(unread)?;
    Ok((name, text))
}

/// A mistake in the file `name`.
pub(super) fn at(name: &str, (line, column): (u64, u64), text: String) -> Mistake {
    Mistake {
        file: name.to_owned(),
        line: usize::try_from(line).unwrap_or_default(),
        column: usize::try_from(column).unwrap_or_default(),
        severity: Severity::Error,
        text,
    }
}

/// The place of a value.
pub(super) fn place<T>(of: &Spanned<T>) -> (u64, u64) {
    (of.referenced.line(), of.referenced.column())
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
            type Value = Ordered<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }

        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.yaml");
        let name = path.display().to_string();
        let told = || text_of(&path, 3).map_err(|mistakes| mistakes[0].to_string());
        let gone = told().unwrap_err();
        assert!(
            gone.starts_with(&format!("{name}: error: cannot be read: ")),
            "{gone}"
        );
        for text in ["", "abc"] {
            fs::write(&path, text).unwrap();
            assert_eq!(told(), Ok((name.clone(), text.to_owned())));
        }
        for (bytes, text) in [(4, "abcd"), (5, "abcde")] {
            fs::write(&path, text).unwrap();
            let long = format!("{name}: error: has {bytes} bytes, more than 3");
            assert_eq!(told(), Err(long));
        }
    }
}
