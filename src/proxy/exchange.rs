//! One request and its response, from room in the log to the last byte.
//!
//! Whatever happens, an exchange ends once: its record is written and it is
//! counted. What nobody ends (a task dropped with its connection) ends with
//! what the connection died of.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::StatusCode;
use http::request::Parts;

use crate::audit::Decision;
use crate::audit::End;
use crate::audit::Entry;
use crate::audit::Origin;
use crate::audit::RequestId;
use crate::audit::Room;
use crate::audit::Ruling;
use crate::audit::Start;
use crate::audit::Text;
use crate::audit::TraceId;
use crate::metrics::Held;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::Shadow;
use crate::proxy::activity::Activity;
use crate::proxy::activity::Silence;
use crate::proxy::canonical::Canonical;
use crate::proxy::download::Download;
use crate::proxy::edge::Page;
use crate::proxy::gates::Place;
use crate::proxy::guest::Visit;
use crate::proxy::lifetime::Fate;
use crate::proxy::live::PERMIT_WITHDRAWN;
use crate::proxy::live::Stake;
use crate::proxy::meters::DoorMeters;
use crate::proxy::refusal::Refusal;
use crate::proxy::reply;
use crate::proxy::reply::Wanted;
use crate::proxy::ruling;
use crate::proxy::ruling::Rulings;
use crate::proxy::upstream::Answer;

/// A request under way. It holds its room in the log.
#[derive(Debug)]
pub(super) struct Exchange {
    activity: Rc<Activity>,
    decision: Decision,
    /// There until the end.
    entry: Option<Entry>,
    fate: Fate,
    in_flight: Option<Held>,
    meters: Rc<DoorMeters>,
    /// Its place in the application, if they are counted.
    place: Option<Place>,
    /// By which it is asked about again, once it is permitted.
    stake: Option<Stake>,
    status: Option<StatusCode>,
    wanted: Wanted,
}

impl Exchange {
    /// Begins the record of the request of `visit` whose head is `head`.
    pub(super) fn begin(room: Room, visit: &Visit, head: &Parts, silence: Silence) -> Self {
        let host = head.headers.get(http::header::HOST);
        let host = host.cloned().map(Text::Value);
        let host = host.or_else(|| head.uri.authority().cloned().map(Text::Host));
        let path = head.uri.path_and_query().cloned();
        let entry = room.entry(Start {
            host,
            method: Some(head.method.clone()),
            path: Some(path.map_or(Text::Static(""), Text::Target)),
            protocol: Some(Text::Static(protocol(head.version))),
            trace_id: head
                .headers
                .get("traceparent")
                .and_then(|value| TraceId::from_traceparent(value.as_bytes())),
            ..Start::of(visit.origin.clone())
        });
        Self {
            activity: if is_grpc(head) {
                Activity::of_grpc(silence, entry.began())
            } else {
                Activity::new(silence, entry.began())
            },
            decision: Decision::Refuse,
            entry: Some(entry),
            fate: visit.fate.clone(),
            in_flight: Some(visit.meters.in_flight()),
            meters: Rc::clone(&visit.meters),
            place: None,
            stake: None,
            status: None,
            wanted: Wanted::by(&head.method),
        }
    }

    /// The request's name, for whoever asks about it later.
    pub(super) fn id(&self) -> Option<RequestId> {
        self.entry.as_ref().map(Entry::id)
    }

    pub(super) const fn fate(&self) -> &Fate {
        &self.fate
    }

    pub(super) const fn activity(&self) -> &Rc<Activity> {
        &self.activity
    }

    /// Notes the one reading of the request in place of what was sent.
    pub(super) fn read(&mut self, request: &Canonical) {
        if let Some(entry) = &mut self.entry {
            let host = Text::Host(request.authority.clone());
            let path = Text::Target(request.path_and_query.clone());
            entry.target(request.method.clone(), host, path);
        }
    }

    /// Notes that the policy says yes, and that it may say no yet.
    pub(super) fn permitted(&mut self, permit: &Permit, stake: Stake, rulings: &Rulings) {
        self.stake = Some(stake);
        self.ruled(rulings.permit(permit));
        self.count_shadow(permit.shadow());
        self.on_route(permit.route());
    }

    /// Notes that the configuration lets it through, which says for what.
    pub(super) fn let_through(&mut self) {
        // No policy was asked for it.
        self.ruled(Ruling::of(Decision::Permit));
    }

    /// Notes that the policy says no.
    pub(super) fn denied(&mut self, denial: &Denial, rulings: &Rulings) {
        self.ruled(rulings.denial(denial));
        self.count_shadow(denial.shadow());
        self.on_route(denial.route());
    }

