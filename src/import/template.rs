//! Istio's path templates: `{*}` is one segment, `{**}` any number of them.

use crate::import::cedar;
use crate::import::file::Text;
use crate::import::refusals::Refusals;
use crate::policy::ServiceName;
use crate::policy::Template;

/// That the path fits.
///
/// Neither `{*}` nor `{**}` fits a `*` or a `=`: Envoy leaves these two out, so
/// a path that has one is none of its paths.
pub(super) fn template(
    value: &Text,
    service: &ServiceName,
    notes: &mut Refusals,
) -> Option<String> {
    let text = value.value.as_str();
    let fits = match text.split_once("{**}") {
        None => within(value, service, &route(text, value, notes)?, notes),
        Some((fixed, end)) => rest(fixed, end, value, service, notes),
    };
    let plain = "!(context.path like \"*=*\") && !(context.path like \"*\\**\")";
    Some(format!("({} && {plain})", fits?))
}

/// `fixed`, then anything, then `end`.
///
/// `/a/{**}` is what begins with `/a/`, and `/a/**` here is `/a` besides: that
/// is taken out again. An `end` within one segment is the end of the rest: a
/// longer one may begin in what stands for `{*}`, so it has no translation then.
fn rest(
    fixed: &str,
    end: &str,
    at: &Text,
    service: &ServiceName,
    notes: &mut Refusals,
) -> Option<String> {
    let Some(before) = fixed.strip_suffix('/') else {
        return refuse(at, notes);
    };
    let is_plain = end.chars().all(|c| is_literal(c) || c == '/');
    // What stands in one segment with `{**}` ends the template.
    if !is_plain || end.find('/').is_some_and(|slash| slash > 0) {
        return refuse(at, notes);
    }
    let route = route(before, at, notes)?;
    let has_holes = before.contains('{');
    if !has_holes && !end.is_empty() {
        let (fixed, end) = (cedar::plain(fixed), cedar::plain(end));
        return Some(format!("context.path like \"{fixed}*{end}\""));
    }
    if end.contains('/') {
        return refuse(at, notes);
    }
    let mut all = vec![within(at, service, &format!("{route}/**"), notes)?];
    if !route.is_empty() {
        all.push(format!("!({})", within(at, service, &route, notes)?));
    }
    if !end.is_empty() {
        let end = cedar::plain(end);
        all.push(format!("context.path like \"*{end}\""));
    }
    cedar::all(&all)
}

fn refuse<T>(at: &Text, notes: &mut Refusals) -> Option<T> {
    let text = format!("`{}` is no template that routes can be", at.value);
    notes.add(at, text);
    None
}

fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// The template with a name for each `{*}`.
fn route(text: &str, at: &Text, notes: &mut Refusals) -> Option<String> {
    let mut route = String::new();
    for (number, segment) in text.split('/').enumerate().skip(1) {
        route.push('/');
        match segment {
            "{*}" => route.push_str(&format!("{{segment_{number}}}")),
            plain if plain.chars().all(is_literal) => route.push_str(plain),
            _ => return refuse(at, notes),
        }
    }
    if text.is_empty() || text.starts_with('/') {
        return Some(route);
    }
    refuse(at, notes)
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
