//! The names of a query's parameters, which are what a policy gets to know of it.
//!
//! A name counts as it is once decoded, whether it comes once or often, with a
//! value or without. Servers do not agree on how a query is taken apart, and a
//! name that we miss is one that no `forbid` sees: so a query that they read
//! differently has no names at all, and the request is refused.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// The names; none if the query has more than one reading.
///
/// Pairs end at `&`. A `;` would end them for some servers; an escape that is
/// none, or whose bytes are no text, is read in many ways; and what decoded is
/// still escaped may be decoded once more.
pub(super) fn names(query: &str) -> Option<BTreeSet<String>> {
    if query.contains(';') {
        return None;
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| name(pair).map(Cow::into_owned)).collect()
}

fn name(pair: &str) -> Option<Cow<'_, str>> {
    let raw = pair.split_once('=').map_or(pair, |(name, _)| name);
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let bytes = unescaped(raw)?;
    let is_escaped = bytes
        .windows(3)
        .any(|three| matches!(three, [b'%', a, b] if digit(*a).is_some() && digit(*b).is_some()));
    // A server in C ends the name there.
    if is_escaped || bytes.contains(&0) {
        return None;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// What `text`, a name or a value of a query or a form, stands for; none if an
/// escape in it is none.
#[must_use]
pub fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? * 16 + digit(rest.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    Some(bytes)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_counts_as_it_is_once_decoded() {
        for (query, found) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a", &["a"]),
            ("a=1&b=2&a=3", &["a", "b"]),
            ("%61dmin=1", &["admin"]),
            ("a+b=c=d", &["a b"]),
            ("=1", &[""]),
            ("%C3%A9", &["\u{e9}"]),
            ("a%26b", &["a&b"]),
            ("a%3Bb", &["a;b"]),
            ("a=%zz", &["a"]),
            ("100%25", &["100%"]),
            ("A=1", &["A"]),
        ] {
            let names = names(query).unwrap();
            assert!(names.iter().eq(found), "{query}: {names:?}");
        }
    }

    #[test]
    fn a_query_with_two_readings_has_no_names() {
        for query in [
            "a;b",
            "a=1;b=2",
            "%",
            "%6",
            "%zz=1",
            "a=1&%g1",
            "%ff",
            "%c0%ae",
            "%2561",
            "%25%36%31",
            "a%00b",
        ] {
            assert_eq!(names(query), None, "{query}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_name_is_that_name(name in "[ -~]{1,8}", seed in any::<u64>()) {
            let escaped = |at: usize| (seed >> (at % 64)) & 1 == 1;
            let spelled: String = name
                .bytes()
                .enumerate()
                .map(|(at, byte)| {
                    let plain = byte.is_ascii_alphanumeric();
                    if plain && !escaped(at) { char::from(byte).to_string() } else { format!("%{byte:02x}") }
                })
                .collect();
            let decoded = names(&format!("x=1&{spelled}=2"));
            let twice = name.as_bytes().windows(3).any(|three| {
                matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
            });
            prop_assert_eq!(decoded.map(|names| names.contains(&name)), (!twice).then_some(true));
        }

        #[test]
        fn any_query_is_read_or_refused(query in "\\PC{0,40}") {
            let pairs = query.split('&').filter(|pair| !pair.is_empty()).count();
            prop_assert!(names(&query).is_none_or(|names| names.len() <= pairs));
        }
    }
}
