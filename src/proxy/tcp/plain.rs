//! The way out, in the clear, for what the operator and the policy let go.
//!
//! Nobody proves anything at the other end, so the operator lists where it
//! may be, and the policy is asked by the name that the operator gave it. There
//! is a record as for any other connection.

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
use crate::net::OwnConnections;
use crate::net::end_by;
use crate::policy::Caller;
use crate::policy::Permit;
use crate::policy::ServiceName;
use crate::proxy::activity::silent;
use crate::proxy::desk::Desk;
use crate::proxy::lifetime::Fate;
use crate::proxy::settings::Limits;
use crate::proxy::tcp::broken::unreached;
use crate::proxy::tcp::meters::TcpMeters;
use crate::proxy::tcp::passing::Arrival;
use crate::proxy::tcp::passing::Passing;
use crate::proxy::tcp::relay::relay;
use crate::proxy::tcp::scratch::Scratch;
use crate::proxy::upstream::UpstreamError;

/// One worker's way to the destinations that have one name.
#[derive(Debug)]
pub struct PlainWay {
    desk: Rc<Desk>,
    identity: Arc<Live>,
    limits: Limits,
    meters: Rc<TcpMeters>,
    own: OwnConnections,
    scratch: Scratch,
    service: ServiceName,
}

/// What a way has of its worker.
#[derive(Debug)]
pub struct WayEquipment {
    /// The worker's desk.
    pub desk: Rc<Desk>,
    /// Who we are.
    pub identity: Arc<Live>,
    /// The way's part of the metrics.
    pub meters: TcpMeters,
    /// Where connections that we make are listed.
    pub own: OwnConnections,
    /// Where bytes lie.
    pub scratch: Scratch,
}

impl PlainWay {
    /// To `service`, as policies call it. How long a connection may be silent
    /// is that of streams in `limits`.
    #[must_use]
    pub fn new(service: ServiceName, limits: Limits, equipment: WayEquipment) -> Self {
        Self {
            desk: equipment.desk,
            identity: equipment.identity,
            limits,
            meters: Rc::new(equipment.meters),
            own: equipment.own,
            scratch: equipment.scratch,
            service,
        }
    }

    /// From our application's connection to its end.
    pub(in crate::proxy) async fn serve(
        &self,
        mut caller: TcpStream,
        [source, destination]: [SocketAddr; 2],
        spare: Room,
    ) {
        end_by(&caller, Ending::Reset);
        let name = Caller::workload(self.identity.current().svid().id());
        let arrival = Arrival {
            caller: &name,
            door: Door::Outbound,
            host: Some(Text::from(destination.to_string())),
            service: &self.service,
            source,
        };
        let fate = Fate::within(self.desk.fate());
        let silence = self.limits.silence;
        let passing = Passing::begin(spare, &arrival, silence, fate, &self.meters);
        let Some((passing, permit)) = passing.ask(&arrival, &self.desk) else {
            return;
        };
        let ended = tokio::select! {
            biased;
            reason = passing.withdrawn() => Some(reason),
            ended = self.pass(permit, &mut caller, destination, &passing) => ended,
        };
        passing.end(ended);
    }

    /// Spends `permit`. Says why the connection ended, where not as it should.
    async fn pass(
        &self,
        permit: Permit,
        caller: &mut TcpStream,
        destination: SocketAddr,
        passing: &Passing,
    ) -> Option<&'static str> {
        drop(permit);
        let dialer = Dialer::new(&destination.to_string(), self.limits.connect);
        let mut far = match dialer.dial().await {
            Ok(far) => far,
            Err(cause) => return Some(unreached(&UpstreamError::Dial { cause })),
        };
        let _listed = self.own.list(&far);
        end_by(&far, Ending::Reset);
        let ended = tokio::select! {
            relayed = relay(caller, &mut far, &self.scratch, passing) => relayed.err().map(|broken| broken.word()),
            () = silent(passing.activity(), self.desk.alarms()) => Some("silent_too_long"),
        };
        if ended.is_none() {
            end_by(caller, Ending::Orderly);
            end_by(&far, Ending::Orderly);
        }
        ended
    }
}
