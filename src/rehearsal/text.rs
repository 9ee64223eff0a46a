//! An answer for people.

use std::fmt::Write as _;

use crate::policy::Condition;
use crate::policy::Explanation;
use crate::policy::Finding;
use crate::policy::Outcome;
use crate::policy::PolicyName;
use crate::rehearsal::asked::Asked;
use crate::rehearsal::asked::Told;
use crate::rehearsal::asked::What;

/// The answer with its reasons, in lines.
#[must_use]
pub fn to_text(asked: &Asked, told: &Told) -> String {
    let mut text = told.decision().to_owned();
    if let Some(reason) = told.reason() {
        text.push_str(": ");
        text.push_str(reason);
    }
    text.push('\n');
    match told {
        Told::Refused(why) => field(&mut text, "why", &format!("{why} (status {})", why.status)),
        Told::Decided {
            explanation,
            target,
            wants_sign_in,
        } => {
            if *wants_sign_in {
                field(&mut text, "but", "would be let in after signing in anew");
            }
            decided(&mut text, asked, explanation, target.as_ref());
        }
    }
    text
}

/// Why the policies say what they say: what applies, and what does not and for what.
pub(super) fn reasons(explanation: &Explanation) -> String {
    let mut text = String::new();
    for finding in &explanation.policies {
        about(&mut text, finding);
    }
    if !explanation.near.is_empty() {
        text.push_str("permits that it misses by one part of their scope:\n");
    }
    for near in explanation.near.iter().take(MOST_NEAR) {
        line(
            &mut text,
            1,
            &format!(
                "{} ({}): the {} must be {}",
                near.policy, near.place, near.part, near.demand
            ),
        );
    }
    if let Some(more @ 1..) = explanation.near.len().checked_sub(MOST_NEAR) {
        line(&mut text, 1, &format!("and {more} more"));
    }
    text
}

fn decided(
    text: &mut String,
    asked: &Asked,
    explanation: &Explanation,
    target: Option<&(String, String)>,
) {
    let names = explanation.answer.policies.iter();
    let names: Vec<&str> = names.map(PolicyName::as_str).collect();
    if !names.is_empty() {
        field(text, "by", &names.join(", "));
    }
    if let Some(shadow) = &explanation.answer.shadow {
        let would = shadow.denial.as_ref();
        let would = would.map_or("permit", |reason| reason.as_str());
        let names = shadow.policies.iter().map(PolicyName::as_str);
        let names: Vec<&str> = names.collect();
        field(
            text,
            "shadow",
            &format!("{would} with {}", names.join(", ")),
        );
    }
    field(text, "caller", &asked.caller.name());
    if !explanation.caller_in.is_empty() {
        field(text, "in", &explanation.caller_in.join(", "));
    }
    field(text, "asks", &what(asked, target));
    if !explanation.routes.is_empty() {
        field(text, "on", &explanation.routes.join(", "));
    }
    let params = explanation.params.iter();
    let params: Vec<String> = params
        .map(|(name, value)| format!("{name} is {value:?}"))
        .collect();
    if !params.is_empty() {
        field(text, "where", &params.join(", "));
    }
    field(text, "set", &explanation.answer.revision);
    let reasons = reasons(explanation);
    if reasons.is_empty() {
        text.push_str("it is in the scope of no policy\n");
    }
    text.push_str(&reasons);
}

fn what(asked: &Asked, target: Option<&(String, String)>) -> String {
    let now = jiff::Timestamp::try_from(asked.now);
    let now = now.map_or_else(|_beyond| "?".to_owned(), |now| now.to_string());
    let (service, source) = (&asked.service, asked.source);
    match (&asked.what, target) {
        (What::Request { method, .. }, Some((host, path))) => {
            format!("{method} {path} of {service} (host {host}), from {source} at {now}")
        }
        _ => format!("to connect to {service}, from {source} at {now}"),
    }
}

fn about(text: &mut String, finding: &Finding) {
    let effect = finding.effect.as_str();
    let kind = if finding.is_shadow { "shadow " } else { "" };
    let outcome = match &finding.outcome {
        Outcome::Fails { why } => format!("fails: {why}"),
        Outcome::Holds => "applies".to_owned(),
        Outcome::Not | Outcome::NotReached => "does not apply".to_owned(),
    };
    let _infallible = writeln!(
        text,
        "{kind}{effect} {} ({}) {outcome}",
        finding.policy, finding.place
    );
    let annotations = [
        ("reason", finding.policy.reason()),
        ("owner", finding.policy.owner()),
        ("advice", finding.policy.advice()),
    ];
    for (name, value) in annotations {
        if let Some(value) = value {
            line(text, 1, &format!("@{name} {value}"));
        }
    }
    for condition in &finding.conditions {
        demanded(text, condition);
    }
}

fn demanded(text: &mut String, condition: &Condition) {
    let mark = match &condition.outcome {
        Outcome::Fails { why } => format!("fails: {why}"),
        Outcome::Holds => "holds".to_owned(),
        Outcome::Not => "does not hold".to_owned(),
        Outcome::NotReached => "is not reached".to_owned(),
    };
    line(text, 1, &format!("{} {mark}", condition.text));
    if condition.outcome != Outcome::Holds {
        for value in &condition.values {
            line(text, 2, &value.to_string());
        }
    }
}

fn field(text: &mut String, name: &str, value: &str) {
    let _infallible = writeln!(text, "  {name:<7}{value}");
}

fn line(text: &mut String, depth: usize, value: &str) {
    let _infallible = writeln!(text, "{:width$}{value}", "", width = depth * 4);
}

/// More are no longer read one by one. The JSON has all of them.
const MOST_NEAR: usize = 10;
