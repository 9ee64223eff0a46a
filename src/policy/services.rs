//! The services and their routes, as policies and requests name them.
//!
//! A route comes from the configuration or from a policy that names it. A
//! request belongs to every route whose template its path fits.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::EntityUid;

use crate::policy::matcher::Matcher;
use crate::policy::name::GroupName;
use crate::policy::name::ServiceName;
use crate::policy::settings::Settings;
use crate::policy::table::Table;
use crate::policy::template::Template;
use crate::policy::words::Kind;
use crate::policy::words::Words;

/// Templates by service, while they are collected.
#[derive(Debug)]
pub(super) struct Routes {
    services: BTreeMap<ServiceName, ByText>,
    /// All groups that some route is in.
    groups: BTreeSet<GroupName>,
}

/// Templates with their groups.
type ByText = BTreeMap<Arc<str>, (Template, BTreeSet<GroupName>)>;

/// The services, each with a number.
#[derive(Debug)]
pub(super) struct Services {
    numbers: Table<ServiceName, usize>,
    services: Vec<Service>,
}

/// A service and its routes.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) uid: EntityUid,
    pub(super) matcher: Matcher,
    pub(super) routes: Vec<KnownRoute>,
}

/// A route as an entity.
#[derive(Debug)]
pub(super) struct KnownRoute {
    pub(super) template: Template,
    /// `<service>:<template>`.
    pub(super) id: String,
    /// Itself and the groups it is in: what a request on it is in.
    pub(super) ancestors: Vec<EntityUid>,
}

impl Routes {
    /// What the configuration declares.
    pub(super) fn declared(settings: &Settings) -> Self {
        let mut routes = Self {
            services: BTreeMap::new(),
            groups: BTreeSet::new(),
        };
        for (service, declared) in &settings.services {
            let known = routes.services.entry(service.clone()).or_default();
            for route in declared {
                let (_, groups) = known
                    .entry(route.path.as_str().into())
                    .or_insert_with(|| (route.path.clone(), BTreeSet::new()));
                groups.extend(route.groups.iter().cloned());
                routes.groups.extend(route.groups.iter().cloned());
            }
        }
        routes
    }

    /// Adds a template that a policy names. False if there is no such service.
    pub(super) fn add(&mut self, service: &str, template: &Template) -> bool {
        let Some(known) = self.services.get_mut(service) else {
            return false;
        };
        known
            .entry(template.as_str().into())
            .or_insert_with(|| (template.clone(), BTreeSet::new()));
        true
    }

    /// Whether there is such a service.
    pub(super) fn has_service(&self, name: &str) -> bool {
        self.services.contains_key(name)
    }

    /// Whether some route is in a group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    /// All names that templates capture.
    pub(super) fn params(&self) -> BTreeSet<Arc<str>> {
        let routes = self.services.values().flat_map(BTreeMap::values);
        routes
            .flat_map(|(template, _)| template.parameters())
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// Pairs of templates of one service that some path fits both of, and that
    /// would capture different segments of it under one name.
    pub(super) fn conflicts(&self) -> Vec<(&ServiceName, &Template, &Template, &Arc<str>)> {
        let mut conflicts = Vec::new();
        for (service, routes) in &self.services {
            let mut captures: BTreeMap<&Arc<str>, Vec<(usize, &Template)>> = BTreeMap::new();
            for (template, _) in routes.values() {
                for (name, at) in template.parameters() {
                    captures.entry(name).or_default().push((at, template));
                }
            }
            for (name, places) in captures {
                // Most names stand at one place, in however many templates.
                if places
                    .windows(2)
                    .all(|pair| matches!(pair, [(a, _), (b, _)] if a == b))
                {
                    continue;
                }
                let clashes = clashes(&places).into_iter();
                conflicts.extend(clashes.map(|(one, other)| (service, one, other, name)));
            }
        }
        conflicts
    }

    /// The finished table.
    pub(super) fn build(self, words: &Words) -> Services {
        let mut numbers = Table::default();
        let mut services = Vec::new();
        for (name, routes) in self.services {
            let routes: Vec<KnownRoute> = routes
                .into_values()
                .map(|(template, groups)| KnownRoute::new(&name, template, &groups, words))
                .collect();
            let mut matcher = Matcher::new();
            for (number, route) in (0_u32..).zip(&routes) {
                matcher.file(number, &route.template);
            }
            numbers.insert(name.clone(), services.len());
            services.push(Service {
                uid: words.uid(Kind::Service, name.as_str()),
                matcher,
                routes,
            });
        }
        Services { numbers, services }
    }
}

/// Each template with the first later one that it overlaps and that has the
/// name at another place.
fn clashes<'a>(places: &[(usize, &'a Template)]) -> Vec<(&'a Template, &'a Template)> {
    let mut matcher = Matcher::new();
    for (number, (_, template)) in (0_u32..).zip(places) {
        matcher.file(number, template);
    }
    let mut found = Vec::new();
    let mut clashes = Vec::new();
    for (number, &(at, one)) in places.iter().enumerate() {
        found.clear();
        matcher.overlapping(one, &mut found);
        let later = found
            .iter()
            .filter_map(|&other| usize::try_from(other).ok());
        let later = later.filter(|&other| other > number);
        let others = later.filter(|&other| places.get(other).is_some_and(|&(o, _)| o != at));
        let first = others.min().and_then(|other| places.get(other));
        clashes.extend(first.map(|&(_, other)| (one, other)));
    }
    clashes
}

impl KnownRoute {
    fn new(
        service: &ServiceName,
        template: Template,
        groups: &BTreeSet<GroupName>,
        words: &Words,
    ) -> Self {
        let id = format!("{service}:{template}");
        let groups = groups
            .iter()
            .map(|group| words.uid(Kind::RouteGroup, group.as_str()));
        let ancestors = std::iter::once(words.uid(Kind::Route, &id))
            .chain(groups)
            .collect();
        Self {
            template,
            id,
            ancestors,
        }
    }
}

impl Services {
    /// The number of a service, below [`Services::len`].
    pub(super) fn number(&self, name: &ServiceName) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// All names, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &ServiceName> {
        self.numbers.keys()
    }

    /// The service of a number.
    pub(super) fn get(&self, number: usize) -> Option<&Service> {
        self.services.get(number)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.services.len()
    }
}
