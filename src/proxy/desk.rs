//! What the doors of one worker share: the policy in force, the log, the clock.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::audit::NoRoom;
use crate::audit::Room;
use crate::audit::Shard;
use crate::drain::Watch;
use crate::net::Excess;
use crate::net::Sources;
use crate::net::Tasks;
use crate::net::Visit;
use crate::policy::Connection;
use crate::policy::Decider;
use crate::policy::Denial;
use crate::policy::Permit;
use crate::policy::Question;
use crate::policy::View;
use crate::proxy::alarm::Alarms;
use crate::proxy::lifetime::Fate;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::ruling::Rulings;
use crate::time::Clock;
use crate::tls::Belief;

/// One worker's desk. It never leaves its thread.
#[derive(Debug)]
pub struct Desk {
    alarms: Alarms,
    clock: Arc<dyn Clock>,
    decider: RefCell<Decider>,
    drain: Watch,
    fate: Fate,
    log: Shard,
    policy: RefCell<View>,
    rulings: Rulings,
    sources: Sources,
    tasks: Tasks,
}

impl Desk {
    /// A desk with an empty memory, at which `sources` call.
    #[must_use]
    pub fn new(
        policy: View,
        log: Shard,
        clock: Arc<dyn Clock>,
        drain: Watch,
        sources: Sources,
    ) -> Self {
        Self {
            alarms: Alarms::default(),
            clock,
            decider: RefCell::new(Decider::new()),
            drain,
            fate: Fate::default(),
            log,
            policy: RefCell::new(policy),
            rulings: Rulings::default(),
            sources,
            tasks: Tasks::new(),
        }
    }

    /// Where the worker's tasks are counted.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What is still under way is about to be cut, because the drain took too long.
    pub fn cut(&self) {
        self.fate.seal("drain_deadline");
    }

    pub(super) const fn fate(&self) -> &Fate {
        &self.fate
    }

    /// Alarms for the worker's exchanges.
    pub(super) const fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Where decisions become what records say of them.
    pub(super) const fn rulings(&self) -> &Rulings {
        &self.rulings
    }

    pub(super) const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) const fn drain(&self) -> &Watch {
        &self.drain
    }

    /// What binds a connection at which `belief`, if anything, is proved.
    pub(super) fn lifetime(&self, belief: Option<Belief>) -> Lifetime {
        Lifetime {
            belief,
            clock: Arc::clone(&self.clock),
            drain: self.drain.clone(),
        }
    }

    /// Counts a connection from another workload, unless its address has too many.
    pub(super) fn enter(&self, source: SocketAddr) -> Result<Visit, Excess> {
        self.sources.enter(source.ip())
    }

    /// Room for one record, or no request.
    pub(super) fn room(&self) -> Result<Room, NoRoom> {
        self.log.begin()
    }

    /// Room for what may go wrong on one connection, or no connection.
    pub(super) fn spare(&self) -> Result<Room, NoRoom> {
        self.log.begin_spare()
    }

    /// Asks the policy that is in force now whether a connection may pass.
    pub(super) fn decide_connection(&self, connection: &Connection<'_>) -> Result<Permit, Denial> {
        let mut view = self.policy.borrow_mut();
        let mut decider = self.decider.borrow_mut();
        decider.decide_connection(view.current(), connection)
    }

    /// Asks the policy that is in force now.
    pub(super) fn decide(&self, question: &Question<'_>) -> Result<Permit, Denial> {
        let mut view = self.policy.borrow_mut();
        self.decider.borrow_mut().decide(view.current(), question)
    }
}
