//! A name that nothing can have.
//!
//! `has` on a misspelt attribute is false, not an error, and often not even a
//! warning: `permit … unless { context.headers has "x-debgu" }` always permits.

use std::collections::BTreeSet;

use cedar_policy::pst::EntityOrSlot;
use cedar_policy::pst::EntityType;
use cedar_policy::pst::Expr;
use cedar_policy::pst::PrincipalConstraint;
use cedar_policy::pst::Var;

use crate::policy::lint::Subject;
use crate::policy::lint::World;
use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;
use crate::policy::schema::CLOCK;
use crate::policy::schema::CONTEXT;
use crate::policy::schema::TLS;
use crate::policy::schema::USER;
use crate::policy::schema::Vocabulary;
use crate::policy::schema::WORKLOAD;
use crate::policy::syntax::Place;
use crate::policy::syntax::UnknownSyntax;
use crate::policy::syntax::body;
use crate::policy::syntax::walk;

/// What an attribute is looked for in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Claims,
    Clock,
    Context,
    Headers,
    Params,
    Principal,
    Signals,
    Tls,
    /// Something without attributes.
    Bare,
    /// Something that is not plainly one of these.
    Unclear,
}

pub(super) fn check(subject: Subject<'_>, world: World<'_>) -> Result<Vec<Mistake>, UnknownSyntax> {
    let who = principals(&subject.tree.principal);
    let mut undeclared = BTreeSet::new();
    for clause in subject.tree.clauses() {
        walk(body(clause), Place::Elsewhere, &mut |expr, _| {
            let (mut at, names): (_, Vec<&str>) = match expr {
                Expr::HasAttr { expr, attrs } => (
                    shape(expr, world),
                    attrs.iter().map(|a| a.as_str()).collect(),
                ),
                // The validator finds these, but not in branches that it can
                // see are never taken.
                Expr::GetAttr { expr, attr } if subject.valid => {
                    (shape(expr, world), vec![attr.as_str()])
                }
                _ => return true,
            };
            for name in names {
                if !is_declared(at, name, world.vocabulary, who) {
                    undeclared.insert((at.label(), name.to_owned()));
                }
                at = step(at, name, world);
            }
            true
        })?;
    }
    Ok(undeclared
        .into_iter()
        .map(|(label, name)| {
            let text = format!("`{name}` is not declared: {label} cannot have it");
            subject.statement.mistake(&name, Severity::Error, text)
        })
        .collect())
}

impl Shape {
    const fn label(self) -> &'static str {
        match self {
            Self::Claims => "`principal.claims`",
            Self::Clock => "a clock",
            Self::Context => "the context",
            Self::Headers => "`context.headers`",
            Self::Params => "`context.params`",
            Self::Principal => "this principal",
            Self::Signals => "`context.signals`",
            Self::Tls => "`context.tls`",
            Self::Bare => "what stands before it",
            Self::Unclear => "nothing",
        }
    }
}

fn shape(expr: &Expr, world: World<'_>) -> Shape {
    match expr {
        Expr::Var(Var::Context) => Shape::Context,
        Expr::Var(Var::Principal) => Shape::Principal,
        Expr::Var(Var::Action | Var::Resource) => Shape::Bare,
        Expr::GetAttr { expr, attr } => step(shape(expr, world), attr, world),
        _ => Shape::Unclear,
    }
}

fn step(at: Shape, name: &str, world: World<'_>) -> Shape {
    match (at, name) {
        (Shape::Context, "headers") => Shape::Headers,
        (Shape::Context, "params") => Shape::Params,
        (Shape::Context, "signals") => Shape::Signals,
        (Shape::Context, "tls") => Shape::Tls,
        (Shape::Context, name) if name == "utc" || world.vocabulary.zones.contains(name) => {
            Shape::Clock
        }
        (Shape::Principal, "claims") => Shape::Claims,
        (Shape::Unclear, _) => Shape::Unclear,
        _ => Shape::Bare,
    }
}

fn is_declared(at: Shape, name: &str, vocabulary: &Vocabulary, who: &[&str]) -> bool {
    match at {
        Shape::Claims => vocabulary.claims.contains_key(name),
        Shape::Clock => CLOCK.contains(&name),
        Shape::Context => vocabulary.has_context(name),
        Shape::Headers => vocabulary.headers.contains(name),
        Shape::Params => vocabulary.params.contains(name),
        Shape::Principal => {
            who.contains(&"Workload") && WORKLOAD.contains(&name)
                || who.contains(&"User") && USER.contains(&name)
        }
        Shape::Signals => vocabulary.signals.contains_key(name),
        Shape::Tls => TLS.contains(&name),
        Shape::Bare => false,
        Shape::Unclear => {
            CONTEXT.contains(&name)
                || CLOCK.contains(&name)
                || TLS.contains(&name)
                || WORKLOAD.contains(&name)
                || USER.contains(&name)
                || vocabulary.headers.contains(name)
                || vocabulary.params.contains(name)
                || vocabulary.claims.contains_key(name)
                || vocabulary.signals.contains_key(name)
        }
    }
}

/// The types of principal that a scope lets through.
fn principals(constraint: &PrincipalConstraint) -> &'static [&'static str] {
    let kind = |kind: &EntityType| match kind.to_string().as_str() {
        "Workload" | "Namespace" | "TrustDomain" | "WorkloadGroup" => &["Workload"][..],
        "User" | "Group" => &["User"],
        _ => &[],
    };
    match constraint {
        PrincipalConstraint::Is(ty) | PrincipalConstraint::IsIn(ty, _) => kind(ty),
        PrincipalConstraint::Eq(EntityOrSlot::Entity(uid))
        | PrincipalConstraint::In(EntityOrSlot::Entity(uid)) => kind(&uid.ty),
        PrincipalConstraint::Any
        | PrincipalConstraint::Eq(EntityOrSlot::Slot(_))
        | PrincipalConstraint::In(EntityOrSlot::Slot(_)) => &["Workload", "User"],
    }
}
