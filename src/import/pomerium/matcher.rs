//! The string matcher of Pomerium's: a map of operators, which must all hold.

use crate::import::node::At;
use crate::import::node::Node;
use crate::import::pattern::Pattern;
use crate::import::pomerium::condition::Condition;
use crate::import::refusals::Refusals;

/// One pattern as a condition; nothing where it has none, which is then noted.
pub(super) type Write<'a> = &'a dyn Fn(Pattern<'_>, &At, &mut Refusals) -> Option<Condition>;

/// The condition that a matcher is. A bare text is to be equal.
///
/// None if it is refused.
pub(super) fn matcher(data: &At, write: Write<'_>, notes: &mut Refusals) -> Option<Condition> {
    let Node::Map(operators) = &data.value else {
        return write(Pattern::Is(word(data, notes)?), data, notes);
    };
    if operators.is_empty() {
        notes.add(data, "a matcher without an operator");
        return None;
    }
    let mut all = Some(Vec::new());
    for (operator, value) in operators {
        let one = match operator.value.as_str() {
            "contains" => {
                word(value, notes).and_then(|w| write(Pattern::Contains(w), value, notes))
            }
            "ends_with" => word(value, notes).and_then(|w| write(Pattern::Ends(w), value, notes)),
            "starts_with" => {
                word(value, notes).and_then(|w| write(Pattern::Begins(w), value, notes))
            }
            "is" => word(value, notes).and_then(|w| write(Pattern::Is(w), value, notes)),
            "not" => word(value, notes)
                .and_then(|w| write(Pattern::Is(w), value, notes))
                .map(Condition::not),
            "in" => one_of(value, write, notes),
            "not_in" => one_of(value, write, notes).map(Condition::not),
            other => {
                notes.add(operator, format!("the operator `{other}`"));
                None
            }
        };
        match (one, &mut all) {
            (Some(one), Some(all)) => all.push(one),
            _ => all = None,
        }
    }
    all.map(Condition::all)
}

/// That one of a list of texts is equal.
fn one_of(list: &At, write: Write<'_>, notes: &mut Refusals) -> Option<Condition> {
    let Node::List(items) = &list.value else {
        notes.add(list, format!("{} where a list is due", list.value.kind()));
        return None;
    };
    let mut any = Some(Vec::new());
    for item in items {
        let one = word(item, notes).and_then(|w| write(Pattern::Is(w), item, notes));
        match (one, &mut any) {
            (Some(one), Some(any)) => any.push(one),
            _ => any = None,
        }
    }
    any.map(Condition::any)
}

/// A text that is not empty.
pub(super) fn word<'a>(at: &'a At, notes: &mut Refusals) -> Option<&'a str> {
    match &at.value {
        Node::Text(text) if text.is_empty() => {
            notes.add(at, "an empty value");
            None
        }
        Node::Text(text) => Some(text),
        other => {
            notes.add(at, format!("{} where a text is due", other.kind()));
            None
        }
    }
}

/// One text, or several.
pub(super) fn words(at: &At) -> &[At] {
    match &at.value {
        Node::List(items) => items,
        _ => std::slice::from_ref(at),
    }
}
