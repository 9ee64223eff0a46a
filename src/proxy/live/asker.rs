//! A question that can be put again.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::uri::Authority;
use http::uri::PathAndQuery;

use crate::policy::Caller;
use crate::policy::Connection;
use crate::policy::Decider;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::Policy;
use crate::policy::Question;
use crate::policy::ServiceName;
use crate::policy::Timing;
use crate::proxy::canonical::Canonical;
use crate::session::Board;
use crate::session::Over;
use crate::session::Session;
use crate::session::Why;

/// Who asks on one connection, and for what. Its requests share it.
#[derive(Debug)]
pub(in crate::proxy) struct Asker {
    pub(in crate::proxy) caller: Caller,
    /// When what says so is no good any more, if it ends by itself.
    pub(in crate::proxy) ends: Option<SystemTime>,
    pub(in crate::proxy) service: ServiceName,
    /// What the caller is known by, at the door for people.
    pub(in crate::proxy) session: Option<Arc<Session>>,
    pub(in crate::proxy) source: IpAddr,
}

/// Why something has no permit, or none any more.
#[derive(Debug)]
pub(in crate::proxy) enum NotAdmitted {
    /// The policy says no.
    Denied(Denial),
    /// The caller's session is not in force.
    Over(Over),
}

impl From<Denial> for NotAdmitted {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Over> for NotAdmitted {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl Asker {
    /// How often the clock may make a no of a yes that it may make one of as often as `timing` says.
    pub(in crate::proxy) const fn timing(&self, timing: Timing) -> Timing {
        if self.ends.is_some() {
            Timing::Seconds
        } else {
            timing
        }
    }

    /// Who it is now: what is known of somebody who signed in may be other than
    /// when they asked.
    pub(in crate::proxy) fn caller(
        &self,
        people: Option<&Board>,
        now: SystemTime,
    ) -> Result<Cow<'_, Caller>, Over> {
        if self.ends.is_some_and(|ends| now >= ends) {
            return Err(Over::Ended(Why::Expired));
        }
        let Some(session) = &self.session else {
            return Ok(Cow::Borrowed(&self.caller));
        };
        match session.check(now) {
            Ok(()) => return Ok(Cow::Borrowed(&self.caller)),
            Err(Over::Renewed) => {}
            Err(over) => return Err(over),
        }
        let newer = people.and_then(|board| board.find(&session.digest()));
        let newer = newer.ok_or(Over::Renewed)?;
        newer.check(now)?;
        Ok(Cow::Owned(newer.caller().clone()))
    }
}

/// What was asked.
#[derive(Debug)]
pub(in crate::proxy) struct Asked {
    asker: Rc<Asker>,
    /// None for a connection.
    request: Option<Request>,
}

#[derive(Debug)]
struct Request {
    authority: Authority,
    /// The fields that policies could read when it came; boxed, because there
    /// are hardly ever any.
    headers: Option<Box<HeaderMap>>,
    method: Method,
    path_and_query: PathAndQuery,
    /// Which fields those could be.
    readable: Rc<[HeaderName]>,
}

impl Asked {
    pub(in crate::proxy) const fn connection(asker: Rc<Asker>) -> Self {
        Self {
            asker,
            request: None,
        }
    }

    /// `readable` are the fields that policies may read.
    pub(in crate::proxy) fn request(
        asker: Rc<Asker>,
        request: &Canonical,
        readable: Rc<[HeaderName]>,
    ) -> Self {
        Self {
            asker,
            request: Some(Request {
                authority: request.authority.clone(),
                headers: kept(&request.headers, &readable),
                method: request.method.clone(),
                path_and_query: request.path_and_query.clone(),
                readable,
            }),
        }
    }

    /// Whether it is somebody's who signed in.
    pub(super) fn is_of_session(&self) -> bool {
        self.asker.session.is_some()
    }

    /// How often the clock may make a no of a yes, by what the policy says of it.
    pub(in crate::proxy) fn timing(&self, timing: Timing) -> Timing {
        self.asker.timing(timing)
    }

