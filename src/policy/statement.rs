//! A policy file, cut at the semicolons.
//!
//! Each policy is then parsed alone: one with a mistake does not hide those of
//! its neighbours, and what is found in a policy has a place in its file. No
//! text is lost: whatever is neither blank nor comment is part of a statement,
//! and each statement must parse as exactly one policy.

use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;

/// One policy as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a> {
    /// The name of its file.
    pub(super) file: &'a str,
    /// The line that it begins on, counted from 1.
    pub(super) line: usize,
    /// The character of that line that it begins with, counted from 1.
    column: usize,
    /// From its first annotation or word to its semicolon.
    pub(super) text: &'a str,
}

impl<'a> Statement<'a> {
    /// Every policy of a file, in order.
    pub(super) fn split(name: &'a str, source: &'a str) -> Vec<Self> {
        let mut statements = Vec::new();
        let mut start = None;
        let mut lines = Lines::of(source);
        let mut characters = source.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            match c {
                '/' if matches!(characters.peek(), Some((_, '/'))) => {
                    while characters
                        .next_if(|&(_, c)| c != '\n' && c != '\r')
                        .is_some()
                    {}
                    continue;
                }
                _ if c.is_whitespace() => continue,
                '"' => skip_string(&mut characters),
                _ => {}
            }
            let from = *start.get_or_insert(at);
            if c == ';' {
                statements.extend(Self::cut(name, &mut lines, from, at + 1));
                start = None;
            }
        }
        if let Some(from) = start {
            statements.extend(Self::cut(name, &mut lines, from, source.len()));
        }
        statements
    }

    /// A mistake where `needle` first stands in the statement, or else at its
    /// beginning.
    pub(super) fn mistake(&self, needle: &str, severity: Severity, text: String) -> Mistake {
        let offset = self.text.find(needle).unwrap_or_default();
        self.place(offset, severity, text)
    }

    /// A mistake at byte `offset` of the statement.
    pub(super) fn mistake_at(&self, offset: usize, text: impl std::fmt::Display) -> Mistake {
        self.place(offset, Severity::Error, text)
    }

    fn place(&self, offset: usize, severity: Severity, text: impl std::fmt::Display) -> Mistake {
        let begins = (self.text, (self.line, self.column));
        Mistake::at(self.file, begins, offset, severity, text)
    }

    fn cut(name: &'a str, lines: &mut Lines<'a>, from: usize, to: usize) -> Option<Self> {
        let (line, column) = lines.at(from);
        Some(Self {
            file: name,
            line,
            column,
            text: lines.source.get(from..to)?,
        })
    }
}

/// Counts lines and their characters from the beginning of a text to its end,
/// once.
struct Lines<'a> {
    source: &'a str,
    counted: usize,
    line: usize,
    column: usize,
}

impl<'a> Lines<'a> {
    const fn of(source: &'a str) -> Self {
        Self {
            source,
            counted: 0,
            line: 1,
            column: 1,
        }
    }

    /// Line and column of byte `at`, which is not before the last that was
    /// asked for.
    fn at(&mut self, at: usize) -> (usize, usize) {
        let more = self.source.get(self.counted..at).unwrap_or_default();
        self.counted = at;
        match more.rsplit_once('\n') {
            Some((_, in_line)) => {
                self.line += more.matches('\n').count();
                self.column = in_line.chars().count() + 1;
            }
            None => self.column += more.chars().count(),
        }
        (self.line, self.column)
    }
}

/// Past the closing quote, or to the end where there is none.
fn skip_string(characters: &mut impl Iterator<Item = (usize, char)>) {
    while let Some((_, c)) = characters.next() {
        match c {
            '"' => return,
            '\\' => drop(characters.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use cedar_policy::PolicySet;
    use proptest::prelude::*;

    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        let statements = Statement::split("a.cedar", source);
        statements.iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn cuts_at_semicolons_that_end_a_policy() {
        let source = "// a; b\n permit (x); @id(\"a;\\\"b//\")\nforbid // ; \"\n(y);// end";
        assert_eq!(
            texts(source),
            ["permit (x);", "@id(\"a;\\\"b//\")\nforbid // ; \"\n(y);"]
        );
        assert_eq!(texts(" \n// only this"), [""; 0]);
        assert_eq!(texts("permit; rest"), ["permit;", "rest"]);
        assert_eq!(texts("a // x\r; b;"), ["a // x\r;", "b;"]);
        assert_eq!(texts("\"open; "), ["\"open; "]);
        assert_eq!(texts("a / b; c / ; d"), ["a / b;", "c / ;", "d"]);
    }

    #[test]
    fn a_policy_knows_where_it_begins() {
        let source = "// one\n\npermit(x);\n  forbid\n(y); rest";
        let begins = Statement::split("a.cedar", source);
        let begins = begins.iter().map(|one| (one.line, one.column));
        assert_eq!(begins.collect::<Vec<_>>(), [(3, 1), (4, 3), (5, 6)]);
        let one_line = Statement::split("a.cedar", "// \u{e9}\n\"\u{e9}\"; b; c");
        let begins = one_line.iter().map(|one| (one.line, one.column));
        assert_eq!(begins.collect::<Vec<_>>(), [(2, 1), (2, 6), (2, 9)]);
    }

    proptest! {
        #[test]
        fn sees_as_many_policies_as_cedar_does(
            parts in prop::collection::vec(prop::sample::select(vec![
                "permit(principal, action, resource);",
                "@id(\"a;b\\\"c\") forbid(principal, action, resource) when { \"//;\" == \";\" };",
                "// note; \"\n",
                "\n", " ", "/ /", ";", "\"",
            ]), 0..8),
        ) {
            let source = parts.concat();
            if let Ok(set) = PolicySet::from_str(&source) {
                prop_assert_eq!(texts(&source).len(), set.num_of_policies());
            }
        }
    }
}
