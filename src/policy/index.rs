//! Which policies a request is in the scope of, without asking each.
//!
//! Cedar's authorizer tries every policy: 22 ms for ten thousand. Here each
//! policy is filed under its principal constraint and its resource constraint,
//! and a request looks under those that it satisfies. The result is exact: a
//! policy is found if and only if its scope holds. A policy whose scope does
//! not hold changes neither decision nor reasons nor errors, so leaving it out
//! changes nothing; `tests/policy_index.rs` holds that against plain Cedar.

use std::collections::HashMap;
use std::fmt;

use cedar_policy::ActionConstraint;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::Policy;
use cedar_policy::PrincipalConstraint;
use cedar_policy::ResourceConstraint;

use crate::policy::words::Verb;
use crate::policy::words::Words;

/// What a policy's scope demands of a caller or a resource.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Constraint {
    Any,
    Eq(EntityUid),
    In(EntityUid),
    Is(EntityTypeName),
    IsIn(EntityTypeName, EntityUid),
}

/// When a policy is worth asking.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    principal: Constraint,
    resource: Constraint,
    /// The bits of the verbs it is about.
    verbs: u16,
}

/// All policies by their scope.
#[derive(Debug, Default)]
pub(super) struct Index {
    principals: HashMap<Constraint, u32>,
    resources: HashMap<Constraint, u32>,
    /// Policies and their verbs by the numbers of their two constraints.
    cells: HashMap<(u32, u32), Cell>,
}

/// Policies with the verbs they are about.
type Cell = Vec<(u32, u16)>;

/// The constraints of the index that a caller or a resource satisfies, by
/// number and sorted. Who has the same profile has the same policies.
pub(super) type Profile = Box<[u32]>;

impl Scope {
    /// The scope of a policy, which is not a template.
    pub(super) fn of(policy: &Policy, words: &Words) -> Self {
        Self {
            principal: match policy.principal_constraint() {
                PrincipalConstraint::Any => Constraint::Any,
                PrincipalConstraint::Eq(uid) => Constraint::Eq(uid),
                PrincipalConstraint::In(uid) => Constraint::In(uid),
                PrincipalConstraint::Is(kind) => Constraint::Is(kind),
                PrincipalConstraint::IsIn(kind, uid) => Constraint::IsIn(kind, uid),
            },
            resource: match policy.resource_constraint() {
                ResourceConstraint::Any => Constraint::Any,
                ResourceConstraint::Eq(uid) => Constraint::Eq(uid),
                ResourceConstraint::In(uid) => Constraint::In(uid),
                ResourceConstraint::Is(kind) => Constraint::Is(kind),
                ResourceConstraint::IsIn(kind, uid) => Constraint::IsIn(kind, uid),
            },
            verbs: verbs(&policy.action_constraint(), words),
        }
    }
}

impl Index {
    /// Files the scope of each policy under its number in this list.
    pub(super) fn new(scopes: &[Scope]) -> Self {
        let mut index = Self::default();
        for (policy, scope) in (0_u32..).zip(scopes) {
            let principal = number(&mut index.principals, &scope.principal);
            let resource = number(&mut index.resources, &scope.resource);
            let cell = index.cells.entry((principal, resource)).or_default();
            cell.push((policy, scope.verbs));
        }
        index
    }

    /// The profile of a caller that is in `ancestors`.
    pub(super) fn principal(
        &self,
        kind: &EntityTypeName,
        uid: &EntityUid,
        ancestors: &[EntityUid],
    ) -> Profile {
        profile(&self.principals, kind, uid, ancestors)
    }

    /// The profile of a resource that is in `ancestors`.
    pub(super) fn resource(
        &self,
        kind: &EntityTypeName,
        uid: &EntityUid,
        ancestors: &[EntityUid],
    ) -> Profile {
        profile(&self.resources, kind, uid, ancestors)
    }

