//! The host that is asked for.
//!
//! Istio compares hosts with their ports, which policies here do not see. What
//! both say alike is translated as it stands; what would let in more here is
//! refused; and what lets in less is translated, with a remark in the result.

use crate::import::cedar;
use crate::import::file::Operation;
use crate::import::file::Text;
use crate::import::pattern::Pattern;
use crate::import::refusals::Refusals;
use crate::proxy;

/// Whether what a host fits is thereby let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fitting {
    /// So more must not fit here than in Istio.
    LetsIn,
    /// So less must not.
    ShutsOut,
}

/// One of `beside`, the hosts of one field, as a condition.
pub(super) fn host(
    value: &Text,
    beside: &[Text],
    fitting: Fitting,
    notes: &mut Refusals,
) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    match (said_alike(pattern, beside), fitting) {
        (Some(Alike::Host(text)), _) => itself(text, value, notes),
        (Some(Alike::Pattern(pattern)), _) => Some(written(pattern)),
        (None, Fitting::ShutsOut) => whatever_its_port(pattern, value, notes),
        (None, Fitting::LetsIn) => {
            let text = format!(
                "`{}`: Istio compares the host with its port, and policies see none; a host with and without one (`a.example` and `a.example:*`, both) can be compared, and what it begins with (`a.example*`)",
                value.value
            );
            notes.add(value, text);
            None
        }
    }
}

/// Whether one of an operation's hosts is compared without the port that Istio
/// compares it with.
pub(super) fn drops_ports(operation: &Operation) -> bool {
    [&operation.hosts, &operation.not_hosts]
        .into_iter()
        .any(|hosts| {
            hosts.iter().any(|value| {
                let pattern = Pattern::parse(&value.value).ok();
                pattern.is_some_and(|pattern| said_alike(pattern, hosts).is_none())
            })
        })
}

/// What Istio and we say alike.
enum Alike<'a> {
    /// This host, with every port and without one.
    Host(&'a str),
    Pattern(Pattern<'a>),
}

/// What hosts begin with is the same with their ports, unless it ends with the
/// dot that a host may have at its end; and `a.example` with `a.example:*`
/// beside it, as Istio's own manual has it, is the host.
fn said_alike<'a>(pattern: Pattern<'a>, beside: &[Text]) -> Option<Alike<'a>> {
    let stands_beside = |wanted: &str| {
        let mut others = beside.iter().map(|other| other.value.as_str());
        others.any(|other| other.eq_ignore_ascii_case(wanted))
    };
    match pattern {
        Pattern::Any => Some(Alike::Pattern(pattern)),
        Pattern::Is(text) if stands_beside(&format!("{text}:*")) => Some(Alike::Host(text)),
        Pattern::Begins(text) if text.strip_suffix(':').is_some_and(stands_beside) => {
            text.strip_suffix(':').map(Alike::Host)
        }
        Pattern::Begins(text) if !text.contains(':') && !text.ends_with('.') => {
            Some(Alike::Pattern(pattern))
        }
        _ => None,
    }
}

/// All that `pattern` fits in Istio, and the same hosts with other ports.
fn whatever_its_port(pattern: Pattern<'_>, at: &Text, notes: &mut Refusals) -> Option<String> {
    let host = pattern.rest().split(':').next().unwrap_or_default();
    let without_dot = host.strip_suffix('.').unwrap_or(host);
    let has_port = pattern.rest().contains(':');
    match pattern {
        Pattern::Is(_) => itself(without_dot, at, notes),
        Pattern::Begins(_) if has_port => itself(without_dot, at, notes),
        // A host that ends there, with the dot that it may have, is one of them.
        Pattern::Begins(_) => Some(format!(
            "({} || {})",
            written(pattern),
            written(Pattern::Is(without_dot))
        )),
        Pattern::Ends(_) if has_port && host.is_empty() => Some(written(Pattern::Any)),
        Pattern::Ends(_) if !without_dot.chars().all(|c| c.is_ascii_digit()) => {
            Some(written(Pattern::Ends(without_dot)))
        }
        _ => {
            let text = format!("`{}` may be the end of a port: policies see none", at.value);
            notes.add(at, text);
            None
        }
    }
}

fn itself(text: &str, at: &Text, notes: &mut Refusals) -> Option<String> {
    let text = text.to_ascii_lowercase();
    if !proxy::is_host(&text) {
        notes.add(at, format!("`{text}`: no request has such a host"));
        return None;
    }
    Some(format!("context.host == {}", cedar::quoted(&text)))
}

/// Hosts are compared in lower case.
fn written(pattern: Pattern<'_>) -> String {
    let text = pattern.rest().to_ascii_lowercase();
    let pattern = match pattern {
        Pattern::Any => Pattern::Any,
        Pattern::Begins(_) => Pattern::Begins(&text),
        Pattern::Contains(_) => Pattern::Contains(&text),
        Pattern::Ends(_) => Pattern::Ends(&text),
        Pattern::Is(_) => Pattern::Is(&text),
    };
    pattern.of("context.host")
}
