//! The door for other workloads that speak to our application in their own way.
//!
//! accept → TLS (who calls) → the policy's word → our application, and then
//! bytes. Our application may be the first to speak.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::audit::Door;
use crate::audit::Room;
use crate::net::AppDialer;
use crate::net::Ending;
use crate::net::Listener;
use crate::net::end_by;
use crate::policy::Caller;
use crate::policy::Permit;
use crate::proxy::activity::silent;
use crate::proxy::balancers::Balancers;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::doorway::Doorway;
use crate::proxy::doorway::Introduced;
use crate::proxy::lifetime::Fate;
use crate::proxy::settings::TcpInbound;
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
use crate::tls::OpaqueAccepted;
use crate::tls::OpaqueAcceptor;

/// One worker's inbound door for TCP.
#[derive(Debug)]
pub struct TcpInboundDoor {
    acceptor: OpaqueAcceptor,
    app: AppDialer,
    desk: Rc<Desk>,
    meters: Rc<TcpMeters>,
    scratch: Scratch,
    settings: TcpInbound,
}

impl TcpInboundDoor {
    /// A door that nobody comes through yet.
    #[must_use]
    pub fn new(
        settings: TcpInbound,
        desk: Rc<Desk>,
        meters: TcpMeters,
        acceptor: OpaqueAcceptor,
        scratch: Scratch,
    ) -> Self {
        Self {
            acceptor,
            app: AppDialer::new(settings.app.clone(), settings.limits.connect),
            desk,
            meters: Rc::new(meters),
            scratch,
            settings,
        }
    }

    /// Serves until the drain begins, then returns; what is under way goes on
    /// in the desk's tasks.
    pub async fn open(self, listener: Listener) {
        doorway::open(Rc::new(self), listener).await;
    }

    /// From a proved caller to the end of its connection.
    async fn receive(&self, accepted: OpaqueAccepted, source: SocketAddr, room: Room) {
        let OpaqueAccepted {
            mut stream,
            mut belief,
            shown_until,
        } = accepted;
        end_by(stream.get_ref().0, Ending::Reset);
        let caller = Caller::over(belief.peer().id(), belief.peer().facts());
        let arrival = Arrival {
            caller: &caller,
            door: Door::Inbound,
            host: None,
            service: &self.settings.service,
            source,
        };
        let fate = Fate::within(self.desk.fate());
        let silence = self.settings.limits.silence;
        let passing = Passing::begin(room, &arrival, silence, fate, &self.meters);
        if let Some(loss) = belief.lost(self.desk.clock().as_ref()) {
            return passing.end(Some(loss.as_str()));
        }
        let Some((passing, permit)) = passing.ask(&arrival, &self.desk) else {
            return;
        };
        let lifetime = self.desk.lifetime(Some(belief.clone()));
        let bond = Bond::new(belief, shown_until, Arc::clone(self.desk.clock()));
        let ended = tokio::select! {
            biased;
            reason = passing.withdrawn() => Some(reason),
            ended = self.pass(permit, &mut stream, &passing, &bond) => ended,
            reason = lifetime.over() => Some(reason),
        };
        passing.end(ended);
    }

    /// Spends `permit`. Says why the connection ended, where not as it should.
    async fn pass(
        &self,
        permit: Permit,
        caller: &mut TlsStream<TcpStream>,
        passing: &Passing,
        bond: &Bond,
    ) -> Option<&'static str> {
        drop(permit);
        let mut app = match self.app.dial().await {
            Ok(app) => app,
            Err(cause) => return Some(unreached(&UpstreamError::Dial { cause })),
        };
        app.end_by(Ending::Reset);
        let ended = tokio::select! {
            relayed = relay(caller, &mut app, &self.scratch, passing) => relayed.err().map(|broken| broken.told(Side::Caller, bond)),
            () = silent(passing.activity(), self.desk.alarms()) => Some("silent_too_long"),
        };
        if ended.is_none() {
            app.end_by(Ending::Orderly);
            end_by(caller.get_ref().0, Ending::Orderly);
        }
        ended
    }
}

impl Doorway for TcpInboundDoor {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn threshold(&self) -> &Threshold {
        self.meters.threshold()
    }

    fn most_connections(&self) -> usize {
        self.settings.limits.connections
    }

    fn balancers(&self) -> Option<&Balancers> {
        Some(&self.settings.balancers)
    }

    async fn serve(&self, mut stream: TcpStream, source: SocketAddr, spare: Room) {
        let introduced = doorway::introduced(self, &mut stream, source, spare).await;
        let Some(Introduced {
            source,
            spare,
            visit: _visit,
        }) = introduced
        else {
            return;
        };
        match self.acceptor.accept(stream, source.ip()).await {
            Ok(accepted) => {
                self.threshold().handshake("ok");
                self.receive(accepted, source, spare).await;
            }
            Err(why) => doorway::unproved(self, &why, source, spare),
        }
    }
}
