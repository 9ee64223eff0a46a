//! A map as it is written: its keys in their order, with their places.

use std::fmt;
use std::marker::PhantomData;

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
