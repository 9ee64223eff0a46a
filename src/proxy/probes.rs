//! The door for whoever only asks whether our application is well.
//!
//! A kubelet has no certificate, and must not need one: it would call the
//! application dead whenever it is the sidecar that cannot let it in. So there
//! is a port of its own for it, in the clear, and what may be asked there is
//! written in the configuration instead of a policy: GET and HEAD for exactly
//! the paths that are listed, with nothing in the request but what every probe
//! has. The application gets no word of who asks, and so gives nothing that is
//! for somebody. There is no such door unless it is asked for, and nothing of
//! this is ever open on the other doors.
//!
//! A probe takes no place among `concurrent_requests`: an application that has
//! much to do is not dead.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http::header;
use http::request::Parts;
use http::uri::Scheme;
use tokio::net::TcpStream;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Room;
use crate::net::Listener;
use crate::net::StallGuard;
use crate::proxy::activity::silent;
use crate::proxy::authority::Recent;
use crate::proxy::body::Source;
use crate::proxy::body::Upload;
use crate::proxy::canonical::Canonical;
use crate::proxy::canonical::Rules;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::download::Download;
use crate::proxy::exchange::Exchange;
use crate::proxy::guest::Visit;
use crate::proxy::handover::Awaited;
use crate::proxy::lifetime::Fate;
use crate::proxy::meters::DoorMeters;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::path::Latitude;
use crate::proxy::probe_path::ProbePath;
use crate::proxy::refusal::NoProbe;
use crate::proxy::refusal::Refusal;
use crate::proxy::serve;
use crate::proxy::serve::Connection;
use crate::proxy::settings::Inbound;
use crate::proxy::settings::Limits;
use crate::proxy::threshold::Threshold;
use crate::proxy::upstream;
use crate::proxy::upstream::Keeping;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Upstream;
use crate::tls::Protocol;

/// What may be asked of our application without a certificate.
#[derive(Clone, Debug)]
pub struct Probes {
    /// Where it may be asked. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// For what. Never empty.
    pub paths: Vec<ProbePath>,
}

/// The door for probes, at one worker.
#[derive(Debug)]
pub struct ProbesDoor {
    desk: Rc<Desk>,
    limits: Limits,
    meters: Rc<DoorMeters>,
    paths: Rc<[ProbePath]>,
    upstream: Rc<Upstream>,
}

impl ProbesDoor {
    /// A door to the application of `inbound` that nobody comes through yet.
    #[must_use]
    pub fn new(probes: Probes, inbound: &Inbound, desk: Rc<Desk>, meters: DoorMeters) -> Self {
        let meters = Rc::new(meters);
        let limits = Limits {
            connections: MOST_CONNECTIONS,
            header_read: inbound.limits.header_read.min(PATIENCE),
            ..inbound.limits
        };
        let reach = Reach::app(&desk, &meters, limits, inbound.app.clone());
        let keeping = Keeping {
            idle: Duration::ZERO,
            most_idle: 0,
            protocol: inbound.app_protocol,
        };
        Self {
            desk,
            limits,
            meters,
            paths: probes.paths.into(),
            upstream: Rc::new(Upstream::new(reach, keeping)),
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self, listener: Listener) {
        doorway::open(Rc::new(self), listener).await;
    }
}

impl Doorway for ProbesDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        self.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.limits.connections
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        let visit = Visit {
            fate: Fate::within(self.desk.fate()),
            meters: Rc::clone(&self.meters),
            origin: Origin::new(Door::Probes, None, Some(source)),
        };
        let origin = visit.origin.clone();
        let connection = Connection {
            fate: visit.fate.clone(),
            lifetime: self.desk.lifetime(None, None),
            limits: self.limits,
            protocol: Protocol::Http1,
            wire: Box::new(StallGuard::new(stream, self.limits.write_stall)),
        };
        let probing = Probing {
            desk: Rc::clone(&self.desk),
            limits: self.limits,
            paths: Rc::clone(&self.paths),
            upstream: Rc::clone(&self.upstream),
            visit,
        };
        let served = connection.serve(probing).await;
        doorway::follow(self, served, spare, source, origin);
    }
}

/// One connection's way through the door.
#[derive(Debug)]
struct Probing {
    desk: Rc<Desk>,
    limits: Limits,
    paths: Rc<[ProbePath]>,
    upstream: Rc<Upstream>,
    visit: Visit,
}

impl serve::Answer for Probing {
    async fn answer(
        &self,
        request: Request<Source>,
        _caller: Option<Awaited>,
    ) -> Response<Download> {
        let (mut head, source) = request.into_parts();
        let Ok(room) = self.desk.room() else {
            return self.visit.turn_away(&head.method, self.limits.silence);
        };
        let mut exchange = Exchange::begin(room, &self.visit, &head, self.limits.silence);
        match self.pass(&mut head, &source, &mut exchange).await {
            Ok(answer) => exchange.respond(answer),
            Err(refusal) => exchange.refuse(&refusal),
        }
    }

    fn unread(&self, reason: &'static str) {
        self.visit.unread(&self.desk, reason);
    }
}

impl Probing {
    async fn pass(
        &self,
        head: &mut Parts,
        source: &Source,
        exchange: &mut Exchange,
    ) -> Result<upstream::Answer, Refusal> {
        let rules = Rules::new(&self.limits, Latitude::default());
        let request = Canonical::from_head(head, rules, &mut Recent::default())?;
        exchange.read(&request);
        let path = self.listed(&request, source).map_err(Refusal::NoProbe)?;
        exchange.let_through();
        exchange.passed_on(self.upstream.protocol_of(&request));
        let outgoing = Box::new(Outgoing {
            activity: Rc::clone(exchange.activity()),
            authority: request.authority,
            body: Upload::new(Source::Empty, Some(0), Rc::clone(exchange.activity())),
            headers: plain(&request.headers),
            introduction: Rc::default(),
            method: request.method,
            path_and_query: path.target().clone(),
            scheme: Scheme::HTTP,
            trailers: false,
            upgrade: None,
        });
        let activity = Rc::clone(exchange.activity());
        tokio::select! {
            biased;
            answered = self.upstream.send(outgoing) => answered.map_err(Refusal::from),
            () = silent(&activity, self.desk.alarms()) => Err(Refusal::TimedOut),
        }
    }

    /// The path that `request` asks for, if that is all it does.
    fn listed(&self, request: &Canonical, source: &Source) -> Result<&ProbePath, NoProbe> {
        let asked = request.path_and_query.as_str();
        let mut paths = self.paths.iter();
        let path = paths
            .find(|path| path.as_str() == asked)
            .ok_or(NoProbe::Path)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(NoProbe::Method);
        }
        if !source.is_ended() || request.upgrade.is_some() {
            return Err(NoProbe::MoreThanAHead);
        }
        Ok(path)
    }
}

/// What a probe may say of itself: neither credentials nor anything that an
/// application might take for a caller's name.
fn plain(headers: &HeaderMap) -> HeaderMap {
    let kept = [header::ACCEPT, header::USER_AGENT];
    let kept = kept.into_iter().filter_map(|name| {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    });
    kept.collect()
}

/// A kubelet has one for each of a pod's probes, and closes it when it is
/// answered. Whoever would keep it out must hold all the others.
const MOST_CONNECTIONS: usize = 256;
/// A kubelet asks as soon as it is connected; who does not, leaves soon.
const PATIENCE: Duration = Duration::from_secs(2);
