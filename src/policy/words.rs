//! Cedar's names for what we ask about, made once per policy set.

use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::ParseErrors;
use http::Method;

/// The types and actions of the schema.
#[derive(Debug)]
pub(super) struct Words {
    types: [EntityTypeName; Kind::ALL.len()],
    actions: [EntityUid; Verb::ALL.len()],
    groups: [EntityUid; 3],
}

/// The type of an entity that we make.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    Anonymous,
    Group,
    Namespace,
    Route,
    RouteGroup,
    Service,
    TrustDomain,
    User,
    Workload,
    WorkloadGroup,
}

impl Kind {
    pub(super) const ALL: [Self; 10] = [
        Self::Anonymous,
        Self::Group,
        Self::Namespace,
        Self::Route,
        Self::RouteGroup,
        Self::Service,
        Self::TrustDomain,
        Self::User,
        Self::Workload,
        Self::WorkloadGroup,
    ];

    /// Its name in the schema.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "Anonymous",
            Self::Group => "Group",
            Self::Namespace => "Namespace",
            Self::Route => "Route",
            Self::RouteGroup => "RouteGroup",
            Self::Service => "Service",
            Self::TrustDomain => "TrustDomain",
            Self::User => "User",
            Self::Workload => "Workload",
            Self::WorkloadGroup => "WorkloadGroup",
        }
    }
}

/// What is done: an action that a request can have.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Verb {
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
    Other,
    /// A TCP connection, which is no request.
    Connect,
}

impl Verb {
    pub(super) const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Options,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Other,
        Self::Connect,
    ];

    /// The action of an HTTP method.
    pub(super) fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::HEAD => Self::Head,
            Method::OPTIONS => Self::Options,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Its id in the schema.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Other => "otherMethod",
            Self::Connect => "connect",
        }
    }

    /// The action groups it is in, by name.
    pub(super) const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Get | Self::Head | Self::Options => &["read", "http"],
            Self::Post | Self::Put | Self::Patch | Self::Delete => &["write", "http"],
            Self::Other => &["http"],
            Self::Connect => &[],
        }
    }

    /// A set of verbs has this bit if this verb is in it.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Words {
    /// # Errors
    ///
    /// What Cedar says if it does not take one of our own names, which a test
    /// rules out.
    pub(super) fn new() -> Result<Self, Box<ParseErrors>> {
        let parse = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        let action = parse("Action")?;
        let uid =
            |name: &str| EntityUid::from_type_name_and_id(action.clone(), EntityId::new(name));
        let [
            anonymous,
            group,
            namespace,
            route,
            route_group,
            service,
            trust_domain,
            user,
            workload,
            workload_group,
        ] = Kind::ALL.map(|kind| parse(kind.name()));
        Ok(Self {
            types: [
                anonymous?,
                group?,
                namespace?,
                route?,
                route_group?,
                service?,
                trust_domain?,
                user?,
                workload?,
                workload_group?,
            ],
            actions: Verb::ALL.map(|verb| uid(verb.name())),
            groups: ["http", "read", "write"].map(uid),
        })
    }

    pub(super) fn type_name(&self, kind: Kind) -> &EntityTypeName {
        let [
            anonymous,
            group,
            namespace,
            route,
            route_group,
            service,
            trust_domain,
            user,
            workload,
            workload_group,
        ] = &self.types;
        match kind {
            Kind::Anonymous => anonymous,
            Kind::Group => group,
            Kind::Namespace => namespace,
            Kind::Route => route,
            Kind::RouteGroup => route_group,
            Kind::Service => service,
            Kind::TrustDomain => trust_domain,
            Kind::User => user,
            Kind::Workload => workload,
            Kind::WorkloadGroup => workload_group,
        }
    }

    /// The entity of this type with this id.
    pub(super) fn uid(&self, kind: Kind, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.type_name(kind).clone(), EntityId::new(id))
    }

    /// The action entity of a verb.
    pub(super) fn action(&self, verb: Verb) -> &EntityUid {
        let [get, head, options, post, put, patch, delete, other, connect] = &self.actions;
        match verb {
            Verb::Get => get,
            Verb::Head => head,
            Verb::Options => options,
            Verb::Post => post,
            Verb::Put => put,
            Verb::Patch => patch,
            Verb::Delete => delete,
            Verb::Other => other,
            Verb::Connect => connect,
        }
    }

    /// The action groups of a verb.
    pub(super) fn action_groups(&self, verb: Verb) -> impl Iterator<Item = &EntityUid> {
        self.groups
            .iter()
            .filter(move |group| verb.groups().contains(&group.id().unescaped()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cedar_takes_every_name() {
        let words = Words::new().unwrap();
        for kind in Kind::ALL {
            assert_eq!(words.type_name(kind).to_string(), kind.name());
        }
        for verb in Verb::ALL {
            assert_eq!(
                words.action(verb).to_string(),
                format!("Action::\"{}\"", verb.name())
            );
            assert_eq!(words.action_groups(verb).count(), verb.groups().len());
        }
    }

    #[test]
    fn a_method_is_its_own_action_or_other() {
        for verb in Verb::ALL.into_iter().filter(|&verb| verb != Verb::Connect) {
            let method = Method::from_bytes(verb.name().as_bytes()).unwrap();
            assert_eq!(Verb::of(&method), verb);
        }
        for method in ["CONNECT", "connect", "TRACE", "PROPFIND", "get", "QUERY"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(Verb::of(&method), Verb::Other, "{method}");
        }
    }
}
