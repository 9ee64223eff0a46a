//! A policy's conditions, each asked alone.
//!
//! `when { A && B }` demands two things, and so does `unless { A || B }`. They
//! are asked in their order, each as a policy of its own, by the evaluator that
//! decides: what it says of a part is what it says of it inside the whole.

use std::sync::Arc;

use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::Expression;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use cedar_policy::eval_expression;
use cedar_policy::pst;
use cedar_policy::pst::BinaryOp;
use cedar_policy::pst::Clause;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Var;

use crate::policy::explain::Condition;
use crate::policy::explain::Outcome;
use crate::policy::explain::Value;
use crate::policy::syntax::Place;
use crate::policy::syntax::body;
use crate::policy::syntax::walk;

/// Whether `policy`, whose scope holds, applies; and its conditions.
pub(super) fn ask(
    policy: &pst::Policy,
    request: &Request,
    entities: &Entities,
) -> (Outcome, Vec<Condition>) {
    let clauses = policy.body().clauses();
    let whole = outcome(clauses, request, entities);
    let mut conditions: Vec<Condition> = Vec::new();
    for clause in clauses.iter().flat_map(demands) {
        let before = conditions.iter().all(|c| c.outcome == Outcome::Holds);
        let found = match outcome(std::slice::from_ref(&clause), request, entities) {
            // What comes before is what kept it from being asked.
            Outcome::Fails { .. } if !before => Outcome::NotReached,
            found => found,
        };
        conditions.push(Condition {
            text: clause.to_string(),
            outcome: found,
            values: values(body(&clause), request, entities),
        });
    }
    (whole, conditions)
}

/// What a permit with these conditions says.
fn outcome(clauses: &[Clause], request: &Request, entities: &Entities) -> Outcome {
    let fails = |why: &dyn std::fmt::Display| Outcome::Fails {
        why: one_line(&why.to_string()),
    };
    let set = match alone(clauses) {
        Ok(set) => set,
        Err(why) => return fails(&why),
    };
    let response = Authorizer::new().is_authorized(request, &set, entities);
    let error = response.diagnostics().errors().next();
    match (error, response.decision()) {
        (Some(cedar_policy::AuthorizationError::PolicyEvaluationError(error)), _) => {
            fails(error.inner())
        }
        (None, Decision::Allow) => Outcome::Holds,
        (None, Decision::Deny) => Outcome::Not,
    }
}

/// A set of one permit with these conditions.
fn alone(clauses: &[Clause]) -> Result<PolicySet, Box<dyn std::error::Error>> {
    let permit = pst::Template::new(
        "condition",
        pst::Effect::Permit,
        pst::PrincipalConstraint::Any,
        pst::ActionConstraint::Any,
        pst::ResourceConstraint::Any,
    );
    let permit = permit.try_with_clauses(clauses.iter().cloned())?;
    let permit = pst::StaticPolicy::try_from(permit)?;
    let permit = cedar_policy::Policy::from_pst(permit.into())?;
    Ok(PolicySet::from_policies([permit])?)
}

/// The parts of a clause that must all be met.
fn demands(clause: &Clause) -> Vec<Clause> {
    let mut parts = Vec::new();
    match clause {
        Clause::When(body) => {
            split(body, BinaryOp::And, &mut parts);
            parts.into_iter().map(Clause::When).collect()
        }
        Clause::Unless(body) => {
            split(body, BinaryOp::Or, &mut parts);
            parts.into_iter().map(Clause::Unless).collect()
        }
    }
}

fn split(expr: &Arc<Expr>, at: BinaryOp, parts: &mut Vec<Arc<Expr>>) {
    match &**expr {
        Expr::BinaryOp { op, left, right } if *op == at => {
            split(left, at, parts);
            split(right, at, parts);
        }
        _ => parts.push(Arc::clone(expr)),
    }
}

/// What an expression reads of caller and context, each once.
fn values(expr: &Expr, request: &Request, entities: &Entities) -> Vec<Value> {
    let mut names: Vec<String> = Vec::new();
    let walked = walk(expr, Place::Elsewhere, &mut |expr, _| {
        let name = name(expr);
        let is_new = name.as_ref().is_some_and(|name| !names.contains(name));
        let is_read = name.is_some();
        names.extend(name.filter(|_| is_new));
        !is_read
    });
    if walked.is_err() {
        return Vec::new();
    }
    names
        .into_iter()
        .map(|name| {
            let read = name.parse::<Expression>().ok();
            let found = read.and_then(|read| eval_expression(request, entities, &read).ok());
            Value {
                value: found.map(|found| one_line(&found.to_string())),
                name,
            }
        })
        .collect()
}

/// `context.path` as text, if it is plainly taken out of something given.
fn name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::GetAttr { expr: of, .. } => is_given(of).then(|| expr.to_string()),
        Expr::HasAttr { expr: of, attrs } => {
            let mut path = Expr::clone(of);
            for attr in attrs {
                path = Expr::GetAttr {
                    expr: path.into(),
                    attr: attr.clone(),
                };
            }
            is_given(of).then(|| path.to_string())
        }
        _ => None,
    }
}

fn is_given(expr: &Expr) -> bool {
    match expr {
        Expr::Var(Var::Context | Var::Principal) => true,
        Expr::GetAttr { expr, .. } => is_given(expr),
        _ => false,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
