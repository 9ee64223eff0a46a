//! What is wrong with a policy set, and where.
//!
//! A set is refused whole, with every mistake in it, so that an operator
//! repairs it once and not line by line.

use std::fmt;

/// One thing that is wrong, or that looks wrong.
///
/// The order is that of the text: by file, line and column.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mistake {
    /// The file's name, or the directory's if the mistake is in no one file.
    pub file: String,
    /// Counted from 1; 0 if the mistake has no place in the text.
    pub line: usize,
    /// In characters, counted from 1; 0 if the mistake has no place in the text.
    pub column: usize,
    /// Whether the set can take effect with it.
    pub severity: Severity,
    /// One line for the operator.
    pub text: String,
}

/// Whether a mistake stops a set from taking effect.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The set is refused.
    Error,
    /// The set takes effect, but probably does not say what was meant.
    Warning,
}

impl Mistake {
    /// A mistake that refuses a whole file or directory.
    pub(super) fn whole(file: &str, text: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            severity: Severity::Error,
            text: one_line(text),
        }
    }

    /// A mistake at byte `at` of `source`, which begins at `(line, column)` of
    /// `file`. Only `source` is looked at: there may be a mistake in each of ten
    /// thousand policies of a file.
    pub(super) fn at(
        file: &str,
        (source, (line, column)): (&str, (usize, usize)),
        at: usize,
        severity: Severity,
        text: impl fmt::Display,
    ) -> Self {
        let at = (0..=at.min(source.len()))
            .rev()
            .find(|&at| source.is_char_boundary(at))
            .unwrap_or_default();
        let before = source.get(..at).unwrap_or_default();
        let column = match before.rsplit_once('\n') {
            Some((_, in_line)) => in_line.chars().count() + 1,
            None => before.chars().count() + column,
        };
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + line,
            column,
            severity,
            text: one_line(text),
        }
    }
}

impl Mistake {
    /// Whether it is `other` once more: Cedar says it for each kind of action,
    /// and only its guess of what was meant differs.
    pub(super) fn says_no_more_than(&self, other: &Self) -> bool {
        let place = |mistake: &Self| (mistake.line, mistake.column, mistake.severity);
        let said = |text: &str| text.split("; did you mean").next().map(str::to_owned);
        self.file == other.file
            && place(self) == place(other)
            && said(&self.text) == said(&other.text)
    }

    /// The same, in words of ours where Cedar's mislead: it does not say which
    /// action a part of the context is missing from.
    pub(super) fn explained(self) -> Self {
        let missing = REQUESTS_ONLY.into_iter().find(|name| {
            let cedars = format!("attribute `{name}` in context not found");
            self.text.starts_with(&cedars)
        });
        match missing {
            Some(name) => Self {
                text: format!(
                    "a TCP connection has no `{name}`: if only requests are meant, say `action in Action::\"http\"`"
                ),
                ..self
            },
            None => self,
        }
    }
}

/// What the context of a request has and that of a connection has not.
const REQUESTS_ONLY: [&str; 6] = ["headers", "host", "method", "params", "path", "query"];

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: {}", self.text)
    }
}

/// Cedar's own messages may span lines and quote the policy's text.
fn one_line(text: impl fmt::Display) -> String {
    let mut line = String::new();
    for word in text.to_string().split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let source = "permit\n  (\u{e9}\u{e9}x);";
        let place = |at| {
            let begins = (source, (1, 1));
            let mistake = Mistake::at("a.cedar", begins, at, Severity::Warning, "odd\n  thing");
            (mistake.line, mistake.column, mistake.to_string())
        };
        assert_eq!(place(0).2, "a.cedar:1:1: warning: odd thing");
        assert_eq!(place(6).0, 1);
        assert_eq!((place(10).0, place(10).1), (2, 4));
        assert_eq!((place(11).0, place(11).1), (2, 4), "inside a character");
        assert_eq!((place(14).0, place(14).1), (2, 6));
        assert_eq!((place(999).0, place(999).1), (2, 9));
        let later = |at| {
            let mistake = Mistake::at("a", (source, (7, 5)), at, Severity::Error, "");
            (mistake.line, mistake.column)
        };
        assert_eq!((later(0), later(6), later(7)), ((7, 5), (7, 11), (8, 1)));
        assert_eq!(Mistake::whole("d", "gone").to_string(), "d: error: gone");
    }

    #[test]
    fn only_what_is_said_twice_of_one_place_is_said_once() {
        let at = |file: &str, line, text: &str| {
            Mistake::at(file, ("x", (line, 1)), 0, Severity::Error, text)
        };
        let first = at("a", 1, "no `x`; did you mean `y`?");
        assert!(at("a", 1, "no `x`; did you mean `z`?").says_no_more_than(&first));
        for other in [
            at("b", 1, "no `x`"),
            at("a", 2, "no `x`"),
            at("a", 1, "no `w`"),
        ] {
            assert!(!other.says_no_more_than(&first), "{other}");
        }
    }
}
