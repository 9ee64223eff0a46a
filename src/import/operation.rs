//! What is asked for, and under which further conditions.

use http::HeaderName;

use crate::import::cedar;
use crate::import::file::Operation;
use crate::import::file::Text;
use crate::import::file::When;
use crate::import::host;
use crate::import::host::Fitting;
use crate::import::pattern::Pattern;
use crate::import::refusals::Refusals;
use crate::import::source;
use crate::import::source::Home;
use crate::import::source::both;
use crate::import::template;
use crate::import::translation::Imported;
use crate::policy::ServiceName;
use crate::proxy;

/// The condition that an `operation` is. Its fields must all hold. `fitting` says
/// what becomes of a request that fits it.
pub(super) fn operation(
    operation: &Operation,
    service: &ServiceName,
    fitting: Fitting,
    notes: &mut Refusals,
) -> Vec<String> {
    let mut parts = Vec::new();
    let methods = |value: &Text, notes: &mut Refusals| {
        Some(Pattern::read(value, notes)?.of("context.method"))
    };
    let hosts =
        |value: &Text, notes: &mut Refusals| host::host(value, &operation.hosts, fitting, notes);
    both(&operation.hosts, &[], &hosts, (&mut parts, notes));
    let otherwise = match fitting {
        Fitting::LetsIn => Fitting::ShutsOut,
        Fitting::ShutsOut => Fitting::LetsIn,
    };
    let not_hosts = |value: &Text, notes: &mut Refusals| {
        host::host(value, &operation.not_hosts, otherwise, notes)
    };
    both(&[], &operation.not_hosts, &not_hosts, (&mut parts, notes));
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

/// Whether it is about requests, and not about connections too.
pub(super) const fn is_of_requests(operation: &Operation) -> bool {
    !(operation.hosts.is_empty()
        && operation.not_hosts.is_empty()
        && operation.methods.is_empty()
        && operation.not_methods.is_empty()
        && operation.paths.is_empty()
        && operation.not_paths.is_empty())
}

/// Takes out what is about requests.
pub(super) fn drop_requests(operation: &mut Operation) {
    for field in [
        &mut operation.hosts,
        &mut operation.not_hosts,
        &mut operation.methods,
        &mut operation.not_methods,
        &mut operation.paths,
        &mut operation.not_paths,
    ] {
        field.clear();
    }
}

/// Whether a condition is about requests.
pub(super) fn is_of_request(when: &When) -> bool {
    when.key.value.starts_with("request.")
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
        let why = if key.starts_with("request.auth.") {
            format!("`{key}`: {}", source::TOKENS)
        } else {
            format!("`{key}` is not known here")
        };
        notes.add(at, why);
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