    /// Holds `place` until the end.
    pub(super) fn admitted(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Notes what the request is passed on in.
    pub(super) fn passed_on(&mut self, protocol: &'static str) {
        if let Some(entry) = &mut self.entry {
            entry.app_protocol(protocol);
        }
    }

    /// Notes what the connection was handed over to.
    pub(super) fn switched(&mut self, protocol: &http::HeaderValue) {
        if let Some(entry) = &mut self.entry {
            entry.upgraded(Bytes::copy_from_slice(protocol.as_bytes()));
        }
    }

    /// Follows the response to its end.
    pub(super) fn respond(mut self, answer: Answer) -> Response<Download> {
        let Answer {
            bond,
            response,
            rest,
        } = answer;
        let (head, source) = response.into_parts();
        self.responded(head.status);
        Response::from_parts(head, Download::new(source, self, rest, bond))
    }

    /// The status line has gone out.
    pub(super) fn responded(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.activity.responded();
    }

    /// Ends with an answer of our own.
    pub(super) fn say(mut self, page: Page) -> Response<Download> {
        let Page {
            mut body,
            mut headers,
            note,
            status,
        } = page;
        if note.is_done {
            self.ruled(Ruling::of(Decision::Permit));
        }
        if let (Some(entry), Some(origin)) = (&mut self.entry, note.origin) {
            entry.origin(origin);
        }
        headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        if self.wanted == Wanted::Head {
            body.clear();
        }
        self.status = Some(status);
        self.activity.passed_out(body.len());
        let activity = Rc::clone(&self.activity);
        self.finish(note.reason);
        let mut response = Response::new(Download::whole(body, activity));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Counts it with what its route leads to.
    pub(super) fn counted_by(&mut self, meters: &Rc<DoorMeters>) {
        self.in_flight = Some(meters.in_flight());
        self.meters = Rc::clone(meters);
    }

    /// Notes who it is from, once that is known.
    pub(super) fn comes_from(&mut self, origin: Origin) {
        if let Some(entry) = &mut self.entry {
            entry.origin(origin);
        }
    }

    /// Counts `refusal`, if it is one of what comes too often or at a bad time.
    pub(super) fn shed(&self, refusal: &Refusal) {
        if let Refusal::Shed { why, .. } = refusal {
            self.meters.shed(*why);
        }
    }

    /// Ends with a no of our own.
    pub(super) fn refuse(mut self, refusal: &Refusal) -> Response<Download> {
        self.shed(refusal);
        let answer = reply::to(refusal, self.id(), self.wanted);
        self.status = Some(answer.status());
        self.activity.passed_out(answer.body().len());
        let activity = Rc::clone(&self.activity);
        self.finish(Some(answer.reason()));
        answer.into_response(activity)
    }

    /// Ends. `reason` says why, where it did not end as it should.
    pub(super) fn end(mut self, reason: Option<&'static str>) {
        self.finish(reason);
    }

    fn ruled(&mut self, ruling: Ruling) {
        self.decision = ruling.decision;
        if let Some(entry) = &mut self.entry {
            entry.ruled(ruling);
        }
    }

    fn count_shadow(&self, shadow: Option<&Shadow>) {
        if let Some(shadow) = shadow.filter(|shadow| shadow.is_other) {
            self.meters.shadowed(ruling::would(shadow));
        }
    }

    fn on_route(&mut self, route: Option<&Arc<str>>) {
        if let (Some(entry), Some(route)) = (&mut self.entry, route) {
            entry.route(Arc::clone(route));
        }
    }

    fn finish(&mut self, mut reason: Option<&'static str>) {
        self.stake = None;
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        self.meters.ended(self.decision, self.status, entry.stop());
        self.in_flight = None;
        entry.retried(self.activity.tries_more());
        self.place = None;
        let cut = reason.and_then(|_| self.activity.permission().cut());
        if let Some(why) = cut {
            entry.withdrawn(why.said.clone());
            reason = Some(PERMIT_WITHDRAWN);
        }
        entry.end(End {
            bytes_in: self.activity.bytes_in(),
            bytes_out: self.activity.bytes_out(),
            reason: reason.or_else(|| self.fate.grace()),
            status: self.status,
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let reason = self.fate.reason();
        self.finish(Some(reason));
    }
}

fn protocol(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// A gRPC call may wait for its first message for as long as a stream may be silent.
fn is_grpc(head: &Parts) -> bool {
    let kind = head.headers.get(http::header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}