    /// Puts the same question to `policy`, which may read the fields `readable`.
    pub(in crate::proxy) fn ask(
        &self,
        decider: &mut Decider,
        (policy, people): (&Arc<Policy>, Option<&Board>),
        readable: &Rc<[HeaderName]>,
        now: SystemTime,
    ) -> Result<Permit, NotAdmitted> {
        let caller = &self.asker.caller(people, now)?;
        let (service, source) = (&self.asker.service, self.asker.source);
        let Some(request) = &self.request else {
            let connection = Connection {
                caller,
                service,
                source,
                now,
            };
            return Ok(decider.decide_connection(policy, &connection)?);
        };
        let none = HeaderMap::new();
        let kept = request.headers.as_deref().unwrap_or(&none);
        let unknown = request.unknown(kept, readable);
        let question = Question {
            caller,
            service,
            method: &request.method,
            host: request.authority.host(),
            path: request.path_and_query.path(),
            query: request.path_and_query.query(),
            headers: unknown.as_ref().unwrap_or(kept),
            source,
            now,
        };
        Ok(decider.decide(policy, &question)?)
    }
}

impl Request {
    /// What was kept, with each field of `readable` that nobody could read when
    /// the request came in two readings: whoever reads it must not take it for
    /// absent. Nothing where there is none.
    fn unknown(&self, kept: &HeaderMap, readable: &Rc<[HeaderName]>) -> Option<HeaderMap> {
        if Rc::ptr_eq(&self.readable, readable) {
            return None;
        }
        let mut all = None;
        for name in readable.iter() {
            if !self.readable.contains(name) {
                let all = all.get_or_insert_with(|| kept.clone());
                for reading in ["1", "2"] {
                    all.append(name, HeaderValue::from_static(reading));
                }
            }
        }
        all
    }
}

/// The fields of `headers` that are `readable`.
fn kept(headers: &HeaderMap, readable: &[HeaderName]) -> Option<Box<HeaderMap>> {
    let mut kept = None;
    for name in readable {
        for value in headers.get_all(name) {
            let kept: &mut Box<HeaderMap> = kept.get_or_insert_default();
            kept.append(name, value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::DenialReason;
    use crate::policy::Settings;

    const READS_IT: &str = r#"
        @id("open") permit(principal, action in Action::"http", resource)
        unless { context.headers has "x-blocked" };
    "#;
    const READS_THE_OTHER: &str = r#"
        @id("open") permit(principal, action in Action::"http", resource)
        when { context.headers has "x-ticket" && context.headers["x-ticket"] == "7" };
    "#;

    fn names(names: &[&'static str]) -> Rc<[HeaderName]> {
        let names = names.iter().copied();
        names.map(HeaderName::from_static).collect()
    }

    fn asked(fields: &[(&'static str, &'static str)], readable: &Rc<[HeaderName]>) -> Asked {
        let mut headers = HeaderMap::new();
        for &(name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        let asker = Asker {
            caller: Caller::workload(&"spiffe://td/web".parse().unwrap()),
            ends: None,
            service: "orders".parse().unwrap(),
            session: None,
            source: [127, 0, 0, 1].into(),
        };
        let request = Canonical {
            method: Method::GET,
            authority: Authority::from_static("orders"),
            path_and_query: PathAndQuery::from_static("/a"),
            headers,
            length: None,
            upgrade: None,
            trailers: false,
        };
        Asked::request(Rc::new(asker), &request, Rc::clone(readable))
    }

    fn says(asked: &Asked, policy: &str, readable: &Rc<[HeaderName]>) -> Option<DenialReason> {
        let settings = Settings {
            services: [("orders".parse().unwrap(), Vec::new())].into(),
            headers: readable.to_vec(),
            ..Settings::default()
        };
        let policy = Policy::parse(&[("a.cedar", policy)], &settings).unwrap().0;
        let now = SystemTime::UNIX_EPOCH;
        let policy = Arc::new(policy);
        match asked.ask(&mut Decider::new(), (&policy, None), readable, now) {
            Ok(_permit) => None,
            Err(NotAdmitted::Denied(denial)) => Some(denial.reason().clone()),
            Err(NotAdmitted::Over(over)) => panic!("{over:?}"),
        }
    }

    #[test]
    fn a_field_that_nobody_could_read_then_is_not_taken_for_absent_now() {
        let then = names(&["x-ticket"]);
        let now = names(&["x-blocked", "x-ticket"]);
        let ticket = [("x-ticket", "7"), ("x-blocked", "yes")];
        let asked_then = asked(&ticket, &then);
        let name = HeaderName::from_static("x-blocked");
        let unknown = DenialReason::AmbiguousHeader { name };
        assert_eq!(says(&asked_then, READS_IT, &now), Some(unknown));
        // What was kept is as it was, for whoever reads no more than that.
        assert_eq!(says(&asked_then, READS_THE_OTHER, &now), None);
        // Who asks now is known whole.
        let no_permit = Some(DenialReason::NoPermit);
        assert_eq!(says(&asked(&ticket, &now), READS_IT, &now), no_permit);
        assert_eq!(says(&asked(&ticket[..1], &now), READS_IT, &now), None);
    }

    #[test]
    fn only_what_may_be_read_is_kept_each_time_that_it_came() {
        let readable = names(&["x-ticket"]);
        let twice = [("x-ticket", "7"), ("accept", "a"), ("x-ticket", "7")];
        let twice = asked(&twice, &readable);
        let kept = twice.request.as_ref().unwrap().headers.as_ref().unwrap();
        assert_eq!((kept.len(), kept.keys_len()), (2, 1));
        let name = HeaderName::from_static("x-ticket");
        let ambiguous = Some(DenialReason::AmbiguousHeader { name });
        assert_eq!(says(&twice, READS_THE_OTHER, &readable), ambiguous);
        let none = asked(&[("accept", "a")], &readable);
        assert!(none.request.unwrap().headers.is_none());
    }
}
