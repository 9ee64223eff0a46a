//! Who has signed in.
//!
//! As in Pomerium, nothing of this holds for a caller that has not, and an
//! e-mail address that is not known is an empty one.

use crate::import::cedar;
use crate::import::file::Text;
use crate::import::node::At;
use crate::import::node::Node;
use crate::import::pattern::Pattern;
use crate::import::pomerium::condition::Condition;
use crate::import::pomerium::matcher::matcher;
use crate::import::pomerium::matcher::word;
use crate::import::refusals::Refusals;
use crate::import::translation::Imported;
use crate::policy::ClaimName;
use crate::policy::ClaimType;

/// That the caller is somebody.
pub(super) fn anybody() -> Condition {
    Condition::When("principal is User".to_owned())
}

/// An address that is not known. One with two `@`, of which Pomerium sees the
/// domain between them, is never known here.
pub(super) fn of_no_domain() -> Condition {
    Condition::When("(principal is User && !(principal has email))".to_owned())
}

pub(super) fn email(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let write = |pattern: Pattern<'_>, _: &At, _: &mut Refusals| {
        Some(address(&pattern.of("principal.email")))
    };
    Some(signed_in(matcher(data, &write, notes)?))
}

/// What follows the `@`. An address without one has no domain, and fits nothing.
pub(super) fn domain(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let write = |pattern: Pattern<'_>, at: &At, notes: &mut Refusals| {
        if pattern.rest().contains('@') {
            notes.add(at, format!("`{}` is part of no domain", pattern.rest()));
            return None;
        }
        let text = cedar::plain(pattern.rest());
        let like = match pattern {
            Pattern::Any => "*@*".to_owned(),
            Pattern::Begins(_) => format!("*@{text}*"),
            Pattern::Contains(_) => format!("*@*{text}*"),
            Pattern::Ends(_) => format!("*@*{text}"),
            Pattern::Is(_) => format!("*@{text}"),
        };
        Some(address(&format!("principal.email like \"{like}\"")))
    };
    let condition = matcher(data, &write, notes)?;
    let has_one = address("principal.email like \"*@*\"");
    Some(signed_in(Condition::all([has_one, condition])))
}

/// The subject that `provider` knows somebody by.
pub(super) fn user(data: &At, provider: Option<&str>, notes: &mut Refusals) -> Option<Condition> {
    let Some(provider) = provider else {
        notes.add(data, format!("a user's id: {WHOSE}"));
        return None;
    };
    let write = |pattern: Pattern<'_>, at: &At, notes: &mut Refusals| match pattern {
        Pattern::Is(subject) => {
            let id = cedar::quoted(&format!("{provider}/{subject}"));
            Some(Condition::When(format!("principal == User::{id}")))
        }
        _ => {
            notes.add(at, "a part of a user's id: ids are compared as a whole");
            None
        }
    };
    Some(signed_in(matcher(data, &write, notes)?))
}

/// The groups that somebody is in.
pub(super) fn groups(data: &At, provider: Option<&str>, notes: &mut Refusals) -> Option<Condition> {
    let Some(provider) = provider else {
        notes.add(data, format!("a group: {WHOSE}"));
        return None;
    };
    let group = |at: &At, notes: &mut Refusals| {
        let id = cedar::quoted(&format!("{provider}/{}", word(at, notes)?));
        Some(Condition::When(format!("principal in Group::{id}")))
    };
    let Node::Map(operators) = &data.value else {
        return Some(signed_in(group(data, notes)?));
    };
    let mut all = Vec::new();
    for (operator, value) in operators {
        match operator.value.as_str() {
            "has" => all.push(group(value, notes)?),
            "exclude" => all.push(group(value, notes)?.not()),
            other => {
                notes.add(
                    operator,
                    format!("the operator `{other}`: `has` and `exclude` have a translation"),
                );
                return None;
            }
        }
    }
    if all.is_empty() {
        notes.add(data, "a matcher without an operator");
        return None;
    }
    Some(signed_in(Condition::all(all)))
}

/// A claim that has a value. Pomerium takes every claim for a list.
pub(super) fn claim(
    name: &Text,
    data: &At,
    (imported, notes): (&mut Imported, &mut Refusals),
) -> Option<Condition> {
    let path = name.value.split_once('/').map(|(_, path)| path);
    let Some(path) = path.filter(|path| !path.contains(['/', '.'])) else {
        notes.add(
            name,
            "a claim that may be inside of another: name one as `claim/NAME`",
        );
        return None;
    };
    let Ok(claim) = path.parse::<ClaimName>() else {
        notes.add(name, format!("`{path}` is not the name of a claim here"));
        return None;
    };
    let mut all = Vec::new();
    for value in wanted(data, notes)? {
        let (kind, is) = said(&claim, value, notes)?;
        if *imported.claims.entry(claim.clone()).or_insert(kind) != kind {
            notes.add(
                value,
                format!("`{path}` is a text in one place and a flag in another"),
            );
            return None;
        }
        let of = cedar::quoted(claim.as_str());
        let condition = format!("(principal.claims has {of} && {is})");
        all.push(Condition::When(condition));
    }
    Some(signed_in(Condition::all(all)))
}

/// What a claim must have: one value, or that of the operator `has`.
fn wanted<'a>(data: &'a At, notes: &mut Refusals) -> Option<Vec<&'a At>> {
    let Node::Map(operators) = &data.value else {
        return Some(vec![data]);
    };
    if operators.is_empty() {
        notes.add(data, "a matcher without an operator");
        return None;
    }
    let mut wanted = Vec::new();
    for (operator, value) in operators {
        if operator.value != "has" {
            let text = format!("the operator `{}`: `has` has a translation", operator.value);
            notes.add(operator, text);
            return None;
        }
        wanted.push(value);
    }
    Some(wanted)
}

/// That the claim has a value, and the type that it is declared with.
fn said(claim: &ClaimName, value: &At, notes: &mut Refusals) -> Option<(ClaimType, String)> {
    let of = cedar::quoted(claim.as_str());
    match &value.value {
        Node::Text(text) => {
            let text = cedar::quoted(text);
            let is = format!("principal.claims[{of}].contains({text})");
            Some((ClaimType::Texts, is))
        }
        Node::Flag(flag) => Some((ClaimType::Bool, format!("principal.claims[{of}] == {flag}"))),
        other => {
            let kind = other.kind();
            notes.add(
                value,
                format!("{kind}: claims are compared with a text or a flag"),
            );
            None
        }
    }
}

fn signed_in(condition: Condition) -> Condition {
    Condition::all([anybody(), condition])
}

fn address(is: &str) -> Condition {
    Condition::When(format!("(principal has email && {is})"))
}

const WHOSE: &str = "say whose (`--provider NAME`)";
