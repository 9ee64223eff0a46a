//! What the policy is asked about a request, also where the request is only described.
//!
//! Whoever tries out policies must not have a second idea of what a request
//! is: a description is read by the door's own rules, and asked as the door asks.

use std::net::IpAddr;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::header;

use crate::policy::Caller;
use crate::policy::Question;
use crate::policy::ServiceName;
use crate::proxy::authority::Recent;
use crate::proxy::canonical::Canonical;
use crate::proxy::canonical::Rules;
use crate::proxy::headers;
use crate::proxy::headers::Kind;
use crate::proxy::path::Latitude;
use crate::proxy::refusal::Refusal;
use crate::proxy::reply;
use crate::proxy::settings::Limits;

/// The question about `request`, which came from `source` at the moment `now`.
pub(super) fn question<'a>(
    request: &'a Canonical,
    caller: &'a Caller,
    service: &'a ServiceName,
    (source, now): (IpAddr, SystemTime),
) -> Question<'a> {
    Question {
        caller,
        service,
        method: &request.method,
        host: request.authority.host(),
        path: request.path(),
        query: request.path_and_query.query(),
        headers: &request.headers,
        source,
        now,
    }
}

/// Whether a field of this name, as a caller sends it, gets as far as the policy.
#[must_use]
pub fn is_forwarded(name: &HeaderName) -> bool {
    matches!(headers::kind(name), Kind::Cookie | Kind::EndToEnd)
}

/// What a door takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// What paths may have.
    pub latitude: Latitude,
    /// How large requests may be; none where that is not known.
    pub limits: Option<Limits>,
}

impl Terms {
    fn rules(&self) -> Rules {
        self.limits.map_or(
            Rules {
                head_bytes: usize::MAX,
                headers: usize::MAX,
                latitude: self.latitude,
                uri_bytes: usize::MAX,
            },
            |limits| Rules::new(&limits, self.latitude),
        )
    }
}

/// A request that is described, in its one reading.
#[derive(Debug)]
pub struct Described(Canonical);

impl Described {
    /// Reads `method` of `target` (a path, perhaps with a query) at `host`.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] says what a door would answer instead of asking the policy.
    pub fn read(
        method: Method,
        target: &str,
        host: &str,
        mut headers: HeaderMap,
        terms: Terms,
    ) -> Result<Self, Unreadable> {
        let not_http = |what: &str| Unreadable {
            reason: "not_http",
            status: 400,
            why: format!("no request can have this {what}"),
        };
        // What follows a `#` is never sent, and `http` would drop it in silence.
        let target = Some(target).filter(|target| !target.contains('#'));
        let target = target.and_then(|target| target.parse::<Uri>().ok());
        let target = target.ok_or_else(|| not_http("path"))?;
        if !headers.contains_key(header::HOST) {
            let host = HeaderValue::from_str(host).map_err(|_invalid| not_http("host"))?;
            headers.insert(header::HOST, host);
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        let (mut head, ()) = request.into_parts();
        Canonical::from_head(&mut head, terms.rules(), &mut Recent::default())
            .map(Self)
            .map_err(|malformed| Unreadable::of(Refusal::from(malformed)))
    }

    /// What the policy is asked about it.
    #[must_use]
    pub fn question<'a>(
        &'a self,
        caller: &'a Caller,
        service: &'a ServiceName,
        source: IpAddr,
        now: SystemTime,
    ) -> Question<'a> {
        question(&self.0, caller, service, (source, now))
    }
}

/// Why a request would be refused before the policy is asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    /// The stable word of the record.
    pub reason: &'static str,
    /// What the caller would be answered.
    pub status: u16,
    /// What is wrong with it.
    pub why: String,
}

impl Unreadable {
    fn of(refusal: Refusal) -> Self {
        let answer = reply::to(&refusal, None, reply::Wanted::Head);
        let why = match refusal {
            Refusal::Malformed(malformed) => chain(&malformed),
            _ => String::new(),
        };
        Self {
            reason: answer.reason(),
            status: answer.status().as_u16(),
            why,
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, target: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let described = Described::read(method, target, "Orders.Shop.", map, Terms::default());
        let described = match described {
            Ok(described) => described,
            Err(why) => return why.reason.to_owned(),
        };
        let caller = Caller::workload(&"spiffe://td/web".parse().unwrap());
        let service = "orders".parse().unwrap();
        let source = "10.0.0.1".parse().unwrap();
        let question = described.question(&caller, &service, source, SystemTime::UNIX_EPOCH);
        let fields = question.headers.keys().map(HeaderName::as_str);
        let fields = fields.collect::<Vec<_>>().join(",");
        format!("{} {} {fields}", question.host, question.path)
    }

    #[test]
    fn a_description_is_read_as_a_door_reads() {
        let plain = read(
            "GET",
            "/%61?q=1",
            &[("x-a", "1"), ("x-portreeve-caller", "me")],
        );
        assert_eq!(plain, "orders.shop /a x-a");
        for (method, target, headers, reason) in [
            ("GET", "/a/../b", [].as_slice(), "bad_path"),
            ("GET", "/a;x", &[], "bad_path"),
            ("GET", "/a", &[("x_a", "1")], "underscore_in_name"),
            (
                "GET",
                "/a",
                &[("host", "a"), ("host", "b")],
                "ambiguous_host",
            ),
            ("CONNECT", "/a", &[], "method_not_allowed"),
            ("get", "/a", &[], "unknown_method"),
            ("GET", "/a b", &[], "not_http"),
            ("GET", "/a#b", &[], "not_http"),
        ] {
            assert_eq!(read(method, target, headers), reason, "{target}");
        }
    }
}
