//! A door for our own application, to one other workload that it speaks to in
//! its own way.
//!
//! It is on loopback, so whoever comes is taken for our application. The
//! policy is asked before anything leaves; then the other side must prove to be
//! whom we expect, and only then do bytes go. Either side may be the first to
//! speak.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::audit::Door;
use crate::audit::Room;
use crate::audit::Text;
use crate::identity::Live;
use crate::net::Dialer;
use crate::net::Ending;
use crate::net::Listener;
use crate::net::OwnConnection;
use crate::net::OwnConnections;
use crate::net::Whereabouts;
use crate::net::end_by;
use crate::policy::Caller;
use crate::policy::Permit;
use crate::proxy::activity::silent;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::lifetime::Fate;
use crate::proxy::settings::TcpOutbound;
use crate::proxy::tcp::broken::Side;
use crate::proxy::tcp::broken::unreached;
use crate::proxy::tcp::meters::TcpMeters;
use crate::proxy::tcp::passing::Arrival;
use crate::proxy::tcp::passing::Passing;
use crate::proxy::tcp::relay::relay;
use crate::proxy::tcp::scratch::Scratch;
use crate::proxy::threshold::Threshold;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::UpstreamError;
use crate::tls::OpaqueConnected;
use crate::tls::OpaqueConnector;

/// One worker's outbound door for TCP to one destination.
#[derive(Debug)]
pub struct TcpOutboundDoor {
    desk: Rc<Desk>,
    far: Dialer,
    identity: Arc<Live>,
    meters: Rc<TcpMeters>,
    own: OwnConnections,
    scratch: Scratch,
    settings: TcpOutbound,
    tls: OpaqueConnector,
}

/// What a door to another sidecar has of its worker.
#[derive(Debug)]
pub struct Equipment {
    /// The worker's desk.
    pub desk: Rc<Desk>,
    /// Who we are.
    pub identity: Arc<Live>,
    /// The door's part of the metrics.
    pub meters: TcpMeters,
    /// Where connections that we make are listed.
    pub own: OwnConnections,
    /// Where bytes lie.
    pub scratch: Scratch,
    /// How we prove who we are, and who must be there.
    pub tls: OpaqueConnector,
    /// Where it leads.
    pub whereabouts: Whereabouts,
}

impl TcpOutboundDoor {
    /// A door that nobody comes through yet.
    #[must_use]
    pub fn new(settings: TcpOutbound, equipment: Equipment) -> Self {
        let far = Dialer::new(&settings.to, settings.limits.connect);
        Self {
            desk: equipment.desk,
            far: far.following(equipment.whereabouts),
            identity: equipment.identity,
            meters: Rc::new(equipment.meters),
            own: equipment.own,
            scratch: equipment.scratch,
            settings,
            tls: equipment.tls,
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self: Rc<Self>, listener: Listener) {
        doorway::open(self, listener).await;
    }

    /// From our application's connection to its end. `dialled` is where it was
    /// going, if it was redirected to us.
    pub(in crate::proxy) async fn receive(
        &self,
        mut stream: TcpStream,
        source: SocketAddr,
        dialled: Option<SocketAddr>,
        spare: Room,
    ) {
        end_by(&stream, Ending::Reset);
        let caller = Caller::workload(self.identity.current().svid().id());
        let arrival = Arrival {
            caller: &caller,
            door: Door::Outbound,
            host: dialled.map(|address| Text::from(address.to_string())),
            service: &self.settings.service,
            source,
        };
        let fate = Fate::within(self.desk.fate());
        let silence = self.settings.limits.silence;
        let passing = Passing::begin(spare, &arrival, silence, fate, &self.meters);
        let Some((passing, permit)) = passing.ask(&arrival, &self.desk) else {
            return;
        };
        let ended = tokio::select! {
            biased;
            reason = passing.withdrawn() => Some(reason),
            ended = self.pass(permit, &mut stream, &passing) => ended,
        };
        passing.end(ended);
    }

    /// Spends `permit`. Says why the connection ended, where not as it should.
    async fn pass(
        &self,
        permit: Permit,
        caller: &mut TcpStream,
        passing: &Passing,
    ) -> Option<&'static str> {
        drop(permit);
        let (connected, _listed) = match self.reach().await {
            Ok(reached) => reached,
            Err(error) => return Some(unreached(&error)),
        };
        let OpaqueConnected {
            mut stream,
            belief,
            shown_until,
        } = connected;
        end_by(stream.get_ref().0, Ending::Reset);
        let lifetime = self.desk.lifetime(Some(belief.clone()));
        let bond = Bond::new(belief, shown_until, Arc::clone(self.desk.clock()));
        let ended = tokio::select! {
            relayed = relay(caller, &mut stream, &self.scratch, passing) => relayed.err().map(|broken| broken.told(Side::Far, &bond)),
            () = silent(passing.activity(), self.desk.alarms()) => Some("silent_too_long"),
            reason = lifetime.over() => Some(reason),
        };
        if ended.is_none() {
            end_by(caller, Ending::Orderly);
            end_by(stream.get_ref().0, Ending::Orderly);
        }
        ended
    }

    async fn reach(&self) -> Result<(OpaqueConnected, OwnConnection), UpstreamError> {
        let stream = self
            .far
            .dial()
            .await
            .map_err(|cause| UpstreamError::Dial { cause })?;
        let listed = self.own.list(&stream);
        let connected = self.tls.connect(stream).await;
        let result = connected.as_ref().err().map(|cause| cause.reason());
        self.threshold()
            .handshake(result.as_deref().unwrap_or("ok"));
        match connected {
            Ok(connected) => Ok((connected, listed)),
            Err(cause) => Err(UpstreamError::Tls { cause }),
        }
    }
}

impl Doorway for TcpOutboundDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        self.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.settings.limits.connections
    }

    async fn serve(&self, stream: TcpStream, source: SocketAddr, spare: Room) {
        self.receive(stream, source, None, spare).await;
    }
}
