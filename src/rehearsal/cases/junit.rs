//! What came of the cases, for a CI that reads JUnit's XML.

use std::fmt::Write as _;

use crate::rehearsal::cases::report::difference;
use crate::rehearsal::cases::run::Ran;
use crate::rehearsal::cases::run::Rehearsal;

/// One suite for each file, and one for the policies that had to be applied in
/// some case and were not.
#[must_use]
pub fn to_junit(rehearsal: &Rehearsal, left_out: &[String]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in rehearsal.ran.chunk_by(|one, next| one.file == next.file) {
        let file = suite.first().map_or("", |ran| &ran.file);
        let failed = suite.iter().filter(|ran| !ran.is_as_expected()).count();
        begin(&mut text, file, suite.len(), failed);
        for ran in suite {
            let failure = (!ran.is_as_expected()).then(|| failure(ran));
            case(&mut text, (file, &ran.case.name), failure.as_deref());
        }
        text.push_str("  </testsuite>\n");
    }
    if !left_out.is_empty() {
        begin(&mut text, "coverage", left_out.len(), left_out.len());
        for policy in left_out {
            case(&mut text, ("coverage", policy), Some("applied in no case"));
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn begin(text: &mut String, name: &str, tests: usize, failures: usize) {
    let name = escaped(name);
    let _infallible = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">"
    );
}

fn case(text: &mut String, (class, name): (&str, &str), failure: Option<&str>) {
    let (class, name) = (escaped(class), escaped(name));
    let _infallible = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\"");
    match failure {
        None => text.push_str("/>\n"),
        Some(failure) => {
            let message = failure.lines().next().unwrap_or_default();
            let _infallible = writeln!(
                text,
                "><failure message=\"{}\">{}</failure></testcase>",
                escaped(message),
                escaped(failure)
            );
        }
    }
}

/// The message is the answer; what follows is why.
fn failure(ran: &Ran) -> String {
    let difference = difference(ran);
    let mut lines = difference.lines();
    let first = lines.by_ref().take(2).collect::<Vec<_>>().join(", ");
    let rest: Vec<&str> = lines.collect();
    format!("{first}\n{}", rest.join("\n"))
}

/// XML 1.0 has no form at all for most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escaped("a<b>&\"\u{1}\n\u{ffff}é"),
            "a&lt;b&gt;&amp;&quot;\u{fffd}\n\u{fffd}é"
        );
    }
}
