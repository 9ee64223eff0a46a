//! Walking the conditions of a policy.

use cedar_policy::pst::BinaryOp;
use cedar_policy::pst::Clause;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Var;

/// Where an expression stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// What is asked to be in something: the right side of `in`.
    Container,
    /// Anywhere else.
    Elsewhere,
}

/// A construct that this version does not know, so that nothing can be said
/// about the policy that holds it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this version cannot examine `{construct}`")]
pub(super) struct UnknownSyntax {
    construct: String,
}

/// The expression of a clause.
pub(super) fn body(clause: &Clause) -> &Expr {
    match clause {
        Clause::When(body) | Clause::Unless(body) => body,
    }
}

/// Shows `see` each expression inside `expr`, itself first. Where `see` says
/// `false`, what is inside is not shown.
pub(super) fn walk<'e>(
    expr: &'e Expr,
    place: Place,
    see: &mut dyn FnMut(&'e Expr, Place) -> bool,
) -> Result<(), UnknownSyntax> {
    if !see(expr, place) {
        return Ok(());
    }
    let mut inside = |expr: &'e Expr| walk(expr, Place::Elsewhere, see);
    match expr {
        Expr::Literal(_) | Expr::Var(_) | Expr::Slot(_) => Ok(()),
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => inside(expr),
        Expr::BinaryOp {
            op: BinaryOp::In,
            left,
            right,
        } => {
            inside(left)?;
            walk(right, Place::Container, see)
        }
        Expr::BinaryOp { left, right, .. } => {
            inside(left)?;
            inside(right)
        }
        Expr::Is { expr, in_expr, .. } => {
            inside(expr)?;
            match in_expr {
                Some(container) => walk(container, Place::Container, see),
                None => Ok(()),
            }
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => {
            inside(cond)?;
            inside(then_expr)?;
            inside(else_expr)
        }
        Expr::Set(members) => members.iter().try_for_each(|m| walk(m, place, see)),
        Expr::Record(fields) => fields.values().try_for_each(|field| inside(field)),
        _ => Err(UnknownSyntax {
            construct: format!("{expr:?}"),
        }),
    }
}

/// `["headers", "x-device"]` for `context.headers["x-device"]`, and nothing
/// for what is not plainly taken out of the context.
pub(super) fn context_path(expr: &Expr) -> Option<Vec<&str>> {
    path(expr, Var::Context)
}

/// The same for what is taken out of the principal.
pub(super) fn principal_path(expr: &Expr) -> Option<Vec<&str>> {
    path(expr, Var::Principal)
}

fn path(expr: &Expr, of: Var) -> Option<Vec<&str>> {
    match expr {
        Expr::Var(var) if *var == of => Some(Vec::new()),
        Expr::GetAttr { expr, attr } => {
            let mut path = path(expr, of)?;
            path.push(attr.as_str());
            Some(path)
        }
        _ => None,
    }
}
