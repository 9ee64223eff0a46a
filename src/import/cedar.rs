//! Cedar, written.

use std::fmt::Write as _;

/// A string literal.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The text of a `like` pattern in which `text` stands for itself.
pub(super) fn plain(text: &str) -> String {
    escaped(text).replace('*', "\\*")
}

/// What holds if one of `parts` does. Nothing holds where there is none.
pub(super) fn any(parts: &[String]) -> String {
    match parts {
        [] => "false".to_owned(),
        [one] => one.clone(),
        more => format!("({})", more.join(" || ")),
    }
}

/// What holds if all of `parts` do. All holds where there is none.
pub(super) fn all(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        more => Some(format!("({})", more.join(" && "))),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
