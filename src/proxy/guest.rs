//! Whoever is on one connection, as its requests have in common.

use std::net::SocketAddr;
use std::rc::Rc;

use crate::audit::Door;
use crate::audit::Text;
use crate::policy::Caller;
use crate::proxy::lifetime::Fate;
use crate::proxy::meters::DoorMeters;

/// A verified caller at a door.
#[derive(Debug)]
pub(super) struct Guest {
    caller: Caller,
    door: Door,
    fate: Fate,
    meters: Rc<DoorMeters>,
    name: Text,
    source: SocketAddr,
}

impl Guest {
    pub(super) fn new(
        caller: Caller,
        source: SocketAddr,
        door: Door,
        meters: Rc<DoorMeters>,
        fate: Fate,
    ) -> Self {
        let name = Text::Shared(caller.id().to_shared());
        Self {
            caller,
            door,
            fate,
            meters,
            name,
            source,
        }
    }

    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) const fn door(&self) -> Door {
        self.door
    }

    pub(super) const fn fate(&self) -> &Fate {
        &self.fate
    }

    pub(super) const fn meters(&self) -> &Rc<DoorMeters> {
        &self.meters
    }

    pub(super) const fn name(&self) -> &Text {
        &self.name
    }

    pub(super) const fn source(&self) -> SocketAddr {
        self.source
    }
}
