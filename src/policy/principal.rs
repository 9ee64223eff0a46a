//! Callers that a worker has met, as Cedar sees them.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Weak;

use cedar_policy::EntityUid;
use cedar_policy::RestrictedExpression;
use jiff::Timestamp;

use crate::policy::context;
use crate::policy::index::Profile;
use crate::policy::person::Person;
use crate::policy::question::ANONYMOUS;
use crate::policy::question::Caller;
use crate::policy::question::Identity;
use crate::policy::question::Workload;
use crate::policy::set::Policy;
use crate::policy::table::Table;
use crate::policy::words::Kind;
use crate::policy::words::Words;

/// What Cedar gets to know of a caller, by name.
pub(super) type Attributes = HashMap<String, RestrictedExpression>;

/// A caller under one policy set.
#[derive(Debug)]
pub(super) struct KnownCaller {
    pub(super) uid: EntityUid,
    /// Never that of another caller.
    pub(super) number: u64,
    /// The same as that of any other caller that the same policies are about.
    pub(super) class: u32,
    pub(super) profile: Profile,
    /// What it is in, as far as policies name it.
    pub(super) ancestors: Vec<EntityUid>,
    /// No other caller can lie where this one does as long as this is kept,
    /// and what is known of a person can be dropped all the same.
    place: Weak<Identity>,
}

impl KnownCaller {
    /// `classes` numbers the profiles that were met so far.
    pub(super) fn new(
        caller: &Caller,
        number: u64,
        (policy, words): (&Policy, &Words),
        classes: &mut Table<Profile, u32>,
    ) -> Self {
        let (kind, uid) = uid(caller, words);
        let mut ancestors = ancestors(caller, policy, words);
        if kind == Kind::User {
            // A person may be in hundreds of groups.
            ancestors.retain(|group| policy.groups_of_people.contains(group));
        }
        let kind = words.type_name(kind);
        let profile = policy.index.principal(kind, &uid, &ancestors);
        let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        Self {
            number,
            class: *classes.entry(profile.clone()).or_insert(next),
            profile,
            uid,
            ancestors,
            place: Arc::downgrade(&caller.0),
        }
    }

    /// Whether it was made for a caller that lies where `caller` does. Nobody
    /// is nobody wherever they lie.
    pub(super) fn is_at(&self, caller: &Caller) -> bool {
        place(caller) == 0 || std::ptr::eq(self.place.as_ptr(), Arc::as_ptr(&caller.0))
    }
}

/// Where a person lies; nowhere for nobody.
pub(super) fn place(caller: &Caller) -> usize {
    match &*caller.0 {
        Identity::Anonymous { .. } => 0,
        Identity::Person { .. } | Identity::Workload(_) => Arc::as_ptr(&caller.0).addr(),
    }
}

fn uid(caller: &Caller, words: &Words) -> (Kind, EntityUid) {
    let (kind, id) = match &*caller.0 {
        Identity::Anonymous { .. } => (Kind::Anonymous, ANONYMOUS),
        Identity::Person { name, .. } => (Kind::User, &**name),
        Identity::Workload(workload) => (Kind::Workload, workload.id.as_str()),
    };
    (kind, words.uid(kind, id))
}

/// All that a caller is in, each once.
pub(super) fn ancestors(caller: &Caller, policy: &Policy, words: &Words) -> Vec<EntityUid> {
    match &*caller.0 {
        Identity::Anonymous { .. } => Vec::new(),
        Identity::Person { person, .. } => {
            let groups = person.groups.iter();
            let id = |group: &str| format!("{}/{group}", person.provider);
            groups
                .map(|group| words.uid(Kind::Group, &id(group)))
                .collect()
        }
        Identity::Workload(workload) => of_workload(workload, policy, words),
    }
}

fn of_workload(workload: &Workload, policy: &Policy, words: &Words) -> Vec<EntityUid> {
    let id = &workload.id;
    let mut ancestors = vec![words.uid(Kind::TrustDomain, id.trust_domain().as_str())];
    let namespace = workload.namespace.as_deref();
    ancestors.extend(namespace.map(|namespace| words.uid(Kind::Namespace, namespace)));
    let groups = policy.memberships.get(id).into_iter().flatten();
    for group in groups.chain(policy.listed.of(id)) {
        if !ancestors.contains(group) {
            ancestors.push(group.clone());
        }
    }
    ancestors
}

/// What Cedar gets to know of a caller beside its groups.
pub(super) fn attributes(caller: &Caller, policy: &Policy) -> Option<Attributes> {
    let mut attributes = Attributes::new();
    let mut add = |name: &str, value| drop(attributes.insert(name.to_owned(), value));
    match &*caller.0 {
        Identity::Anonymous { .. } => {}
        Identity::Person { person, .. } => of_person(person, policy, add)?,
        Identity::Workload(Workload { id, .. }) => {
            add("spiffe", text(id.as_str()));
            add("trustDomain", text(id.trust_domain().as_str()));
            if let Some((namespace, account)) = caller.account() {
                add("ns", text(namespace));
                add("sa", text(account));
            }
        }
    }
    Some(attributes)
}

fn of_person(
    person: &Person,
    policy: &Policy,
    mut add: impl FnMut(&str, RestrictedExpression),
) -> Option<()> {
    let texts =
        |all: &BTreeSet<Box<str>>| RestrictedExpression::new_set(all.iter().map(|one| text(one)));
    if let Some(email) = person.address() {
        add("email", text(email));
    }
    let verified = RestrictedExpression::new_bool(person.email_verified);
    add("emailVerified", verified);
    add("amr", texts(&person.amr));
    if let Some(acr) = &person.acr {
        add("acr", text(acr));
    }
    add("roles", texts(&person.roles));
    let claims = policy.claims.iter().filter_map(|(name, kind)| {
        let value = person.claim(name, *kind)?;
        Some((name.clone(), value.expression()))
    });
    add("claims", RestrictedExpression::new_record(claims).ok()?);
    if let Some(at) = sign_in(person) {
        add("authenticatedAt", context::datetime(at).ok()?);
    }
    Some(())
}

/// When a person last proved who they are, if Cedar has a form for it.
pub(super) fn sign_in(person: &Person) -> Option<Timestamp> {
    let at = context::timestamp(person.authenticated_at?).ok()?;
    context::datetime(at).ok().map(|_expressible| at)
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}
