//! What is asked of a policy.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;

use crate::id::SpiffeId;
use crate::policy::name::ServiceName;
use crate::policy::person::Person;

/// Who asks. Made once per connection or session, shared by its requests:
/// cloning is cheap.
#[derive(Clone, Debug)]
pub struct Caller(pub(super) Arc<Identity>);

/// What is known of who asks.
#[derive(Debug)]
pub(super) enum Identity {
    /// Nobody has said who they are.
    Anonymous {
        /// `anonymous`.
        name: Arc<str>,
    },
    /// Somebody of whom a provider speaks.
    Person {
        /// `<provider>/<subject>`.
        name: Arc<str>,
        person: Arc<Person>,
    },
    /// A verified workload.
    Workload(Workload),
}

#[derive(Debug)]
pub(super) struct Workload {
    pub(super) id: SpiffeId,
    /// The id of its Cedar namespace.
    pub(super) namespace: Option<Box<str>>,
    tls: Option<Tls>,
}

/// What policies get to know of a connection with mutual TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tls {
    /// The group of the key exchange, such as `X25519MLKEM768`.
    pub group: Cow<'static, str>,
    /// The last moment at which the caller's certificate is good.
    pub not_after: SystemTime,
    /// The first.
    pub not_before: SystemTime,
    /// The certificate's number, in lower-case hexadecimal.
    pub serial: Box<str>,
}

impl Caller {
    /// A verified workload. If its path is `/ns/<namespace>/sa/<account>`, it
    /// is in the Cedar `Namespace::"<trust domain>/<namespace>"`.
    #[must_use]
    pub fn workload(id: &SpiffeId) -> Self {
        Self::new(id, None)
    }

    /// The same, with what is known of its connection.
    #[must_use]
    pub fn over(id: &SpiffeId, tls: Tls) -> Self {
        Self::new(id, Some(tls))
    }

    /// A verified person: `User::"<provider>/<subject>"`, in a Cedar
    /// `Group::"<provider>/<group>"` for each of their groups.
    ///
    /// Workers remember a caller by where it lies, so make one for what is known
    /// of somebody now and give out clones of it; make another when that changes.
    #[must_use]
    pub fn person(person: Arc<Person>) -> Self {
        Self(Arc::new(Identity::Person {
            name: person.id().into(),
            person,
        }))
    }

    /// Nobody has said who they are: `Anonymous::"anonymous"`.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(Arc::new(Identity::Anonymous {
            name: ANONYMOUS.into(),
        }))
    }

    fn new(id: &SpiffeId, tls: Option<Tls>) -> Self {
        let namespace = account(id).map(|(ns, _)| format!("{}/{ns}", id.trust_domain()).into());
        Self(Arc::new(Identity::Workload(Workload {
            id: id.clone(),
            namespace,
            tls,
        })))
    }

    /// What records say: a SPIFFE ID, `<provider>/<subject>` or `anonymous`.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        match &*self.0 {
            Identity::Anonymous { name } | Identity::Person { name, .. } => Arc::clone(name),
            Identity::Workload(workload) => workload.id.to_shared(),
        }
    }

    pub(super) fn as_name(&self) -> &str {
        match &*self.0 {
            Identity::Anonymous { name } | Identity::Person { name, .. } => name,
            Identity::Workload(workload) => workload.id.as_str(),
        }
    }

    /// The SPIFFE ID of a workload.
    #[must_use]
    pub fn workload_id(&self) -> Option<&SpiffeId> {
        self.workload_facts().map(|workload| &workload.id)
    }

    /// What is known of a person.
    #[must_use]
    pub fn as_person(&self) -> Option<&Arc<Person>> {
        match &*self.0 {
            Identity::Person { person, .. } => Some(person),
            Identity::Anonymous { .. } | Identity::Workload(_) => None,
        }
    }

    /// How long ago a person proved who they are, in whole seconds; nothing if
    /// that is not known.
    ///
    /// A moment just ahead is one of a clock that is not quite ours; one further
    /// ahead is no moment of a sign-in.
    pub(super) fn auth_age(&self, now: SystemTime) -> Option<i64> {
        let at = self.as_person()?.authenticated_at?;
        match now.duration_since(at) {
            Ok(age) => i64::try_from(age.as_secs()).ok(),
            Err(ahead) => (ahead.duration() <= MOST_AHEAD).then_some(0),
        }
    }

    /// What is known of its connection; nothing if that has no mutual TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.workload_facts()?.tls.as_ref()
    }

    /// The namespace and the service account in its path.
    pub(super) fn account(&self) -> Option<(&str, &str)> {
        account(self.workload_id()?)
    }

    fn workload_facts(&self) -> Option<&Workload> {
        match &*self.0 {
            Identity::Workload(workload) => Some(workload),
            Identity::Anonymous { .. } | Identity::Person { .. } => None,
        }
    }
}

/// One request, as far as policies may know it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Which service is asked. One that the settings do not know is denied.
    pub service: &'a ServiceName,
    /// The method, as it will be forwarded.
    pub method: &'a Method,
    /// The canonical host.
    pub host: &'a str,
    /// The canonical path, without query.
    pub path: &'a str,
    /// The query as it came, if there is one.
    pub query: Option<&'a str>,
    /// The headers. Only declared ones are read.
    pub headers: &'a HeaderMap,
    /// Where the request came from.
    pub source: IpAddr,
    /// When it came.
    pub now: SystemTime,
}

/// One TCP connection, as far as policies may know it.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Who connects.
    pub caller: &'a Caller,
    /// Which service to. One that the settings do not know is denied.
    pub service: &'a ServiceName,
    /// Where the connection came from.
    pub source: IpAddr,
    /// When it came.
    pub now: SystemTime,
}

/// By how much a provider's clock may be ahead of ours.
const MOST_AHEAD: Duration = Duration::from_secs(60);

/// The id of nobody, and what records call them.
pub(super) const ANONYMOUS: &str = "anonymous";

fn account(id: &SpiffeId) -> Option<(&str, &str)> {
    let (namespace, account) = id.path().strip_prefix("/ns/")?.split_once("/sa/")?;
    let plain = !namespace.contains('/') && !account.contains('/');
    plain.then_some((namespace, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kubernetes_form_has_a_namespace() {
        let cases = [
            ("spiffe://td/ns/shop/sa/web", Some(("shop", "web"))),
            ("spiffe://td/ns/shop/sa/web/x", None),
            ("spiffe://td/ns/shop/x/sa/web", None),
            ("spiffe://td/x/ns/shop/sa/web", None),
            ("spiffe://td/ns/shop", None),
            ("spiffe://td", None),
        ];
        for (id, account) in cases {
            let caller = Caller::workload(&id.parse().unwrap());
            assert_eq!(caller.account(), account, "{id}");
            let namespace = caller.workload_facts().unwrap().namespace.as_deref();
            assert_eq!(namespace, account.map(|_| "td/shop"), "{id}");
        }
    }
}
