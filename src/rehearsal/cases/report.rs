//! What came of the cases, for people.

use std::fmt::Write as _;

use crate::policy::Policy;
use crate::rehearsal::asked::Told;
use crate::rehearsal::cases::run::Ran;
use crate::rehearsal::cases::run::Rehearsal;
use crate::rehearsal::cases::run::deciders;
use crate::rehearsal::text::reasons;

/// Each case that was not as expected: what was expected, what was said, and why.
#[must_use]
pub fn failures(rehearsal: &Rehearsal) -> Vec<String> {
    let failed = rehearsal.ran.iter().filter(|ran| !ran.is_as_expected());
    let failed = failed.map(|ran| {
        format!(
            "FAILED {}: {}\n{}",
            ran.file,
            ran.case.name,
            indented(&difference(ran))
        )
    });
    failed.collect()
}

/// The policies that no case has applied, each with its place.
#[must_use]
pub fn coverage(rehearsal: &Rehearsal, policy: &Policy) -> Vec<String> {
    let all = policy.places();
    let left = all.filter(|(name, _)| !rehearsal.exercised.contains(name.as_str()));
    left.map(|(name, place)| format!("{name} ({place})"))
        .collect()
}

/// All of it on one line.
#[must_use]
pub fn summary(rehearsal: &Rehearsal, policy: &Policy) -> String {
    let cases = rehearsal.ran.len();
    let good = rehearsal.ran.iter().filter(|ran| ran.is_as_expected());
    let good = good.count();
    let policies = policy.names().len();
    let exercised = policies.saturating_sub(coverage(rehearsal, policy).len());
    format!(
        "{good} of {cases} cases as expected; {exercised} of {policies} policies applied in some case"
    )
}

/// What was expected, what was said, and why.
pub(super) fn difference(ran: &Ran) -> String {
    let expected = &ran.case.expected;
    let by = expected.by.as_deref().unwrap_or_default();
    let wanted = words(expected.decision, expected.reason.as_deref(), by);
    let mut text = format!("expected {wanted}\n");
    match &ran.answer {
        Err(why) => {
            let _infallible = writeln!(text, "cannot be asked: {why}");
        }
        Ok((_, told)) => {
            let got = words(told.decision(), told.reason(), &deciders(told));
            let _infallible = writeln!(text, "got {got}");
            match told {
                Told::Decided { explanation, .. } => text.push_str(&reasons(explanation)),
                Told::Refused(why) => {
                    let _infallible = writeln!(text, "{why}");
                }
            }
        }
    }
    text
}

fn words(decision: &str, reason: Option<&str>, by: &[String]) -> String {
    let mut text = decision.to_owned();
    for (before, more) in [(": ", reason.map(str::to_owned)), (" by ", joined(by))] {
        if let Some(more) = more {
            text.push_str(before);
            text.push_str(&more);
        }
    }
    text
}

fn joined(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
