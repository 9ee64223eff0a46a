//! Conditions that seldom mean what they seem to.
//!
//! These are warnings: each has an honest use.

use cedar_policy::pst::Clause;
use cedar_policy::pst::Effect;
use cedar_policy::pst::EntityOrSlot;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;
use cedar_policy::pst::PatternElem;
use cedar_policy::pst::PrincipalConstraint;
use cedar_policy::pst::ResourceConstraint;

use crate::policy::lint::Subject;
use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;
use crate::policy::syntax::Place;
use crate::policy::syntax::UnknownSyntax;
use crate::policy::syntax::body;
use crate::policy::syntax::context_path;
use crate::policy::syntax::principal_path;
use crate::policy::syntax::walk;

pub(super) fn check(subject: Subject<'_>) -> Result<Vec<Mistake>, UnknownSyntax> {
    let mut found = Vec::new();
    let tree = subject.tree;
    if matches!(
        tree.resource,
        ResourceConstraint::Is(_) | ResourceConstraint::IsIn(..)
    ) {
        found.push(("resource is", RESOURCE_TYPE));
    }
    let forbid = tree.effect == Effect::Forbid;
    if forbid && scope_in_group(&tree.principal) {
        found.push(("principal", FORBID_GROUP));
    }
    let (mut reads_email, mut reads_verified) = (false, false);
    for clause in tree.clauses() {
        walk(body(clause), Place::Elsewhere, &mut |expr, place| {
            if let Expr::GetAttr { attr, .. } = expr {
                reads_email |= attr == "email";
                reads_verified |= attr == "emailVerified";
            }
            found.extend(look(expr, place, (tree.effect, clause)));
            true
        })?;
    }
    if reads_email && !reads_verified {
        found.push(("email", EMAIL));
    }
    found.dedup();
    Ok(found
        .into_iter()
        .map(|(needle, text)| {
            subject
                .statement
                .mistake(needle, Severity::Warning, text.to_owned())
        })
        .collect())
}

fn look(
    expr: &Expr,
    place: Place,
    (effect, clause): (Effect, &Clause),
) -> Option<(&'static str, &'static str)> {
    let proof_wanted = effect == Effect::Forbid && matches!(clause, Clause::When(_));
    match expr {
        Expr::Like { expr, pattern } if context_path(expr).as_deref() == Some(&["path"]) => {
            let last = pattern.len().saturating_sub(1);
            let wild = pattern
                .iter()
                .position(|part| matches!(part, PatternElem::Wildcard))?;
            let before = wild.checked_sub(1).and_then(|at| pattern.get(at));
            if wild < last {
                Some(("like", LIKE_CROSSES))
            } else if matches!(before, Some(PatternElem::Char(c)) if *c != '/') {
                Some(("like", LIKE_PREFIX))
            } else {
                None
            }
        }
        Expr::Is { entity_type, .. }
            if matches!(entity_type.to_string().as_str(), "Route" | "Service") =>
        {
            Some(("is", RESOURCE_TYPE))
        }
        Expr::HasAttr { expr, attrs } if proof_wanted => {
            let attrs = attrs.iter().map(|attr| attr.as_str());
            let text = match (context_path(expr), principal_path(expr)) {
                (Some(path), _) => of_context(&path.into_iter().chain(attrs).collect::<Vec<_>>()),
                (_, Some(path)) => of_user(&path.into_iter().chain(attrs).collect::<Vec<_>>()),
                _ => None,
            };
            text.map(|text| ("has", text))
        }
        Expr::Literal(Literal::EntityUID(uid))
            if proof_wanted && place == Place::Container && uid.ty.to_string() == "Group" =>
        {
            Some(("Group", FORBID_GROUP))
        }
        _ => None,
    }
}

/// What a `forbid` misses that asks whether the context has this.
fn of_context(path: &[&str]) -> Option<&'static str> {
    match path {
        ["headers", _, ..] => Some(FORBID_HEADER),
        ["signals", _, ..] => Some(FORBID_SIGNAL),
        ["authAge"] => Some(FORBID_CLAIM),
        _ => None,
    }
}

/// What it misses that asks whether the principal has this.
fn of_user(path: &[&str]) -> Option<&'static str> {
    let optional = matches!(
        path,
        ["acr" | "authenticatedAt" | "email"] | ["claims", _, ..]
    );
    optional.then_some(FORBID_CLAIM)
}

fn scope_in_group(constraint: &PrincipalConstraint) -> bool {
    match constraint {
        PrincipalConstraint::In(EntityOrSlot::Entity(uid))
        | PrincipalConstraint::IsIn(_, EntityOrSlot::Entity(uid)) => uid.ty.to_string() == "Group",
        _ => false,
    }
}

const LIKE_CROSSES: &str = "`*` in `like` also matches `/`: to match one segment, \
    write a route, `resource in Route::\"<service>:/a/{x}/b\"`";

const LIKE_PREFIX: &str = "`like \"/a/b*\"` also matches `/a/bc`: write `like \"/a/b/*\"`, \
    or `resource in Route::\"<service>:/a/b/**\"`";

const EMAIL: &str = "whoever can choose their address at the provider chooses what this says of \
    them, and an address may come to be another's: ask for `principal.emailVerified` too, or \
    better for the `User` or a `Group`";

const FORBID_CLAIM: &str = "this `forbid` does not apply to a person of whom the provider does \
    not say it: write `forbid … unless` with what must be known";

const FORBID_GROUP: &str = "this `forbid` does not apply to a member whose groups are not \
    known: write `forbid … unless` with what a caller must prove";

const FORBID_HEADER: &str = "this `forbid` does not apply to a caller that leaves the header \
    out: write `forbid … unless` with what a caller must prove";

const FORBID_SIGNAL: &str = "this `forbid` does not apply to a caller of whom nothing is known, \
    or no longer: write `forbid … unless` with what must be known";

const RESOURCE_TYPE: &str = "whether a request is on a `Route` or on the bare `Service` depends \
    on the templates of every policy: write `resource in Service::\"…\"`, which holds for both";
