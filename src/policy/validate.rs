//! What Cedar's own validator says of one policy.
//!
//! It is asked strictly, and no policy may look further than one step from what
//! a request is about: entities that are only named are not described. Cedar
//! checks that by inferring all types a second time. Nearly every policy cannot
//! look further by its form alone, because nothing in our schema has an
//! attribute that is an entity: there only a named entity would be one to look
//! further from.

use cedar_policy::PolicySet;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use cedar_policy::pst::BinaryOp;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;
use cedar_policy::pst::Template;
use miette::Diagnostic;

use crate::policy::mistake::Mistake;
use crate::policy::parse::Parsed;
use crate::policy::syntax::Place;
use crate::policy::syntax::body;
use crate::policy::syntax::context_path;
use crate::policy::syntax::principal_path;
use crate::policy::syntax::walk;

/// All that is wrong with it. Warnings are mistakes here: an impossible
/// condition is a misspelt one.
pub(super) fn validate(parsed: &Parsed<'_>, validator: &Validator) -> Vec<Mistake> {
    let most_steps = (!is_near(&parsed.tree)).then_some(1);
    ask(parsed, validator, most_steps)
}

/// Where it may look `most_steps` far, if that is to be checked.
fn ask(parsed: &Parsed<'_>, validator: &Validator, most_steps: Option<u32>) -> Vec<Mistake> {
    let set = match PolicySet::from_policies([parsed.policy.clone()]) {
        Ok(set) => set,
        Err(error) => return vec![parsed.statement.mistake_at(0, error)],
    };
    let result = match most_steps {
        None => validator.validate(&set, ValidationMode::Strict),
        Some(most) => validator.validate_with_level(&set, ValidationMode::Strict, most),
    };
    let errors = result.validation_errors();
    let errors = errors.map(|error| error as &dyn Diagnostic);
    let warnings = result.validation_warnings();
    let warnings = warnings.map(|warning| warning as &dyn Diagnostic);
    let found = errors.chain(warnings);
    found.map(|found| parsed.place(found).explained()).collect()
}

/// Whether it looks at nothing but principal, context and what is right of `in`.
///
/// Entities are then named beside `==` or right of `in` only, and attributes are
/// those of the principal and the context.
fn is_near(tree: &Template) -> bool {
    let (mut named, mut compared, mut strange) = (0, 0, false);
    let is_named = |expr: &Expr| matches!(expr, Expr::Literal(Literal::EntityUID(_)));
    let seen = tree.clauses().iter().try_for_each(|clause| {
        walk(body(clause), Place::Elsewhere, &mut |expr, place| {
            match expr {
                Expr::BinaryOp {
                    op: BinaryOp::Eq | BinaryOp::NotEq,
                    left,
                    right,
                } => compared += usize::from(is_named(left)) + usize::from(is_named(right)),
                Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } => {
                    strange |= context_path(expr).is_none() && principal_path(expr).is_none();
                }
                expr if place == Place::Elsewhere => named += usize::from(is_named(expr)),
                _ => {}
            }
            true
        })
    });
    seen.is_ok() && named == compared && !strange
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::claim::ClaimType;
    use crate::policy::parse::parse;
    use crate::policy::schema::Vocabulary;
    use crate::policy::settings::Settings;
    use crate::policy::statement::Statement;

    const NEAR: [&str; 11] = [
        "context.path == \"/\"",
        "context has tls && context.tls has serial",
        "context.headers.nope == \"1\"",
        "principal is User && principal has claims.level && principal.claims.level > 2",
        "principal is User && principal.email like \"*@corp.example\"",
        "principal is Workload && principal.spiffe == principal.ns",
        "principal == User::\"p/s\" || User::\"p/s\" != principal",
        "principal in [Group::\"p/g\", Group::\"p/h\"]",
        "principal is User in Group::\"p/g\"",
        "resource in Service::\"s\" && action in [Action::\"read\"]",
        "1 == 2",
    ];

    const FAR: [&str; 8] = [
        "User::\"p/s\" in Group::\"p/g\"",
        "User::\"p/s\".emailVerified",
        "User::\"p/s\" has email",
        "User::\"p/s\" is User",
        "(if context.path == \"/\" then principal else User::\"p/s\") in Group::\"p/g\"",
        "{ a: principal }.a == User::\"p/s\"",
        "[User::\"p/s\"].contains(principal)",
        "action has name || resource has name",
    ];

    const STUMBLED: &str = "internal invariant violated";

    fn validator() -> Validator {
        let settings = Settings {
            claims: [("level".parse().unwrap(), ClaimType::Long)].into(),
            ..Settings::default()
        };
        let vocabulary = Vocabulary::new(&settings, [].into());
        Validator::new(vocabulary.schema().unwrap())
    }

    fn with<R>(condition: &str, see: impl Fn(&Parsed<'_>) -> R) -> R {
        let text =
            format!("@id(\"a\") permit (principal, action, resource) when {{ {condition} }};");
        let outcome = parse(&Statement::split("a.cedar", &text)).pop().unwrap();
        see(&outcome.unwrap().0)
    }

    #[test]
    fn who_names_an_entity_in_the_place_of_another_may_look_far() {
        for condition in NEAR {
            assert!(
                with(condition, |parsed| is_near(&parsed.tree)),
                "{condition}"
            );
        }
        for condition in FAR {
            assert!(
                !with(condition, |parsed| is_near(&parsed.tree)),
                "{condition}"
            );
        }
        let far = with(FAR[0], |parsed| validate(parsed, &validator()));
        assert!(
            far.iter().any(|mistake| mistake.text.contains("literal")),
            "{far:?}"
        );
    }

    fn condition() -> impl Strategy<Value = String> {
        let one = prop::sample::select([&NEAR[..], &FAR[..]].concat());
        one.prop_map(str::to_owned)
            .prop_recursive(3, 12, 3, |inner| {
                let three = (inner.clone(), inner.clone(), inner);
                (three, 0..5).prop_map(|((a, b, c), form)| match form {
                    0 => format!("({a}) && ({b})"),
                    1 => format!("({a}) || ({b}) || ({c})"),
                    2 => format!("!({a})"),
                    3 => format!("(if {a} then {b} else {c})"),
                    _ => format!("({a}) == ({b})"),
                })
            })
    }

    proptest! {
        #[test]
        fn nothing_is_missed_where_little_is_looked_at(condition in condition()) {
            with(&condition, |parsed| {
                let validator = validator();
                let sorted = |mut mistakes: Vec<Mistake>| {
                    mistakes.sort_unstable();
                    mistakes
                };
                let mut thorough = sorted(ask(parsed, &validator, Some(1)));
                // Where the types are wrong Cedar stumbles over them a second time.
                if thorough.iter().any(|mistake| !mistake.text.starts_with(STUMBLED)) {
                    thorough.retain(|mistake| !mistake.text.starts_with(STUMBLED));
                }
                let found = validate(parsed, &validator).into_iter();
                let found = found.filter(|mistake| !mistake.text.starts_with(STUMBLED) || thorough.contains(mistake));
                prop_assert_eq!(sorted(found.collect()), thorough);
                Ok(())
            })?;
        }
    }
}
