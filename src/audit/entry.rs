//! A record in the making: from a request's first byte to its last.

use crate::audit::grounds::Grounds;
use crate::audit::line;
use crate::audit::origin::Origin;
use crate::audit::request_id::RequestId;
use crate::audit::shard::Room;
use crate::audit::text::Text;
use crate::audit::trace_id::TraceId;
use crate::time::turn;
use http::Method;
use http::StatusCode;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tokio::time::Instant;

/// Which way the request came in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Door {
    /// From people.
    Edge,
    /// From other services.
    Inbound,
    /// From our own service.
    Outbound,
    /// From whoever asks whether our service is well.
    Probes,
}

impl Door {
    /// The word that lines and metric labels use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Probes => "probes",
        }
    }
}

/// What became of the question.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Decision {
    /// The policy says no.
    Deny,
    /// The policy says yes.
    Permit,
    /// The policy was not asked: the request was no request, or came too early,
    /// too late or too large.
    Refuse,
}

impl Decision {
    /// The word that lines and metric labels use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Permit => "permit",
            Self::Refuse => "refused",
        }
    }
}

/// What is known of a request when its record begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Which way it came in, from whom and from where.
    pub origin: Origin,
    /// The trace it says it belongs to.
    pub trace_id: Option<TraceId>,
    /// The method.
    pub method: Option<Method>,
    /// The host and port it is for. Of `user:password@host`, what follows the
    /// `@` is recorded, and marked as cut.
    pub host: Option<Text>,
    /// The path. What follows a `?` is not recorded.
    pub path: Option<Text>,
    /// The HTTP version, such as `HTTP/2`, or `TCP`.
    pub protocol: Option<Text>,
    /// The service that a connection is for; requests say so by their host.
    pub service: Option<Text>,
}

impl Start {
    /// A request of which nothing is known but its origin.
    #[must_use]
    pub const fn of(origin: Origin) -> Self {
        Self {
            origin,
            trace_id: None,
            method: None,
            host: None,
            path: None,
            protocol: None,
            service: None,
        }
    }
}

/// A decision, and what it rests on.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// Yes or no.
    pub decision: Decision,
    /// Why: a stable code in `snake_case`.
    pub reason: Option<Cow<'static, str>>,
    /// What made it, if that was a policy set.
    pub grounds: Option<Grounds>,
    /// What is said about its policies.
    pub notes: Vec<Note>,
    /// What policies say that are watched and not enforced.
    pub shadow: Option<Box<Shadowed>>,
}

impl Ruling {
    /// One that rests on nothing.
    #[must_use]
    pub const fn of(decision: Decision) -> Self {
        Self {
            decision,
            reason: None,
            grounds: None,
            notes: Vec::new(),
            shadow: None,
        }
    }
}

/// What the author of a policy has to say about it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Note {
    /// What its caller should do.
    pub advice: Option<String>,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// The policy.
    pub policy: String,
    /// Why it is there.
    pub reason: Option<String>,
}

/// What policies say that are watched and not enforced.
#[derive(Clone, Debug)]
pub struct Shadowed {
    /// Yes or no.
    pub decision: Decision,
    /// The policies that made it.
    pub policies: Arc<[Arc<str>]>,
}

/// Why what was permitted is permitted no more.
#[derive(Clone, Debug)]
pub struct Withdrawn {
    /// What is said about its policies.
    pub notes: Vec<Note>,
    /// The policies that say no now.
    pub policies: Arc<[Arc<str>]>,
    /// Why: a stable code in `snake_case`.
    pub reason: &'static str,
    /// The policy set that says no.
    pub revision: Arc<str>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// What the caller was answered, if it was.
    pub status: Option<StatusCode>,
    /// Bytes of body from the caller.
    pub bytes_in: u64,
    /// Bytes of body to the caller.
    pub bytes_out: u64,
    /// Why it ended as it did, if that is another reason than the ruling's: a
    /// stable code in `snake_case`.
    pub reason: Option<&'static str>,
}

