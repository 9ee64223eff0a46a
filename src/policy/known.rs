//! Resources that a worker has met, as Cedar sees them with whoever asks.

use std::collections::HashSet;
use std::sync::Arc;

use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;

use crate::policy::index::Profile;
use crate::policy::principal;
use crate::policy::principal::KnownCaller;
use crate::policy::question::Caller;
use crate::policy::services::Service;
use crate::policy::set::Policy;
use crate::policy::words::Kind;
use crate::policy::words::Verb;
use crate::policy::words::Words;

/// What requests with the same routes are about.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) uid: EntityUid,
    pub(super) profile: Profile,
    /// All routes that it is on, the most specific first.
    pub(super) routes: Vec<String>,
    /// The most specific template.
    pub(super) route: Option<Arc<str>>,
    /// What the templates capture, and at which segment.
    pub(super) captures: Vec<(Arc<str>, usize)>,
    pub(super) ancestors: Vec<EntityUid>,
}

impl Resource {
    /// What a request is about whose path fits these templates of `service`,
    /// the most specific first.
    ///
    /// Where there is none it is the service itself. Where there are some it is
    /// a route that is in all of them, and so in their groups too.
    pub(super) fn new(
        service: &Service,
        templates: &[u32],
        (policy, words): (&Policy, &Words),
    ) -> Self {
        let routes = || {
            let numbers = templates.iter().filter_map(|&n| usize::try_from(n).ok());
            numbers.filter_map(|number| service.routes.get(number))
        };
        let Some(best) = routes().next() else {
            let kind = words.type_name(Kind::Service);
            let uid = words.uid(Kind::Service, service.uid.id().unescaped());
            return Self {
                profile: policy.index.resource(kind, &uid, &[]),
                uid,
                routes: Vec::new(),
                route: None,
                captures: Vec::new(),
                ancestors: Vec::new(),
            };
        };
        // No template has a space in it, so no policy can name this one.
        let ids: Vec<&str> = routes().map(|route| route.id.as_str()).collect();
        let uid = words.uid(Kind::Route, &format!("{} ", ids.join(" ")));
        let mut ancestors = vec![service.uid.clone()];
        ancestors.extend(routes().flat_map(|route| route.ancestors.iter().cloned()));
        ancestors.sort_unstable();
        ancestors.dedup();
        let mut captures: Vec<(Arc<str>, usize)> = routes()
            .flat_map(|route| route.template.parameters())
            .map(|(name, at)| (Arc::clone(name), at))
            .collect();
        captures.sort_unstable();
        captures.dedup();
        let kind = words.type_name(Kind::Route);
        Self {
            profile: policy.index.resource(kind, &uid, &ancestors),
            uid,
            routes: ids.into_iter().map(str::to_owned).collect(),
            route: Some(best.template.as_str().into()),
            captures,
            ancestors,
        }
    }
}

/// All that Cedar needs to know beside the request: the two and the actions.
/// Ancestors are named and not described; policies may look no further.
pub(super) fn entities(
    (caller, known): (&Caller, &KnownCaller),
    resource: &Resource,
    (policy, words): (&Policy, &Words),
) -> Option<Entities> {
    let parents = |ancestors: &[EntityUid]| ancestors.iter().cloned().collect::<HashSet<_>>();
    let attributes = principal::attributes(caller, policy)?;
    let principal = Entity::new(known.uid.clone(), attributes, parents(&known.ancestors)).ok()?;
    let asked = Entity::new_no_attrs(resource.uid.clone(), parents(&resource.ancestors));
    let actions = Verb::ALL.map(|verb| {
        let groups = words.action_groups(verb).cloned().collect();
        Entity::new_no_attrs(words.action(verb).clone(), groups)
    });
    Entities::from_entities([principal, asked].into_iter().chain(actions), None).ok()
}
