//! Any YAML or JSON, with the line of each of its parts.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_saphyr::Spanned;

use crate::import::file::Text;
use crate::import::refusals::Untranslatable;

/// A value and its place.
pub(super) type At = Spanned<Node>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Flag(bool),
    List(Vec<At>),
    /// In the order in which it is written.
    Map(Vec<(Text, At)>),
    Nothing,
    /// Which one makes no difference to any translation.
    Number,
    Text(String),
}

impl Node {
    /// Reads the only document of a text.
    pub(super) fn read(text: &str) -> Result<At, Vec<Untranslatable>> {
        let plain = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, plain).map_err(|error| {
            let line = error.location().map_or(0, |location| location.line());
            let text = error.to_string().replace('\n', " ");
            vec![Untranslatable { line, text }]
        })
    }

    /// What the key of a map has.
    pub(super) fn of(&self, key: &str) -> Option<&At> {
        let Self::Map(pairs) = self else { return None };
        let found = pairs.iter().find(|(name, _)| name.value == key);
        found.map(|(_, value)| value)
    }

    /// What it is, in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Nothing => "nothing",
            Self::Number => "a number",
            Self::Text(_) => "a text",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            map.push(pair);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_line() {
        let read = Node::read("a: [b,\n  1, null]\nc:\n  \"d\": true\n").unwrap();
        let list = read.value.of("a").unwrap();
        let Node::List(items) = &list.value else {
            panic!("{list:?}")
        };
        let lines = items.iter().map(|item| item.referenced.line());
        assert_eq!(lines.collect::<Vec<_>>(), [1, 2, 2]);
        let kinds = items.iter().map(|item| item.value.kind());
        assert_eq!(kinds.collect::<Vec<_>>(), ["a text", "a number", "nothing"]);
        let flag = read.value.of("c").unwrap().value.of("d").unwrap();
        assert_eq!(
            (&flag.value, flag.referenced.line()),
            (&Node::Flag(true), 4)
        );
        assert_eq!(Node::read(r#"{"a": ["b"]}"#).unwrap().value.kind(), "a map");
    }

    #[test]
    fn a_key_that_comes_twice_has_no_reading() {
        let twice = Node::read("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(twice.first().map(|one| one.line), Some(3));
    }
}
