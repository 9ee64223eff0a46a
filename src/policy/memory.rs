//! What a worker remembers of the requests it decided under one policy set.
//!
//! Nothing in here is needed for a right answer, and everything can be found
//! again from the policy set. When what is known of people or entities is full
//! it is forgotten, because there may be more people than fit; when any other
//! part is full all of it is. Who tries to fill it makes decisions slower for a
//! moment and never wrong.

use std::rc::Rc;
use std::sync::Arc;

use cedar_policy::Entities;
use cedar_policy::EntityUid;

use crate::id::SpiffeId;
use crate::policy::candidates::Candidates;
use crate::policy::index::Profile;
use crate::policy::known;
use crate::policy::known::Resource;
use crate::policy::principal;
use crate::policy::principal::KnownCaller;
use crate::policy::question::Caller;
use crate::policy::question::Question;
use crate::policy::revision::Revision;
use crate::policy::set::Policy;
use crate::policy::table::Table;
use crate::policy::words::Verb;
use crate::policy::words::Words;

/// Everything met under one policy set.
#[derive(Debug)]
pub(super) struct Memory {
    policy: Arc<Policy>,
    /// Like the revision this worker's own: no reference that is counted for
    /// each request is shared between threads.
    words: Words,
    revision: Revision,
    workloads: Table<SpiffeId, Rc<KnownCaller>>,
    /// Persons and nobody, by where they lie: the same person may ask with what
    /// was known of them at one sign-in and at another.
    people: Table<usize, Rc<KnownCaller>>,
    callers_met: u64,
    /// Callers by what the index says of them.
    classes: Table<Profile, u32>,
    /// Resources by the templates that a path fits, for each service.
    resources: Vec<Resources>,
    resources_met: usize,
    decisions: Table<(u32, u32, Verb), Rc<Candidates>>,
    /// The same policies may concern many callers and resources.
    candidates: Table<Box<[u32]>, Rc<Candidates>>,
    /// Policies in `candidates`, each as often as it stands there.
    copies: usize,
    /// By caller and resource.
    entities: Table<(u64, u32), Rc<Entities>>,
    /// The templates that the path in question fits.
    templates: Vec<u32>,
}

/// The resources of one service, each with its number.
type Resources = Table<Box<[u32]>, (u32, Rc<Resource>)>;

/// All that a request is decided with.
#[derive(Debug)]
pub(super) struct Met<'a> {
    words: &'a Words,
    pub(super) caller: Rc<KnownCaller>,
    pub(super) resource: Rc<Resource>,
    pub(super) candidates: Rc<Candidates>,
    /// Only if the candidates read them.
    pub(super) entities: Option<Rc<Entities>>,
}

impl Met<'_> {
    pub(super) fn action(&self, verb: Verb) -> &EntityUid {
        self.words.action(verb)
    }

    pub(super) const fn words(&self) -> &Words {
        self.words
    }

    /// The same for `caller`, who differs in nothing but their attributes.
    /// Nothing if Cedar has no form for these.
    pub(super) fn anew(self, caller: &Caller, policy: &Policy) -> Option<Self> {
        let who = (caller, &*self.caller);
        let world = (policy, self.words);
        let entities = match self.entities {
            Some(_) => Some(Rc::new(known::entities(who, &self.resource, world)?)),
            None => None,
        };
        Some(Self { entities, ..self })
    }
}

impl Memory {
    /// A blank one. Nothing if Cedar does not take our own words, which a test
    /// rules out.
    pub(super) fn new(policy: Arc<Policy>) -> Option<Self> {
        Some(Self {
            words: Words::new().ok()?,
            revision: policy.revision.apart(),
            workloads: Table::default(),
            people: Table::default(),
            callers_met: 0,
            classes: Table::default(),
            resources: vec![Table::default(); policy.services.len()],
            resources_met: 0,
            decisions: Table::default(),
            candidates: Table::default(),
            copies: 0,
            entities: Table::default(),
            templates: Vec::new(),
            policy,
        })
    }

    /// Whether it is about this set.
    pub(super) fn is_of(&self, policy: &Arc<Policy>) -> bool {
        Arc::ptr_eq(&self.policy, policy)
    }