/// The record of one request. It is written when the entry ends.
///
/// An entry that is dropped without an end, because its task was cancelled, is
/// written all the same, with the reason `abandoned`. An entry without a
/// ruling is written as `refused`: nothing is forwarded without one.
#[derive(Debug)]
pub struct Entry {
    room: Room,
    // Boxed, because entries live in futures that are moved about.
    record: Box<Record>,
}

impl Entry {
    pub(super) fn begin(room: Room, id: RequestId, at: SystemTime, start: Start) -> Self {
        let record = Box::new(Record {
            at,
            began: turn(),
            id,
            start,
            route: None,
            ruling: None,
            end: None,
            app_protocol: None,
            retries: 0,
            took: None,
            upgrade: None,
            withdrawn: None,
        });
        Self { room, record }
    }

    /// The request's name.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.record.id
    }

    /// Says that the request is over, and how long it took: to the turn in which
    /// it ends, unless it began in the same.
    pub fn stop(&mut self) -> Duration {
        let began = self.record.began;
        *self.record.took.get_or_insert_with(|| {
            let so_far = turn().saturating_duration_since(began);
            if so_far.is_zero() {
                began.elapsed()
            } else {
                so_far
            }
        })
    }

    /// When the request began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.record.began
    }

    /// Sets where it comes from, where that is not known by its connection.
    pub fn origin(&mut self, origin: Origin) {
        self.record.start.origin = origin;
    }

    /// Sets what is asked for. What follows a `?` in `path` is not recorded.
    pub fn target(&mut self, method: Method, host: impl Into<Text>, path: impl Into<Text>) {
        self.record.start.method = Some(method);
        self.record.start.host = Some(host.into());
        self.record.start.path = Some(path.into());
    }

    /// Sets the route that the path was found to be on.
    pub fn route(&mut self, route: impl Into<Text>) {
        self.record.route = Some(route.into());
    }

    /// Sets the decision. One that is made again replaces the one before.
    pub fn ruled(&mut self, ruling: Ruling) {
        self.record.ruling = Some(ruling);
    }

    /// Sets the HTTP version that the application was spoken to in.
    pub fn app_protocol(&mut self, protocol: impl Into<Text>) {
        self.record.app_protocol = Some(protocol.into());
    }

    /// Sets how often the request was sent, or was to be sent, once more.
    pub fn retried(&mut self, times: u32) {
        self.record.retries = times;
    }

    /// Sets the protocol that the connection was handed over to.
    pub fn upgraded(&mut self, protocol: impl Into<Text>) {
        self.record.upgrade = Some(protocol.into());
    }

    /// Sets why it may not go on. The decision that let it in stays.
    pub fn withdrawn(&mut self, why: Withdrawn) {
        self.record.withdrawn = Some(Box::new(why));
    }

    /// Notes how far the request has come, for the case that nothing says how
    /// it ended. The `reason` of `so_far` is then `abandoned`, whatever it is.
    pub fn progressed(&mut self, so_far: End) {
        self.record.end = Some(so_far);
    }

    /// Writes the record.
    pub fn end(mut self, end: End) {
        self.record.end = Some(end);
        self.write();
    }

    fn write(&mut self) {
        self.stop();
        let record = &self.record;
        self.room
            .fill(|out, stamp| line::append(out, stamp, record));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.room.is_filled() {
            return;
        }
        let so_far = self.record.end;
        self.record.end = Some(End {
            status: so_far.and_then(|end| end.status),
            bytes_in: so_far.map_or(0, |end| end.bytes_in),
            bytes_out: so_far.map_or(0, |end| end.bytes_out),
            reason: Some(ABANDONED),
        });
        self.write();
    }
}

/// The reason of an entry that nobody ended.
const ABANDONED: &str = "abandoned";

/// All that a line says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) at: SystemTime,
    pub(super) began: Instant,
    pub(super) id: RequestId,
    pub(super) start: Start,
    pub(super) route: Option<Text>,
    pub(super) ruling: Option<Ruling>,
    pub(super) end: Option<End>,
    pub(super) app_protocol: Option<Text>,
    pub(super) retries: u32,
    /// None until it is over.
    pub(super) took: Option<Duration>,
    pub(super) upgrade: Option<Text>,
    pub(super) withdrawn: Option<Box<Withdrawn>>,
}