    /// The policies whose scope holds, in the order they were loaded.
    pub(super) fn candidates(&self, principal: &[u32], resource: &[u32], verb: Verb) -> Box<[u32]> {
        let mut found: Vec<u32> = principal
            .iter()
            .flat_map(|&p| resource.iter().map(move |&r| (p, r)))
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .filter(|(_, verbs)| verbs & verb.bit() != 0)
            .map(|&(policy, _)| policy)
            .collect();
        found.sort_unstable();
        found.into()
    }
}

impl Index {
    /// The policies whose scope holds but for one part, with what that part
    /// demands; in the order they were loaded. It looks at all of them, so it
    /// is not for the way of a request.
    pub(super) fn near(&self, principal: &[u32], resource: &[u32], verb: Verb) -> Vec<(u32, Miss)> {
        let principals = by_number(&self.principals);
        let resources = by_number(&self.resources);
        let demand = |of: &HashMap<u32, &Constraint>, number: u32| {
            of.get(&number).map(ToString::to_string).unwrap_or_default()
        };
        let mut found = Vec::new();
        for (&(p, r), cell) in &self.cells {
            let (by_us, on_it) = (principal.contains(&p), resource.contains(&r));
            for &(policy, verbs) in cell {
                let miss = match (by_us, verbs & verb.bit() != 0, on_it) {
                    (false, true, true) => Miss::Principal(demand(&principals, p)),
                    (true, false, true) => Miss::Action(actions(verbs)),
                    (true, true, false) => Miss::Resource(demand(&resources, r)),
                    _ => continue,
                };
                found.push((policy, miss));
            }
        }
        found.sort_unstable_by_key(|&(policy, _)| policy);
        found
    }
}

/// The one part of a scope that does not hold, and what it demands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Miss {
    Action(String),
    Principal(String),
    Resource(String),
}

/// As it stands in a policy after `principal` or `resource`.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Eq(uid) => write!(f, "== {uid}"),
            Self::In(uid) => write!(f, "in {uid}"),
            Self::Is(kind) => write!(f, "is {kind}"),
            Self::IsIn(kind, uid) => write!(f, "is {kind} in {uid}"),
        }
    }
}

fn by_number(numbers: &HashMap<Constraint, u32>) -> HashMap<u32, &Constraint> {
    let pairs = numbers.iter();
    pairs
        .map(|(constraint, &number)| (number, constraint))
        .collect()
}

fn actions(verbs: u16) -> String {
    let named = Verb::ALL.into_iter();
    let named = named.filter(|verb| verbs & verb.bit() != 0).map(Verb::name);
    named.collect::<Vec<_>>().join(", ")
}

fn number(numbers: &mut HashMap<Constraint, u32>, constraint: &Constraint) -> u32 {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *numbers.entry(constraint.clone()).or_insert(next)
}

fn profile(
    numbers: &HashMap<Constraint, u32>,
    kind: &EntityTypeName,
    uid: &EntityUid,
    ancestors: &[EntityUid],
) -> Profile {
    let of_it = [
        Constraint::Any,
        Constraint::Is(kind.clone()),
        Constraint::Eq(uid.clone()),
    ];
    // Cedar's `in` is reflexive: everything is in itself.
    let of_ancestors = ancestors.iter().chain([uid]).flat_map(|ancestor| {
        [
            Constraint::In(ancestor.clone()),
            Constraint::IsIn(kind.clone(), ancestor.clone()),
        ]
    });
    let mut profile: Vec<u32> = of_it
        .into_iter()
        .chain(of_ancestors)
        .filter_map(|constraint| numbers.get(&constraint).copied())
        .collect();
    profile.sort_unstable();
    profile.dedup();
    profile.into()
}

fn verbs(constraint: &ActionConstraint, words: &Words) -> u16 {
    let covers = |verb: Verb, uid: &EntityUid| {
        words.action(verb) == uid || words.action_groups(verb).any(|group| group == uid)
    };
    Verb::ALL
        .into_iter()
        .filter(|&verb| match constraint {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => words.action(verb) == uid,
            ActionConstraint::In(uids) => uids.iter().any(|uid| covers(verb, uid)),
        })
        .fold(0, |bits, verb| bits | verb.bit())
}
