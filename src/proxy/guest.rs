//! Whoever is on one connection, as its requests have in common.

use std::net::SocketAddr;
use std::rc::Rc;

use crate::audit::Door;
use crate::audit::Text;
use crate::policy::Caller;
use crate::proxy::lifetime::Fate;
use crate::proxy::meters::DoorMeters;

/// One connection at a door, as its records have it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) door: Door,
    pub(super) fate: Fate,
    pub(super) meters: Rc<DoorMeters>,
    /// Who it is; none where nobody proves anything.
    pub(super) name: Option<Text>,
    pub(super) source: SocketAddr,
}

/// A verified caller at a door.
#[derive(Debug)]
pub(super) struct Guest {
    caller: Caller,
    visit: Visit,
}

impl Guest {
    pub(super) fn new(
        caller: Caller,
        source: SocketAddr,
        door: Door,
        meters: Rc<DoorMeters>,
        fate: Fate,
    ) -> Self {
        let name = Some(Text::Shared(caller.id().to_shared()));
        Self {
            caller,
            visit: Visit {
                door,
                fate,
                meters,
                name,
                source,
            },
        }
    }

    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) const fn door(&self) -> Door {
        self.visit.door
    }

    pub(super) const fn fate(&self) -> &Fate {
        &self.visit.fate
    }

    pub(super) const fn meters(&self) -> &Rc<DoorMeters> {
        &self.visit.meters
    }

    pub(super) fn name(&self) -> Option<Text> {
        self.visit.name.clone()
    }

    pub(super) const fn source(&self) -> SocketAddr {
        self.visit.source
    }

    pub(super) const fn visit(&self) -> &Visit {
        &self.visit
    }
}
