//! What `like` compares a text with.

use cedar_policy::pst::PatternElem;

/// Fixed texts, with anything at all between each two of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pattern {
    first: Box<str>,
    middle: Box<[Box<str>]>,
    /// Nothing if the first is all there is.
    last: Option<Box<str>>,
}

impl Pattern {
    pub(super) fn new(elements: &[PatternElem]) -> Self {
        let mut parts = vec![String::new()];
        for element in elements {
            match (element, parts.last_mut()) {
                (PatternElem::Char(c), Some(part)) => part.push(*c),
                _ => parts.push(String::new()),
            }
        }
        let mut parts = parts.into_iter().map(String::into_boxed_str);
        let first = parts.next().unwrap_or_default();
        let last = parts.next_back();
        Self {
            first,
            middle: parts.filter(|part| !part.is_empty()).collect(),
            last,
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        let Some(last) = &self.last else {
            return text == &*self.first;
        };
        let Some(mut rest) = self.between(text, last) else {
            return false;
        };
        // Each as early as it can be leaves most room for the next.
        for part in &self.middle {
            match rest.split_once(&**part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// What is between the first and the last.
    ///
    /// Nothing is not compared with: an empty text points nowhere, and to find
    /// that there are no bytes takes the AVX-512 of glibc's `memcmp` 70 ns.
    fn between<'t>(&self, text: &'t str, last: &str) -> Option<&'t str> {
        let rest = match &*self.first {
            "" => text,
            first => text.strip_prefix(first)?,
        };
        match last {
            "" => Some(rest),
            last => rest.strip_suffix(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn elements(pattern: &str) -> Vec<PatternElem> {
        let element = |c| match c {
            '*' => PatternElem::Wildcard,
            c => PatternElem::Char(c),
        };
        pattern.chars().map(element).collect()
    }

    /// As slow as it is plain.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                slowly(rest, text) || (!text.is_empty() && slowly(pattern, &text[1..]))
            }
            ([p, pattern @ ..], [t, text @ ..]) => p == t && slowly(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn each_star_is_anything(pattern in "[abé*]{0,9}", text in "[abé]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let found = Pattern::new(&elements(&pattern)).fits(&text);
            prop_assert_eq!(found, slowly(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn both_ends_are_not_one() {
        let pattern = Pattern::new(&elements("/a*a/"));
        assert!(pattern.fits("/a/a/"));
        assert!(!pattern.fits("/a/"));
        assert!(Pattern::new(&elements("*")).fits(""));
        assert!(!Pattern::new(&elements("")).fits("a"));
    }
}
