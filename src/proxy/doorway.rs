//! What every door does with a connection before and after it is served.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::audit::Decision;
use crate::audit::Door;
use crate::audit::End;
use crate::audit::Origin;
use crate::audit::Room;
use crate::audit::Ruling;
use crate::audit::Start;
use crate::audit::Text;
use crate::net::Excess;
use crate::net::Listener;
use crate::net::Visit;
use crate::proxy::balancers::Balancers;
use crate::proxy::balancers::Unannounced;
use crate::proxy::desk::Desk;
use crate::proxy::lifetime::GRACE;
use crate::proxy::serve::ServeError;
use crate::proxy::serve::Serving;
use crate::proxy::threshold::Threshold;
use crate::tls::AcceptError;
use crate::tls::Claimant;
use crate::tls::Extension;

/// A door that can be opened.
pub(super) trait Doorway {
    fn desk(&self) -> &Desk;
    fn threshold(&self) -> &Threshold;
    /// The most connections at a time.
    fn most_connections(&self) -> usize;
    /// Who hands on connections of others, and says whose; none where nobody may.
    fn balancers(&self) -> Option<&Balancers> {
        None
    }
    /// Serves one connection to its end. `spare` is room in the log for
    /// whatever goes wrong before there is a request.
    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room);
}

/// Accepts until some time after the drain has begun.
///
/// Whoever balances load learns of the drain when we do: for a moment callers
/// still come, and are served, one request each.
pub(super) async fn open<D: Doorway + 'static>(door: Rc<D>, listener: Listener) {
    accept(&door, &listener).await;
    for (stream, source) in listener.close() {
        admit(&door, stream, source);
    }
}

/// Accepts until the door is to be closed.
async fn accept<D: Doorway + 'static>(door: &Rc<D>, listener: &Listener) {
    let mut drain = door.desk().drain().clone();
    let mut closing = pin!(async {
        drain.draining().await;
        sleep(GRACE).await;
        if let Err(error) = listener.turn_away() {
            tracing::debug!(%error, "who connects in the moment in which a door closes is reset");
        }
        sleep(HALF_OPEN).await;
    });
    loop {
        tokio::select! {
            biased;
            () = &mut closing => return,
            (stream, source) = listener.accept() => admit(door, stream, source),
        }
    }
}

fn admit<D: Doorway + 'static>(door: &Rc<D>, stream: TcpStream, source: SocketAddr) {
    let connected = door.threshold().connected();
    if connected.count() > door.most_connections() {
        door.threshold().handshake("too_many_connections");
        return;
    }
    let visit = match visit(door.as_ref(), source) {
        Ok(visit) => visit,
        Err(excess) => return exceeded(door.as_ref(), excess, source),
    };
    // No record, no connection: dropping it tells the caller to try elsewhere.
    let Ok(spare) = door.desk().spare() else {
        door.threshold().handshake("audit_log_full");
        return;
    };
    let served = Rc::clone(door);
    door.desk().tasks().spawn(async move {
        served.serve(stream, source, spare).await;
        drop((connected, visit));
    });
}

/// Counts where callers come from who may be anybody: at an outbound door there
/// is only our own application, which has but one address. A balancer has yet to
/// say who calls.
fn visit<D: Doorway>(door: &D, source: SocketAddr) -> Result<Option<Visit>, Excess> {
    match door.threshold().door {
        Door::Outbound => Ok(None),
        Door::Edge | Door::Inbound | Door::Probes if is_balancer(door, source) => Ok(None),
        Door::Edge | Door::Inbound | Door::Probes => door.desk().enter(source).map(Some),
    }
}

fn is_balancer<D: Doorway>(door: &D, source: SocketAddr) -> bool {
    door.balancers()
        .is_some_and(|balancers| balancers.are_at(source))
}

/// A connection of which it is known where it is from.
#[derive(Debug)]
pub(super) struct Introduced {
    pub(super) source: SocketAddr,
    pub(super) spare: Room,
    /// Counts it, until it is dropped.
    pub(super) visit: Option<Visit>,
}

