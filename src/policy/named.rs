//! The entities that a text of policies names, told from its words alone.
//!
//! To parse a large set only to know which services it names would take as long
//! as half of loading it, and would tell nothing of a text with one mistake.

use std::borrow::Cow;

use cedar_policy_core::parser::parse_internal_string;

/// Type and id of each `Type::"id"`, in order, as often as it stands there. The
/// type is the last word of its name.
pub(super) fn entities(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut found = Vec::new();
    let (mut word, mut colons) = ("", false);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => string(rest),
            '/' if rest.starts_with("//") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c if is_of_word(c) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(token).unwrap_or((rest, ""));
        match first {
            '"' => {
                if colons && let Some(id) = unquoted(token) {
                    found.push((word, id));
                }
                (word, colons) = ("", false);
            }
            c if is_of_word(c) => (word, colons) = (token, false),
            ':' => colons = token.len() == 2,
            '/' if token.len() > 1 => {}
            c if c.is_whitespace() => {}
            _ => (word, colons) = ("", false),
        }
        rest = after;
    }
    found
}

/// The bytes of the string that a text begins with, with its quotes.
fn string(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

/// What a string says. Cedar reads those with escapes; one that it does not
/// take says nothing.
fn unquoted(token: &str) -> Option<Cow<'_, str>> {
    let inside = token.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    let said = parse_internal_string(inside).ok()?;
    Some(Cow::Owned(said.to_string()))
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::str::FromStr as _;

    use cedar_policy::Policy;
    use cedar_policy::PolicySet;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stand_in_policies_and_not_in_texts_or_comments() {
        let text = "permit (principal == Workload::\"a\", action, resource in Service :: // X::\"b\"\n \"c\\\"d\")\n\
            when { context.path == \"Service::\\\"e\\\"\" && A::B::\"f\" == g: \"h\" } // Service::\"i\"\n; Service::\"j";
        let found = entities(text);
        let found: Vec<_> = found.iter().map(|(kind, id)| (*kind, &**id)).collect();
        assert_eq!(found, [("Workload", "a"), ("Service", "c\"d"), ("B", "f")]);
        assert_eq!(entities("\"\\"), []);
        // What separates a name from its text parts them.
        for between in ["/ ::", ":: /", "( ::", ":: )"] {
            let text = format!("Service {between} \"a\" A::\"b\"");
            let found = entities(&text);
            assert!(found.iter().all(|(kind, _)| *kind != "Service"), "{text}");
            assert_eq!(found.last(), Some(&("A", Cow::Borrowed("b"))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nobody_stumbles_over_any_text(text in ".{0,60}") {
            entities(&text);
        }

        #[test]
        fn what_cedar_finds_is_found(
            ids in prop::array::uniform5("[a-z:\"/{}\\\\é]{0,6}"),
            gap in prop::sample::select(vec!["", " ", "\n", " // ; \"\n"]),
        ) {
            let quoted = ids.map(|id| format!("\"{}\"", id.escape_default()));
            let [a, b, c, d, e] = &quoted;
            let text = format!(
                "@id({e}) permit (principal in Group{gap}::{gap}{a}, action == Action::{b}, resource)\n\
                 when {{ resource in [Route::{c},{gap}Service::{d}] || {{ a: {a} }}.a == {b} }};"
            );
            let set = PolicySet::from_str(&text).unwrap();
            let all = set.policies().flat_map(Policy::entity_literals);
            let all: BTreeSet<(String, String)> = all
                .map(|uid| (uid.type_name().to_string(), uid.id().unescaped().to_owned()))
                .collect();
            let found = entities(&text).into_iter();
            let found: BTreeSet<(String, String)> =
                found.map(|(kind, id)| (kind.to_owned(), id.into_owned())).collect();
            prop_assert_eq!(found, all);
        }
    }
}
