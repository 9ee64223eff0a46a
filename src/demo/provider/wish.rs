//! What a request asks for: the names and values of a query or a form.

use std::collections::BTreeMap;

/// Names and values, each name once: RFC 6749 3.1 forbids to say one twice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wish(BTreeMap<String, String>);

impl Wish {
    /// Nothing if a name comes twice.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut all = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if all.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(all))
    }

    /// What is said under `name`; what is empty is not said.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// All of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `place` with more in its query.
pub(super) fn with_query(place: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let separator = if place.contains('?') { '&' } else { '?' };
    format!("{place}{separator}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_comes_twice_has_no_meaning() {
        assert_eq!(Wish::parse("a=1&b=2&a=1"), None);
        let wish = Wish::parse("a=1&b=&c=x%20y+z").unwrap();
        assert_eq!((wish.get("a"), wish.get("b")), (Some("1"), None));
        assert_eq!(wish.get("c"), Some("x y z"));
    }

    proptest! {
        #[test]
        fn what_is_put_in_a_query_is_read_back(value in "\\PC{1,20}") {
            let place = with_query("https://localhost/x", &[("a", &value), ("b", "c")]);
            let (_, query) = place.split_once('?').unwrap();
            let wish = Wish::parse(query).unwrap();
            prop_assert_eq!(wish.get("a"), Some(value.as_str()));
            prop_assert_eq!(wish.get("b"), Some("c"));
        }

        #[test]
        fn no_text_stops_it(text in "\\PC{0,60}") {
            if let Some(wish) = Wish::parse(&text) {
                prop_assert!(wish.iter().count() <= text.len());
            }
        }
    }
}
