//! The policy language of Pomerium, for one route.
//!
//! Whoever fits one `allow` is let in unless one `deny` fits, as there. `and`,
//! `or`, `not` and `nor` are what Pomerium makes of them: `not` is that none
//! holds, `nor` that not all do. A criterion about a person does not hold for
//! a caller that has not signed in, so its `not` does.

mod clock;
mod condition;
mod criterion;
mod matcher;
mod person;
mod route;

use std::fmt::Write as _;

use condition::Condition;
use criterion::About;
use criterion::Criterion;

use crate::import::file::Text;
use crate::import::node::At;
use crate::import::node::Node;
use crate::import::refusals::Refusals;
use crate::import::refusals::Untranslatable;
use crate::import::translation::Imported;
use crate::policy::ServiceName;

/// What is translated, and what it becomes.
#[derive(Clone, Debug)]
pub struct Route {
    /// The route's `from`. None: there is only one, or policies alone.
    pub from: Option<String>,
    /// What policies call the provider of users and groups here.
    pub provider: Option<String>,
    /// What policies call the service here.
    pub service: ServiceName,
}

/// Translates the policies of a route. `text`, in YAML or JSON, has policies
/// alone, or routes.
///
/// # Errors
///
/// All that has no translation. Then nothing is translated.
pub fn pomerium(text: &str, route: &Route) -> Result<Imported, Vec<Untranslatable>> {
    let file = Node::read(text)?;
    let mut work = Work {
        imported: Imported::default(),
        notes: Refusals::default(),
        on: Condition::Always,
        policies: 0,
        route,
    };
    if let Some(found) = route::find(&file, route.from.as_deref(), &mut work.notes) {
        work.on = found.on;
        work.group(Effect::Permit, "or", &found.allowed);
        for policy in found.policies {
            work.rules(policy);
        }
    }
    if work.notes.0.is_empty() && work.policies == 0 {
        work.imported
            .cedar
            .push_str("// Nothing is allowed here, and nobody is let in.\n");
    }
    work.imported.finish(&route.service, work.notes)
}

struct Work<'a> {
    imported: Imported,
    notes: Refusals,
    /// Which requests are on the route.
    on: Condition,
    /// How many were written.
    policies: usize,
    route: &'a Route,
}

/// What a rule does.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Effect {
    Forbid,
    Permit,
}

impl Work<'_> {
    /// One map of actions, or a list of them.
    fn rules(&mut self, policy: &At) {
        let Node::List(items) = &policy.value else {
            return self.rule(policy);
        };
        for item in items {
            self.rule(item);
        }
    }

    fn rule(&mut self, rule: &At) {
        let Node::Map(actions) = &rule.value else {
            let kind = rule.value.kind();
            return self.notes.add(rule, format!("{kind} where a rule is due"));
        };
        for (action, body) in actions {
            let effect = match action.value.as_str() {
                "allow" => Effect::Permit,
                "deny" => Effect::Forbid,
                other => {
                    self.notes.add(action, format!("the action `{other}`"));
                    continue;
                }
            };
            let Node::Map(operators) = &body.value else {
                let kind = body.value.kind();
                self.notes.add(body, format!("{kind} where a map is due"));
                continue;
            };
            for (operator, criteria) in operators {
                if !matches!(operator.value.as_str(), "and" | "or" | "not" | "nor") {
                    let text = format!("the operator `{}`", operator.value);
                    self.notes.add(operator, text);
                } else if let Some(criteria) = self.criteria(criteria) {
                    self.group(effect, &operator.value, &criteria);
                }
            }
        }
    }

    /// The names of criteria, with their data.
    fn criteria(&mut self, list: &At) -> Option<Vec<(Text, At)>> {
        let Node::List(items) = &list.value else {
            let kind = list.value.kind();
            self.notes.add(list, format!("{kind} where a list is due"));
            return None;
        };
        let mut criteria = Vec::new();
        for item in items {
            match &item.value {
                Node::Map(pairs) if pairs.len() == 1 => criteria.extend(pairs.iter().cloned()),
                _ => self.notes.add(item, "a criterion is a map with one key"),
            }
        }
        Some(criteria)
    }

    /// Criteria under one operator. Without any it says nothing.
    fn group(&mut self, effect: Effect, operator: &str, criteria: &[(Text, At)]) {
        let provider = self.route.provider.as_deref();
        let mut all: Vec<Criterion> = Vec::new();
        for (name, data) in criteria {
            let to = (&mut self.imported, &mut self.notes);
            all.extend(criterion::criterion(name, data, provider, to));
        }
        if all.is_empty() || all.len() < criteria.len() {
            return;
        }
        let about: Vec<About> = all.iter().map(|one| one.about).collect();
        let all = all.into_iter().map(|one| one.condition);
        let condition = match operator {
            "and" => Condition::all(all),
            "not" => Condition::any(all).not(),
            "nor" => Condition::all(all).not(),
            _ => Condition::any(all),
        };
        self.write(effect, operator, condition, &about);
    }

    fn write(&mut self, effect: Effect, operator: &str, condition: Condition, about: &[About]) {
        let is_of_requests = about.contains(&About::Request) || self.on != Condition::Always;
        let mut condition = condition;
        if about.contains(&About::Domain) {
            let none = person::of_no_domain();
            condition = match effect {
                Effect::Forbid => Condition::any([condition, none]),
                Effect::Permit => Condition::all([condition, none.not()]),
            };
        }
        let (word, action) = match effect {
            Effect::Permit => ("permit", "action in Action::\"http\""),
            // Who may not connect at all may not by TCP either; but nobody is let in by TCP.
            Effect::Forbid if is_of_requests => ("forbid", "action in Action::\"http\""),
            Effect::Forbid => ("forbid", "action"),
        };
        let condition = match Condition::all([self.on.clone(), condition]) {
            Condition::Always => String::new(),
            // Nothing fits it, so it says nothing.
            Condition::Never => return,
            Condition::When(text) => format!("\nwhen {{ {text} }}"),
        };
        self.remark(effect, operator, about);
        let service = &self.route.service;
        let number = self.policies;
        self.policies += 1;
        let _infallible = writeln!(
            self.imported.cedar,
            "\n@id(\"pomerium/{service}/{number}/{operator}\")\n{word} (principal, {action}, resource in Service::\"{service}\"){condition};"
        );
    }

    /// What an operator should know of the policy that follows.
    fn remark(&mut self, effect: Effect, operator: &str, about: &[About]) {
        let lets_in_by_absence = match (effect, operator) {
            (Effect::Permit, "not" | "nor") => true,
            (Effect::Permit, _) => false,
            (Effect::Forbid, operator) => !matches!(operator, "not" | "nor"),
        };
        let of_people = |one: &About| matches!(one, About::Claim | About::Domain | About::Person);
        if effect == Effect::Permit && lets_in_by_absence && about.iter().any(of_people) {
            self.imported
                .cedar
                .push_str("\n// As in Pomerium, this lets in whoever has not signed in.");
        }
        if lets_in_by_absence && about.contains(&About::Claim) {
            self.imported.cedar.push_str(
                "\n// A claim that cannot be read, such as a list of numbers, is absent here.",
            );
        }
    }
}
