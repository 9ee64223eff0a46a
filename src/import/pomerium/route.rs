//! The route that is translated, and the policies that it has.

use crate::import::file::Text;
use crate::import::node::At;
use crate::import::node::Node;
use crate::import::pattern::Pattern;
use crate::import::pomerium::condition::Condition;
use crate::import::pomerium::criterion;
use crate::import::pomerium::matcher::word;
use crate::import::pomerium::matcher::words;
use crate::import::refusals::Refusals;

/// What is found in a file.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// Policies in the policy language.
    pub(super) policies: Vec<&'a At>,
    /// Criteria of which one must hold, from the keys that are older than the language.
    pub(super) allowed: Vec<(Text, At)>,
    /// Which requests are on the route.
    pub(super) on: Condition,
}

/// Finds the policies: they are the whole file, or those of its route `from`.
pub(super) fn find<'a>(
    file: &'a At,
    from: Option<&str>,
    notes: &mut Refusals,
) -> Option<Found<'a>> {
    let whole = Found {
        policies: vec![file],
        allowed: Vec::new(),
        on: Condition::Always,
    };
    let routes: Vec<&At> = match &file.value {
        Node::Map(_) => match file.value.of("routes") {
            Some(routes) => {
                if let Some(required) = file.value.of("downstream_mtls") {
                    let why =
                        "`downstream_mtls`: which certificates callers need is not translated";
                    notes.add(required, why);
                }
                words(routes).iter().collect()
            }
            None if is_route(file) => vec![file],
            None => return Some(whole),
        },
        Node::List(items) if items.iter().any(is_route) => items.iter().collect(),
        _ => return Some(whole),
    };
    let is_meant = |route: &&At| {
        let is = route.value.of("from").map(|from| &from.value);
        from.is_none_or(|from| is == Some(&Node::Text(from.to_owned())))
    };
    let meant: Vec<&At> = routes.into_iter().filter(is_meant).collect();
    match meant.as_slice() {
        [] => {
            notes.whole(0, "no route is from there");
            None
        }
        [route] => read(route, notes),
        [_, another, ..] => {
            let why = "another route: say which one is meant (`--from URL`); of several from the same, only one can be";
            notes.add(another, why);
            None
        }
    }
}

fn is_route(item: &At) -> bool {
    item.value.of("from").is_some() || item.value.of("policy").is_some()
}

fn read<'a>(route: &'a At, notes: &mut Refusals) -> Option<Found<'a>> {
    let Node::Map(pairs) = &route.value else {
        notes.add(route, format!("{} where a map is due", route.value.kind()));
        return None;
    };
    let mut found = Found {
        policies: Vec::new(),
        allowed: Vec::new(),
        on: Condition::Always,
    };
    for (key, value) in pairs {
        match key.value.as_str() {
            "policy" => found.policies.push(value),
            "allow_public_unauthenticated_access" => flag(key, value, "accept", &mut found, notes),
            "allow_any_authenticated_user" => {
                flag(key, value, "authenticated_user", &mut found, notes);
            }
            "cors_allow_preflight" => flag(key, value, "cors_preflight", &mut found, notes),
            "allowed_domains" => listed(key, value, &["domain"], &mut found),
            "allowed_groups" => listed(key, value, &["groups"], &mut found),
            "allowed_idp_claims" => claims(key, value, &mut found, notes),
            "allowed_users" => listed(key, value, &["user", "email"], &mut found),
            "from" => {
                if !word(value, notes).is_some_and(|from| from.starts_with("https://")) {
                    notes.add(value, "a route that is not from `https://`");
                }
            }
            "path" => on(value, Pattern::Is, &mut found, notes),
            "prefix" => on(value, Pattern::Begins, &mut found, notes),
            other if SAY_NOTHING_OF_ACCESS.contains(&other) => {}
            other => notes.add(key, format!("`{other}` has no translation")),
        }
    }
    Some(found)
}

fn flag(key: &Text, value: &At, name: &str, found: &mut Found<'_>, notes: &mut Refusals) {
    match value.value {
        Node::Flag(true) => {
            let name = Text::new(name.to_owned(), key.referenced, key.defined);
            found.allowed.push((name, value.clone()));
        }
        Node::Flag(false) => {}
        _ => notes.add(value, format!("{} where a flag is due", value.value.kind())),
    }
}

/// Each value of each claim fits.
fn claims(key: &Text, value: &At, found: &mut Found<'_>, notes: &mut Refusals) {
    let Node::Map(claims) = &value.value else {
        let kind = value.value.kind();
        return notes.add(value, format!("{kind} where a map is due"));
    };
    for (claim, values) in claims {
        for one in words(values) {
            let name = format!("claim/{}", claim.value);
            let name = Text::new(name, key.referenced, key.defined);
            found.allowed.push((name, one.clone()));
        }
    }
}

/// Each value fits if it is what one of the criteria looks at.
fn listed(key: &Text, value: &At, names: &[&str], found: &mut Found<'_>) {
    for one in words(value) {
        for name in names {
            let name = Text::new((*name).to_owned(), key.referenced, key.defined);
            found.allowed.push((name, one.clone()));
        }
    }
}

fn on<'a>(
    value: &'a At,
    pattern: fn(&'a str) -> Pattern<'a>,
    found: &mut Found<'_>,
    notes: &mut Refusals,
) {
    let path = word(value, notes).map(pattern);
    let path = path.and_then(|pattern| criterion::path(pattern, value, notes));
    if let Some(path) = path {
        found.on = Condition::all([found.on.clone(), path]);
    }
}

/// Keys of a route that change what is forwarded, how and where to, but not
/// whether it is.
const SAY_NOTHING_OF_ACCESS: [&str; 39] = [
    "allow_spdy",
    "allow_upgrades",
    "allow_websockets",
    "circuit_breaker_thresholds",
    "description",
    "health_checks",
    "healthy_panic_threshold",
    "host_path_regex_rewrite_pattern",
    "host_path_regex_rewrite_substitution",
    "host_rewrite",
    "host_rewrite_header",
    "id",
    "idle_timeout",
    "load_balancing_policy",
    "logo_url",
    "name",
    "outlier_detection",
    "pass_identity_headers",
    "prefix_rewrite",
    "preserve_host_header",
    "regex_rewrite_pattern",
    "regex_rewrite_substitution",
    "remove_request_headers",
    "rewrite_response_headers",
    "set_request_headers",
    "set_response_headers",
    "show_error_details",
    "timeout",
    "tls_client_cert",
    "tls_client_cert_file",
    "tls_client_key",
    "tls_client_key_file",
    "tls_custom_ca",
    "tls_custom_ca_file",
    "tls_server_name",
    "tls_skip_verify",
    "tls_upstream_allow_renegotiation",
    "tls_upstream_server_name",
    "to",
];