/// Where the connection `stream` is from, which `source` made. None if that is
/// not said as it should be, or if too many are from there: then it is counted
/// and recorded.
pub(super) async fn introduced<D: Doorway>(
    door: &D,
    stream: &mut TcpStream,
    source: SocketAddr,
    spare: Room,
) -> Option<Introduced> {
    let balancer = source;
    let told = match door.balancers() {
        Some(balancers) => balancers.source(stream, source).await,
        None => Ok(source),
    };
    let source = match told {
        Ok(source) => source,
        Err(why) => {
            unannounced(door, &why, source, spare);
            return None;
        }
    };
    if source == balancer {
        // Counted already, or the balancer's own: it looks whether we live.
        let visit = None;
        return Some(Introduced {
            source,
            spare,
            visit,
        });
    }
    match door.desk().enter(source) {
        Ok(visit) => Some(Introduced {
            source,
            spare,
            visit: Some(visit),
        }),
        Err(excess) => {
            exceeded(door, excess, source);
            None
        }
    }
}

/// A caller whose connection is served.
pub(super) struct Received {
    pub(super) introduced: Introduced,
    pub(super) origin: Origin,
    pub(super) serving: Serving,
}

/// Serves `received` to its end, if anybody was let in.
pub(super) async fn see_off<D: Doorway>(door: &D, received: Option<Received>) {
    let Some(received) = received else {
        return;
    };
    let Received {
        introduced,
        origin,
        serving,
    } = received;
    let outcome = serving.await;
    follow(door, outcome, introduced.spare, introduced.source, origin);
}

/// Counts a caller whose address has too many connections, and records some.
fn exceeded<D: Doorway>(door: &D, excess: Excess, source: SocketAddr) {
    let threshold = door.threshold();
    threshold.handshake(excess.reason);
    if excess.tell
        && let Ok(spare) = door.desk().spare()
    {
        let origin = Origin::new(threshold.door, None, Some(source));
        record_offence(spare, origin, excess.reason);
    }
}

/// Counts and records what ended a connection, if that was the caller's doing.
pub(super) fn follow<D: Doorway>(
    door: &D,
    outcome: Result<(), ServeError>,
    spare: Room,
    source: SocketAddr,
    origin: Origin,
) {
    let Err(error) = outcome else {
        return;
    };
    tracing::debug!(%source, error = &error as &dyn std::error::Error, "a connection ended badly");
    if let Some(offence) = error.offence() {
        let threshold = door.threshold();
        threshold.offence(offence);
        record_offence(spare, origin, offence);
    }
}

/// Counts and records a caller that proved no identity.
pub(super) fn unproved<D: Doorway>(door: &D, why: &AcceptError, source: SocketAddr, spare: Room) {
    tracing::debug!(%source, error = why as &dyn std::error::Error, "a caller proved no identity");
    door.threshold().handshake(&why.reason());
    let origin = Origin::new(door.threshold().door, None, Some(source));
    record_offence(spare, origin, why.reason());
}

/// Hears a caller that comes to prove another connection of its, counts how
/// that ends, and records what is not proved.
pub(super) async fn settle<D: Doorway>(
    door: &D,
    claimant: Claimant,
    source: SocketAddr,
    spare: Room,
) {
    let caller = Text::Shared(claimant.peer().id().to_shared());
    let counts = &door.threshold().leases;
    match claimant.settle().await {
        Ok(Extension::Extended) => counts.count("extended"),
        Ok(Extension::Kept) => counts.count("kept"),
        Err(why) => {
            tracing::debug!(%source, error = &why as &dyn std::error::Error, "a connection is not proved anew");
            counts.count(why.as_str());
            let origin = Origin::new(door.threshold().door, Some(&caller), Some(source));
            record_offence(spare, origin, why.as_str());
        }
    }
}

/// Counts and records a balancer's connection that is nobody's.
fn unannounced<D: Doorway>(door: &D, why: &Unannounced, source: SocketAddr, spare: Room) {
    tracing::debug!(%source, error = why as &dyn std::error::Error, "a balancer did not say who calls");
    door.threshold().handshake(why.reason());
    let origin = Origin::new(door.threshold().door, None, Some(source));
    record_offence(spare, origin, why.reason());
}

/// Records what never became a request.
pub(super) fn record_offence(spare: Room, origin: Origin, reason: impl Into<Cow<'static, str>>) {
    record_refusal(spare, Start::of(origin), reason);
}

/// The same of a connection of which more is known.
pub(super) fn record_refusal(spare: Room, start: Start, reason: impl Into<Cow<'static, str>>) {
    let mut entry = spare.entry(start);
    entry.ruled(Ruling {
        reason: Some(reason.into()),
        ..Ruling::of(Decision::Refuse)
    });
    entry.end(End {
        bytes_in: 0,
        bytes_out: 0,
        reason: None,
        status: None,
    });
}

/// How long a connection may take to come about once it was begun: a round trip
/// around the world.
const HALF_OPEN: Duration = Duration::from_millis(250);
