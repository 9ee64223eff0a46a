//! What is asked for, and under which further conditions.

use http::HeaderName;

use crate::import::cedar;
use crate::import::file::Operation;
use crate::import::file::Text;
use crate::import::file::When;
use crate::import::pattern::Pattern;
use crate::import::refusals::Refusals;
use crate::import::source;
use crate::import::source::Home;
use crate::import::source::both;
use crate::import::template;
use crate::import::translation::Imported;
use crate::policy::ServiceName;
use crate::proxy;

/// The condition that an `operation` is. Its fields must all hold.
pub(super) fn operation(
    operation: &Operation,
    service: &ServiceName,
    notes: &mut Refusals,
) -> Vec<String> {
    for (key, values) in [
        ("ports", &operation.ports),
        ("notPorts", &operation.not_ports),
    ] {
        notes.all(key, values, "a door has one application, on one port");
    }
    let mut parts = Vec::new();
    let methods = |value: &Text, notes: &mut Refusals| {
        Some(Pattern::read(value, notes)?.of("context.method"))
    };
    both(
        &operation.hosts,
        &operation.not_hosts,
        &host,
        (&mut parts, notes),
    );
    both(
        &operation.methods,
        &operation.not_methods,
        &methods,
        (&mut parts, notes),
    );
    let paths = |value: &Text, notes: &mut Refusals| {
        if value.value.contains(['{', '}']) {
            return template::template(value, service, notes);
        }
        path(value, notes)
    };
    both(
        &operation.paths,
        &operation.not_paths,
        &paths,
        (&mut parts, notes),
    );
    parts
}

/// Whether nothing is said of what is asked for.
pub(super) const fn is_empty(operation: &Operation) -> bool {
    operation.hosts.is_empty()
        && operation.not_hosts.is_empty()
        && operation.ports.is_empty()
        && operation.not_ports.is_empty()
        && operation.methods.is_empty()
        && operation.not_methods.is_empty()
        && operation.paths.is_empty()
        && operation.not_paths.is_empty()
}

/// The condition that a `when` is; the headers that it reads are added to `imported`.
pub(super) fn when(
    when: &When,
    home: Home<'_>,
    (imported, notes): (&mut Imported, &mut Refusals),
) -> Vec<String> {
    let mut parts = Vec::new();
    if when.values.is_empty() && when.not_values.is_empty() {
        notes.add(&when.key, "it has neither `values` nor `notValues`");
        return parts;
    }
    let mut translated = |translate: &dyn Fn(&Text, &mut Refusals) -> Option<String>,
                          notes: &mut Refusals| {
        both(
            &when.values,
            &when.not_values,
            translate,
            (&mut parts, notes),
        );
    };
    match when.key.value.as_str() {
        "source.ip" => translated(&source::address, notes),
        "source.namespace" => translated(&|value, _| Some(source::namespace(value)), notes),
        "source.principal" => {
            translated(&|value, notes| source::principal(value, home, notes), notes);
        }
        "source.serviceAccount" => {
            translated(&|value, notes| source::account(value, home, notes), notes);
        }
        "source.trustDomain" => {
            translated(&|value, notes| source::domain(value, home, notes), notes);
        }
        key => {
            if let Some(name) = header(key, &when.key, notes) {
                translated(&|value, notes| field(&name, value, notes), notes);
                imported.reads(name);
            }
        }
    }
    parts
}

/// Whether a condition is about a request, and not about a connection too.
pub(super) fn is_of_requests(when: &When) -> bool {
    when.key.value.starts_with("request.")
}

/// Istio compares the host with its port. What both begin with is the same,
/// unless it ends with the dot that a host may have at its end.
fn host(value: &Text, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    match pattern {
        Pattern::Any => Some(pattern.of("context.host")),
        Pattern::Begins(text) if !text.contains(':') && !text.ends_with('.') => {
            Some(Pattern::Begins(&text.to_ascii_lowercase()).of("context.host"))
        }
        _ => {
            let text = format!(
                "`{}`: Istio compares the host with its port, and policies see none; what it begins with (`a.example*`) can be compared",
                value.value
            );
            notes.add(value, text);
            None
        }
    }
}

/// What is compared must be in the form in which a request's path is compared.
fn path(value: &Text, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/!$&'()+,=:@;".contains(c);
    if let Some(c) = pattern.rest().chars().find(|&c| !plain(c)) {
        let text = format!(
            "`{}` has a `{}`: paths are compared in one form, in which this does not occur",
            value.value,
            c.escape_default()
        );
        notes.add(value, text);
        return None;
    }
    Some(pattern.of("context.path"))
}

fn header(key: &str, at: &Text, notes: &mut Refusals) -> Option<HeaderName> {
    let name = key
        .strip_prefix("request.headers[")
        .and_then(|rest| rest.strip_suffix(']'));
    let Some(name) = name else {
        notes.add(at, format!("`{key}` is not known here"));
        return None;
    };
    let name = name.parse::<HeaderName>().ok().filter(proxy::is_forwarded);
    if name.is_none() {
        notes.add(at, format!("`{key}`: no such header reaches a policy"));
    }
    name
}

fn field(name: &HeaderName, value: &Text, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    let name = cedar::quoted(name.as_str());
    let there = format!("context.headers has {name}");
    match pattern {
        Pattern::Any => Some(there),
        other => {
            let is = other.of(&format!("context.headers[{name}]"));
            Some(format!("({there} && {is})"))
        }
    }
}