    pub(super) const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What `question` is decided with. Nothing if there is no such service, or
    /// if Cedar does not take back what it gave us.
    pub(super) fn meet(&mut self, question: &Question<'_>, verb: Verb) -> Option<Met<'_>> {
        if self.is_full() {
            *self = Self::new(Arc::clone(&self.policy))?;
        }
        let caller = self.caller(question.caller);
        let (number, resource) = self.resource(question, verb)?;
        let key = (caller.class, number, verb);
        let candidates = match self.decisions.get(&key) {
            Some(candidates) => Rc::clone(candidates),
            None => self.decide(&caller, &resource, key)?,
        };
        let entities = if candidates.want_entities() {
            let who = (question.caller, &*caller);
            Some(self.entities(who, &resource, number)?)
        } else {
            None
        };
        Some(Met {
            words: &self.words,
            caller,
            resource,
            candidates,
            entities,
        })
    }

    fn is_full(&self) -> bool {
        let held = [
            (self.workloads.len(), MAX_CALLERS),
            (self.classes.len(), MAX_CALLERS),
            (self.resources_met, MAX_RESOURCES),
            (self.decisions.len(), MAX_DECISIONS),
            (self.copies, MAX_COPIES.max(4 * self.policy.rules.len())),
        ];
        held.iter().any(|(now, most)| now >= most)
    }

    fn caller(&mut self, caller: &Caller) -> Rc<KnownCaller> {
        let place = principal::place(caller);
        let known = match caller.workload_id() {
            Some(id) => self.workloads.get(id),
            // INVARIANT: nobody else can lie there while it is known.
            None => self.people.get(&place).filter(|known| known.is_at(caller)),
        };
        if let Some(known) = known {
            return Rc::clone(known);
        }
        let world = (&*self.policy, &self.words);
        let known = KnownCaller::new(caller, self.callers_met, world, &mut self.classes);
        let known = Rc::new(known);
        self.callers_met += 1;
        if let Some(id) = caller.workload_id() {
            self.workloads.insert(id.clone(), Rc::clone(&known));
        } else {
            if self.people.len() >= MAX_CALLERS {
                self.people.clear();
            }
            self.people.insert(place, Rc::clone(&known));
        }
        known
    }

    fn resource(&mut self, question: &Question<'_>, verb: Verb) -> Option<(u32, Rc<Resource>)> {
        let number = self.policy.services.number(question.service)?;
        let service = self.policy.services.get(number)?;
        self.templates.clear();
        // A connection has no path, so it is about the service itself.
        if verb != Verb::Connect {
            service.matcher.matches(question.path, &mut self.templates);
        }
        if self.templates.is_empty() {
            self.templates.push(NO_TEMPLATE);
        }
        let known = self.resources.get_mut(number)?;
        if let Some((number, resource)) = known.get(self.templates.as_slice()) {
            return Some((*number, Rc::clone(resource)));
        }
        let world = (&*self.policy, &self.words);
        let resource = Rc::new(Resource::new(service, &self.templates, world));
        // Forgotten long before there are so many.
        let number = u32::try_from(self.resources_met).unwrap_or(u32::MAX);
        self.resources_met += 1;
        let key = self.templates.as_slice().into();
        known.insert(key, (number, Rc::clone(&resource)));
        Some((number, resource))
    }

    #[cold]
    fn decide(
        &mut self,
        caller: &KnownCaller,
        resource: &Resource,
        key: (u32, u32, Verb),
    ) -> Option<Rc<Candidates>> {
        let index = &self.policy.index;
        let numbers = index.candidates(&caller.profile, &resource.profile, key.2);
        let candidates = match self.candidates.get(&numbers) {
            Some(candidates) => Rc::clone(candidates),
            None => {
                let made = Rc::new(Candidates::new(&self.policy, &numbers)?);
                self.copies += numbers.len() + 1;
                self.candidates.insert(numbers, Rc::clone(&made));
                made
            }
        };
        self.decisions.insert(key, Rc::clone(&candidates));
        Some(candidates)
    }

    fn entities(
        &mut self,
        who: (&Caller, &KnownCaller),
        resource: &Resource,
        number: u32,
    ) -> Option<Rc<Entities>> {
        let key = (who.1.number, number);
        if let Some(entities) = self.entities.get(&key) {
            return Some(Rc::clone(entities));
        }
        let entities = Rc::new(known::entities(who, resource, (&self.policy, &self.words))?);
        if self.entities.len() >= MAX_ENTITIES {
            self.entities.clear();
        }
        self.entities.insert(key, Rc::clone(&entities));
        Some(entities)
    }
}

/// Stands where a path fits none. An empty key points nowhere, and comparing it
/// takes the AVX-512 of glibc's `memcmp` as long as all else of a decision.
const NO_TEMPLATE: u32 = u32::MAX;

/// More than a service has callers; each takes about 1 KB.
const MAX_CALLERS: usize = 4096;

/// The sets of templates that one path can fit. Few are ever met, but who
/// chooses paths can go through them all.
const MAX_RESOURCES: usize = 4096;

/// Each takes a few dozen bytes.
const MAX_DECISIONS: usize = 16_384;

/// Each takes about 10 KB.
const MAX_ENTITIES: usize = 1024;

/// Each takes about 2 KB. A set larger than that may be held a few times over.
const MAX_COPIES: usize = 16_384;

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::Method;

