//! What is asked of a policy.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;

use crate::id::SpiffeId;
use crate::policy::name::ServiceName;

/// Who asks. Made once per connection, shared by its requests: cloning is cheap.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    id: SpiffeId,
    namespace: Option<Box<str>>,
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

    fn new(id: &SpiffeId, tls: Option<Tls>) -> Self {
        let namespace = account(id).map(|(ns, _)| format!("{}/{ns}", id.trust_domain()).into());
        Self(Arc::new(Identity {
            id: id.clone(),
            namespace,
            tls,
        }))
    }

    /// The SPIFFE ID.
    #[must_use]
    pub fn id(&self) -> &SpiffeId {
        &self.0.id
    }

    /// What is known of its connection; nothing if that has no TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.0.tls.as_ref()
    }

    /// The id of its Cedar namespace.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// The namespace and the service account in its path.
    pub(super) fn account(&self) -> Option<(&str, &str)> {
        account(&self.0.id)
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
            assert_eq!(caller.namespace(), account.map(|_| "td/shop"), "{id}");
        }
    }
}
