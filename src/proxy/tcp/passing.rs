//! One connection, from room in the log to its last byte.
//!
//! Whatever happens, it ends once: its record is written and it is counted.
//! What nobody ends (a task that is dropped in a drain that took too long) ends
//! with what it died of.

use std::net::SocketAddr;
use std::rc::Rc;

use crate::audit::Decision;
use crate::audit::Door;
use crate::audit::End;
use crate::audit::Entry;
use crate::audit::Origin;
use crate::audit::Room;
use crate::audit::Ruling;
use crate::audit::Start;
use crate::audit::Text;
use crate::policy::Caller;
use crate::policy::Permit;
use crate::policy::ServiceName;
use crate::proxy::activity::Activity;
use crate::proxy::activity::Silence;
use crate::proxy::desk::Desk;
use crate::proxy::lifetime::Fate;
use crate::proxy::live::Asker;
use crate::proxy::live::PERMIT_WITHDRAWN;
use crate::proxy::live::Stake;
use crate::proxy::tcp::meters::TcpMeters;
use crate::proxy::tcp::relay::Count;

/// A connection under way. It holds its room in the log.
#[derive(Debug)]
pub(super) struct Passing {
    activity: Rc<Activity>,
    decision: Decision,
    /// There until the end.
    entry: Option<Entry>,
    fate: Fate,
    meters: Rc<TcpMeters>,
    /// By which it is asked about again, once it is permitted.
    stake: Option<Stake>,
}

/// What is known of a connection when its record begins.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) caller: &'a Caller,
    pub(super) door: Door,
    /// Where it was going, if that is not the service's own place.
    pub(super) host: Option<Text>,
    pub(super) service: &'a ServiceName,
    pub(super) source: SocketAddr,
}

impl Passing {
    /// Begins the record. The connection may be silent as long as `silence` says of streams.
    pub(super) fn begin(
        room: Room,
        arrival: &Arrival<'_>,
        silence: Silence,
        fate: Fate,
        meters: &Rc<TcpMeters>,
    ) -> Self {
        let caller = Text::Shared(arrival.caller.name());
        let origin = Origin::new(arrival.door, Some(&caller), Some(arrival.source));
        let entry = room.entry(Start {
            host: arrival.host.clone(),
            protocol: Some(Text::Static("TCP")),
            service: Some(Text::from(arrival.service.as_str().to_owned())),
            ..Start::of(origin)
        });
        Self {
            activity: Activity::new(silence.of_stream(), entry.began()),
            decision: Decision::Refuse,
            entry: Some(entry),
            fate,
            meters: Rc::clone(meters),
            stake: None,
        }
    }

    /// The clock of the connection's silence.
    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Returns when it may go on no more, with the reason.
    pub(super) async fn withdrawn(&self) -> &'static str {
        let _told = self.activity.permission().withdrawn().await;
        PERMIT_WITHDRAWN
    }

    /// Asks the policy whether what has arrived may pass. If it says no, that was the end.
    pub(super) fn ask(mut self, arrival: &Arrival<'_>, desk: &Desk) -> Option<(Self, Permit)> {
        let asker = Rc::new(Asker {
            ends: None,
            session: None,
            caller: arrival.caller.clone(),
            service: arrival.service.clone(),
            source: arrival.source.ip(),
        });
        match desk.admit_connection(asker, &self.activity) {
            Ok((permit, stake)) => {
                self.stake = Some(stake);
                self.ruled(desk.rulings().permit(&permit));
                Some((self, permit))
            }
            Err(denial) => {
                self.ruled(desk.rulings().denial(&denial));
                self.finish(Some(denial.reason().as_str()));
                None
            }
        }
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

    fn finish(&mut self, reason: Option<&'static str>) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        self.stake = None;
        if reason == Some(PERMIT_WITHDRAWN)
            && let Some(why) = self.activity.permission().cut()
        {
            entry.withdrawn(why.said.clone());
        }
        self.meters.ended(self.decision);
        entry.end(End {
            bytes_in: self.activity.bytes_in(),
            bytes_out: self.activity.bytes_out(),
            reason: reason.or_else(|| self.fate.grace()),
            status: None,
        });
    }
}

impl Count for Passing {
    fn passed_in(&self, bytes: usize) {
        self.activity.passed_in(bytes);
        self.meters.passed_in(bytes);
    }

    fn passed_out(&self, bytes: usize) {
        self.activity.passed_out(bytes);
        self.meters.passed_out(bytes);
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let reason = self.fate.reason();
        self.finish(Some(reason));
    }
}