    use super::*;
    use crate::policy::person::Person;
    use crate::policy::settings::Settings;

    fn settings() -> Settings {
        Settings {
            services: [("orders".parse().unwrap(), Vec::new())].into(),
            ..Settings::default()
        }
    }

    #[test]
    fn who_is_known_is_nobody_else() {
        let policy = Policy::parse(&[], &settings()).unwrap().0;
        let mut memory = Memory::new(Arc::new(policy)).unwrap();
        let person = |subject: &str| {
            Caller::person(Arc::new(Person {
                acr: None,
                amr: Default::default(),
                authenticated_at: None,
                claims: Default::default(),
                email: None,
                email_verified: false,
                groups: Default::default(),
                name: None,
                provider: "corp".parse().unwrap(),
                roles: Default::default(),
                subject: subject.parse().unwrap(),
            }))
        };
        let (alice, bob) = (person("alice"), person("bob"));
        let (of_alice, of_bob) = (memory.caller(&alice), memory.caller(&bob));
        assert_eq!(of_alice.uid.id().unescaped(), "corp/alice");
        assert_eq!(of_bob.uid.id().unescaped(), "corp/bob");
        assert!(of_alice.is_at(&alice) && of_alice.is_at(&alice.clone()));
        assert!(!of_alice.is_at(&bob) && !of_alice.is_at(&person("alice")));
        assert!(Rc::ptr_eq(&of_alice, &memory.caller(&alice)));
        let nobody = memory.caller(&Caller::anonymous());
        assert!(Rc::ptr_eq(&nobody, &memory.caller(&Caller::anonymous())));
        assert!(!Rc::ptr_eq(&nobody, &of_bob));
    }

    #[test]
    fn it_keeps_what_it_met_and_not_for_ever() {
        let settings = settings();
        let text = "@id(\"p\") permit(principal, action, resource);\n@id(\"q\") forbid(principal == Workload::\"spiffe://td/w/0\", action, resource);";
        let policy = Arc::new(Policy::parse(&[("a.cedar", text)], &settings).unwrap().0);
        let mut memory = Memory::new(Arc::clone(&policy)).unwrap();
        assert!(memory.is_of(&policy));
        let other = Arc::new(Policy::parse(&[("a.cedar", text)], &settings).unwrap().0);
        assert!(!memory.is_of(&other));
        let (headers, service) = (HeaderMap::new(), "orders".parse().unwrap());
        let mut meet = |number: usize| {
            let id = format!("spiffe://td/w/{number}").parse().unwrap();
            let caller = Caller::workload(&id);
            let question = Question {
                caller: &caller,
                service: &service,
                method: &Method::GET,
                host: "",
                path: "/",
                query: None,
                headers: &headers,
                source: "10.0.0.1".parse().unwrap(),
                now: std::time::UNIX_EPOCH,
            };
            let met = memory.meet(&question, Verb::of(&Method::GET));
            assert!(met.is_some(), "{number}");
            (memory.workloads.len(), memory.copies)
        };
        // The first has two policies, all others one.
        assert_eq!(meet(0), (1, 3));
        assert_eq!((meet(1), meet(0)), ((2, 5), (2, 5)));
        for number in 2..MAX_CALLERS {
            assert_eq!(meet(number), (number + 1, 5));
        }
        assert_eq!(meet(MAX_CALLERS), (1, 2));
    }
}
