//! An id that nothing will ever have.
//!
//! To Cedar `Workload::"…/sa/wbe"` is a workload like any other. Services,
//! routes and groups are known here, so that an unknown one is a mistake.

use cedar_policy::EntityUid;
use cedar_policy::pst::EntityOrSlot;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;
use cedar_policy::pst::ResourceConstraint;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::policy::lint::Subject;
use crate::policy::lint::World;
use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;
use crate::policy::person;
use crate::policy::person::ProviderName;
use crate::policy::syntax::Place;
use crate::policy::syntax::UnknownSyntax;
use crate::policy::syntax::body;
use crate::policy::syntax::walk;
use crate::policy::template::Template;

pub(super) fn check(subject: Subject<'_>, world: World<'_>) -> Result<Vec<Mistake>, UnknownSyntax> {
    let mut mistakes = Vec::new();
    for uid in subject.named {
        if let Some((severity, text)) = judge(uid, world) {
            mistakes.push(subject.statement.mistake(&uid.to_string(), severity, text));
        }
    }
    for uid in equated(subject)? {
        let text = format!(
            "{uid} is compared as if a request had one route: write `resource in {uid}`, \
             which also holds where several routes fit"
        );
        mistakes.push(subject.statement.mistake(&uid, Severity::Error, text));
    }
    Ok(mistakes)
}

/// What is wrong with an id, if anything.
fn judge(uid: &EntityUid, world: World<'_>) -> Option<(Severity, String)> {
    let id = uid.id().unescaped();
    let error = |text: String| Some((Severity::Error, text));
    match uid.type_name().to_string().as_str() {
        "Service" if !world.routes.has_service(id) => error(format!("there is no service `{id}`")),
        "RouteGroup" if !world.routes.has_group(id) => {
            error(format!("no route is in a group `{id}`"))
        }
        "WorkloadGroup" if !world.settings.workload_groups.contains_key(id) => {
            error(format!("there is no workload group `{id}`"))
        }
        "Route" => judge_route(id, world).and_then(error),
        "TrustDomain" => match id.parse::<TrustDomain>() {
            Ok(domain) => unknown_domain(&domain, world),
            Err(why) => error(format!("`{id}` is not a trust domain: {why}")),
        },
        "Namespace" => {
            let domain = id.split_once('/').map(|(domain, _)| domain.parse());
            match domain {
                Some(Ok(domain)) => unknown_domain(&domain, world),
                _ => error(format!("`{id}` is not `<trust domain>/<namespace>`")),
            }
        }
        "User" => match id
            .split_once('/')
            .map(|(of, subject)| (of, subject.parse::<person::Subject>()))
        {
            Some((of, Ok(_))) => provider(of, world),
            _ => error(format!("`{id}` is not `<provider>/<subject>`")),
        },
        "Group" => match id.split_once('/') {
            Some((of, group)) if !group.is_empty() => provider(of, world),
            _ => error(format!("`{id}` is not `<provider>/<group>`")),
        },
        "Workload" => match id.parse::<SpiffeId>() {
            Ok(id) => unknown_domain(id.trust_domain(), world),
            Err(why) => error(format!("`{id}` is not a SPIFFE ID: {why}")),
        },
        _ => None,
    }
}

fn judge_route(id: &str, world: World<'_>) -> Option<String> {
    let Some((service, template)) = id.split_once(':') else {
        return Some(format!("`{id}` is not `<service>:<template>`"));
    };
    if !world.routes.has_service(service) {
        return Some(format!("there is no service `{service}`"));
    }
    let why = template.parse::<Template>().err()?;
    Some(format!("`{template}` is not a route template: {why}"))
}

/// What is wrong with the provider of a person or a group, if anything.
fn provider(name: &str, world: World<'_>) -> Option<(Severity, String)> {
    let known = &world.settings.providers;
    match name.parse::<ProviderName>() {
        Err(why) => Some((Severity::Error, format!("`{name}` is no provider: {why}"))),
        Ok(provider) if known.is_empty() || known.contains(&provider) => None,
        Ok(provider) => {
            let text = format!("nobody signs in with a provider `{provider}`");
            Some((Severity::Warning, text))
        }
    }
}

fn unknown_domain(domain: &TrustDomain, world: World<'_>) -> Option<(Severity, String)> {
    let known = &world.settings.trust_domains;
    (!known.is_empty() && !known.contains(domain)).then(|| {
        let text = format!("no caller can come from the trust domain `{domain}`");
        (Severity::Warning, text)
    })
}

/// The routes and services that stand anywhere but right of an `in`.
///
/// A request is on all routes that its path fits, so it *is* none of them, and
/// whether it is its service itself depends on every other policy's templates.
fn equated(subject: Subject<'_>) -> Result<Vec<String>, UnknownSyntax> {
    let mut equated = Vec::new();
    if let ResourceConstraint::Eq(EntityOrSlot::Entity(uid)) = &subject.tree.resource {
        equated.push(uid.to_string());
    }
    for clause in subject.tree.clauses() {
        walk(body(clause), Place::Elsewhere, &mut |expr, place| {
            if let Expr::Literal(Literal::EntityUID(uid)) = expr
                && place == Place::Elsewhere
                && matches!(uid.ty.to_string().as_str(), "Route" | "Service")
            {
                equated.push(uid.to_string());
            }
            true
        })?;
    }
    equated.sort();
    equated.dedup();
    Ok(equated)
}
