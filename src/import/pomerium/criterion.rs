//! One criterion of Pomerium's policy language.

use http::HeaderName;
use http::header;

use crate::import::cedar;
use crate::import::file::Text;
use crate::import::node::At;
use crate::import::node::Node;
use crate::import::pattern::Pattern;
use crate::import::pomerium::clock;
use crate::import::pomerium::condition::Condition;
use crate::import::pomerium::matcher::matcher;
use crate::import::pomerium::matcher::words;
use crate::import::pomerium::person;
use crate::import::refusals::Refusals;
use crate::import::source;
use crate::import::translation::Imported;

/// A criterion, translated.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    pub(super) condition: Condition,
    pub(super) about: About,
}

/// What a criterion looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// A claim, which is absent where it cannot be read.
    Claim,
    /// The domain of an e-mail address.
    Domain,
    /// Nothing that only a request, or only a person, has.
    Either,
    Person,
    Request,
}

/// Translates one. None if it has no translation, which is then noted.
pub(super) fn criterion(
    name: &Text,
    data: &At,
    provider: Option<&str>,
    (imported, notes): (&mut Imported, &mut Refusals),
) -> Option<Criterion> {
    let (condition, about) = match name.value.as_str() {
        "accept" => (always(data, notes)?, About::Either),
        "authenticated_user" => {
            always(data, notes)?;
            (person::anybody(), About::Person)
        }
        claim if matches!(claim.split('/').next(), Some("claim" | "claims")) => {
            (person::claim(name, data, (imported, notes))?, About::Claim)
        }
        "client_certificate" => (certificate(data, notes)?, About::Either),
        "cors_preflight" => (preflight(data, (imported, notes))?, About::Request),
        "date" => (clock::date(data, notes)?, About::Either),
        "domain" => (person::domain(data, notes)?, About::Domain),
        "email" => (person::email(data, notes)?, About::Person),
        "groups" => (person::groups(data, provider, notes)?, About::Person),
        "http_method" => (method(data, notes)?, About::Request),
        "http_path" => (matcher(data, &path, notes)?, About::Request),
        "reject" => (always(data, notes)?.not(), About::Either),
        "source_ip" => (addresses(data, notes)?, About::Either),
        "time_of_day" => (clock::time(data, (imported, notes))?, About::Either),
        "user" => (person::user(data, provider, notes)?, About::Person),
        other => {
            notes.add(name, format!("`{other}`: {}", why_not(other)));
            return None;
        }
    };
    Some(Criterion { condition, about })
}

/// Why a criterion has no translation.
fn why_not(name: &str) -> &'static str {
    match name.split_once('/').map_or(name, |(name, _)| name) {
        "day_of_week" => "it does not say in which time zone",
        "device" => "devices are not known here",
        "invalid_client_certificate" => {
            "nobody gets here with such a certificate; leave it out of a `deny`"
        }
        "mcp_tool" => "tools are not known here",
        "pomerium_routes" => "there are no such routes here",
        "record" => "external records are not known here",
        "ssh_ca"
        | "ssh_publickey"
        | "ssh_username"
        | "ssh_username_matches_claim"
        | "ssh_username_matches_email" => "there is no SSH at these doors",
        _ => "no such criterion is known",
    }
}

/// Pomerium does not look at the data. We take none that says the opposite.
fn always(data: &At, notes: &mut Refusals) -> Option<Condition> {
    if data.value == Node::Flag(false) {
        notes.add(data, "`false` changes nothing: leave the criterion out");
        return None;
    }
    Some(Condition::Always)
}

fn method(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let write = |pattern: Pattern<'_>, _: &At, _: &mut Refusals| {
        Some(Condition::When(pattern.of("context.method")))
    };
    matcher(data, &write, notes)
}

/// Pomerium compares the decoded path, and we the canonical one. Both say the
/// same of what is never escaped, if it cannot be the rest of an escape.
pub(super) fn path(pattern: Pattern<'_>, at: &At, notes: &mut Refusals) -> Option<Condition> {
    let text = pattern.rest();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if let Some(c) = text.chars().find(|&c| !plain(c)) {
        let c = c.escape_default();
        notes.add(
            at,
            format!("`{text}` has a `{c}`, which may be written in several ways in a path"),
        );
        return None;
    }
    let may_be_inside = matches!(pattern, Pattern::Contains(_) | Pattern::Ends(_));
    let digit = |c: char| matches!(c, '0'..='9' | 'A'..='F');
    if may_be_inside && text.starts_with(digit) {
        notes.add(
            at,
            format!("`{text}` may begin inside of an escape, such as `%20`"),
        );
        return None;
    }
    Some(Condition::When(pattern.of("context.path")))
}

fn addresses(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let mut any = Some(Vec::new());
    for one in words(data) {
        let Node::Text(text) = &one.value else {
            notes.add(one, format!("{} where a text is due", one.value.kind()));
            any = None;
            continue;
        };
        let text = Text::new(text.clone(), one.referenced, one.defined);
        match (source::address(&text, notes), &mut any) {
            (Some(range), Some(any)) => any.push(Condition::When(range)),
            _ => any = None,
        }
    }
    any.map(Condition::any)
}

/// A caller's certificate names it by one URI, which is its SPIFFE ID.
fn certificate(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let Node::Map(parts) = &data.value else {
        notes.add(data, format!("{} where a map is due", data.value.kind()));
        return None;
    };
    let write = |pattern: Pattern<'_>, _: &At, _: &mut Refusals| {
        Some(Condition::When(match pattern {
            Pattern::Is(id) if id.starts_with("spiffe://") => {
                format!("principal.spiffe == {}", cedar::quoted(id))
            }
            other => other.of("principal.spiffe"),
        }))
    };
    let mut all = Some(vec![Condition::When("principal is Workload".to_owned())]);
    for (part, value) in parts {
        let one = if part.value == "san_uri" {
            matcher(value, &write, notes)
        } else {
            let text = format!(
                "`{}`: a workload is known by its SPIFFE ID (`san_uri`)",
                part.value
            );
            notes.add(part, text);
            None
        };
        match (one, &mut all) {
            (Some(one), Some(all)) => all.push(one),
            _ => all = None,
        }
    }
    all.map(Condition::all)
}

fn preflight(data: &At, (imported, notes): (&mut Imported, &mut Refusals)) -> Option<Condition> {
    always(data, notes)?;
    let has = |name: &HeaderName| {
        let name = cedar::quoted(name.as_str());
        Condition::When(format!("context.headers has {name}"))
    };
    let names = [header::ORIGIN, header::ACCESS_CONTROL_REQUEST_METHOD];
    let options = Condition::When("context.method == \"OPTIONS\"".to_owned());
    let condition = Condition::all([options].into_iter().chain(names.iter().map(has)));
    names.into_iter().for_each(|name| imported.reads(name));
    Some(condition)
}
