//! Istio's path templates: `{*}` is one segment, `{**}` at the end the rest.

use crate::import::cedar;
use crate::import::file::Text;
use crate::import::refusals::Refusals;
use crate::policy::ServiceName;
use crate::policy::Template;

/// That the path fits. `/a/{**}` is what begins with `/a/`, and `/a/**` here is
/// `/a` besides: that is taken out again.
pub(super) fn template(
    value: &Text,
    service: &ServiceName,
    notes: &mut Refusals,
) -> Option<String> {
    let text = value.value.as_str();
    let (fixed, has_rest) = match text.strip_suffix("/{**}") {
        Some(fixed) => (fixed, true),
        None => (text, false),
    };
    let Some(route) = route(fixed) else {
        notes.add(value, format!("`{text}` is no template that routes can be"));
        return None;
    };
    if !has_rest {
        return within(value, service, &route, notes);
    }
    let all = within(value, service, &format!("{route}/**"), notes)?;
    if route.is_empty() {
        return Some(all);
    }
    let root = within(value, service, &route, notes)?;
    Some(format!("({all} && !({root}))"))
}

/// The template with a name for each `{*}`.
fn route(text: &str) -> Option<String> {
    let mut route = String::new();
    for (number, segment) in text.split('/').enumerate().skip(1) {
        let literal = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        route.push('/');
        match segment {
            "{*}" => route.push_str(&format!("{{segment_{number}}}")),
            plain if plain.chars().all(literal) => route.push_str(plain),
            _ => return None,
        }
    }
    (text.is_empty() || text.starts_with('/')).then_some(route)
}

fn within(
    value: &Text,
    service: &ServiceName,
    route: &str,
    notes: &mut Refusals,
) -> Option<String> {
    if let Err(why) = route.parse::<Template>() {
        notes.add(value, format!("`{}` is no route: {why}", value.value));
        return None;
    }
    let id = cedar::quoted(&format!("{service}:{route}"));
    Some(format!("resource in Route::{id}"))
}
