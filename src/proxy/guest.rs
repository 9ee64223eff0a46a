//! Whoever is on one connection, as its requests have in common.

use std::net::SocketAddr;
use std::rc::Rc;

use http::Method;
use http::Response;
use tokio::time::Instant;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Text;
use crate::policy::Caller;
use crate::policy::ServiceName;
use crate::proxy::activity::Activity;
use crate::proxy::activity::Silence;
use crate::proxy::desk::Desk;
use crate::proxy::doorway;
use crate::proxy::download::Download;
use crate::proxy::lifetime::Fate;
use crate::proxy::live::Asker;
use crate::proxy::meters::DoorMeters;
use crate::proxy::refusal::Refusal;
use crate::proxy::reply;
use crate::proxy::reply::Wanted;

/// One connection at a door, as its records have it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) fate: Fate,
    pub(super) meters: Rc<DoorMeters>,
    pub(super) origin: Origin,
}

impl Visit {
    /// Refuses a request that cannot even be recorded.
    pub(super) fn turn_away(&self, method: &Method, silence: Silence) -> Response<Download> {
        let answer = reply::to(&Refusal::NoRoom, None, Wanted::by(method));
        self.meters.turned_away(answer.status());
        answer.into_response(Activity::new(silence, Instant::now()))
    }

    /// Records a request that was refused for `reason` before it could be
    /// handed to us. Without room nothing is lost but the line.
    pub(super) fn unread(&self, desk: &Desk, reason: &'static str) {
        if let Ok(room) = desk.room() {
            doorway::record_offence(room, self.origin.clone(), reason);
        }
    }
}

/// A verified caller at a door.
#[derive(Debug)]
pub(super) struct Guest {
    asker: Rc<Asker>,
    visit: Visit,
}

impl Guest {
    pub(super) fn new(
        (caller, service): (Caller, ServiceName),
        source: SocketAddr,
        door: Door,
        meters: Rc<DoorMeters>,
        fate: Fate,
    ) -> Self {
        let name = Text::Shared(caller.name());
        Self {
            asker: Rc::new(Asker {
                caller,
                service,
                ends: None,
                session: None,
                source: source.ip(),
            }),
            visit: Visit {
                fate,
                meters,
                origin: Origin::new(door, Some(&name), Some(source)),
            },
        }
    }

    pub(super) const fn asker(&self) -> &Rc<Asker> {
        &self.asker
    }

    pub(super) const fn fate(&self) -> &Fate {
        &self.visit.fate
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.visit.origin
    }

    pub(super) const fn visit(&self) -> &Visit {
        &self.visit
    }
}
