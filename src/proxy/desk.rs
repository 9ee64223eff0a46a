//! What the doors of one worker share: the policy in force, the log, the clock.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
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
use crate::policy::View;
use crate::proxy::activity::Activity;
use crate::proxy::alarm::Alarms;
use crate::proxy::asked;
use crate::proxy::canonical::Canonical;
use crate::proxy::lifetime::Fate;
use crate::proxy::lifetime::Grace;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::live::Asked;
use crate::proxy::live::Asker;
use crate::proxy::live::Generation;
use crate::proxy::live::LiveMeters;
use crate::proxy::live::Moment;
use crate::proxy::live::NotAdmitted;
use crate::proxy::live::Registry;
use crate::proxy::live::Stake;
use crate::proxy::live::Terms;
use crate::proxy::live::Withdrawal;
use crate::proxy::live::keep_deciding;
use crate::proxy::ruling;
use crate::proxy::ruling::Rulings;
use crate::session::Board;
use crate::time::Clock;
use crate::tls::Lease;

/// One worker's desk. It never leaves its thread.
#[derive(Debug)]
pub struct Desk {
    alarms: Alarms,
    clock: Arc<dyn Clock>,
    decider: RefCell<Decider>,
    drain: Watch,
    fate: Fate,
    live: Rc<Registry>,
    log: Shard,
    meters: LiveMeters,
    /// Who is signed in, where there is a door for people.
    people: Option<Arc<Board>>,
    policy: RefCell<View>,
    rulings: Rulings,
    sources: Sources,
    tasks: Tasks,
}

impl Desk {
    /// A desk with an empty memory, at which `sources` call.
    #[must_use]
    pub fn new(
        (policy, meters): (View, LiveMeters),
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
            live: Rc::default(),
            log,
            meters,
            people: None,
            policy: RefCell::new(policy),
            rulings: Rulings::default(),
            sources,
            tasks: Tasks::new(),
        }
    }

    /// The same where people are known by what is on `board`.
    #[must_use]
    pub fn knowing(self, board: Arc<Board>) -> Self {
        Self {
            people: Some(board),
            ..self
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

    /// What binds a connection that there is a `lease` of, if anything is proved
    /// on it, and which may go on in a `grace` beyond.
    pub(super) fn lifetime(&self, lease: Option<Lease>, grace: Option<Rc<Grace>>) -> Lifetime {
        Lifetime {
            clock: Arc::clone(&self.clock),
            drain: self.drain.clone(),
            grace,
            lease,
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

    /// What is in flight.
    pub(super) const fn live(&self) -> &Rc<Registry> {
        &self.live
    }

    /// Asks the policy that is in force now about `request`. With a yes comes
    /// the stake by which it is asked again, as long as that is held.
    pub(super) fn admit(
        &self,
        asker: &Rc<Asker>,
        request: &Canonical,
        activity: &Rc<Activity>,
    ) -> Result<(Permit, Stake), NotAdmitted> {
        let now = self.clock.now();
        let mut view = self.policy.borrow_mut();
        // Counted before it is looked at: what ends in between is looked at again.
        let sessions = self.sessions();
        let caller = &asker.caller(self.people.as_deref(), now)?;
        let from = (asker.source, now);
        let question = asked::question(request, caller, &asker.service, from);
        let mut decider = self.decider.borrow_mut();
        let permit = decider.decide(view.current(), &question)?;
        let (policy, policies) = view.last();
        let generation = Generation { policies, sessions };
        let readable = self.live.readable(policy, policies);
        let asked = Asked::request(Rc::clone(asker), request, readable);
        let timing = asker.timing(permit.timing());
        let terms = Terms::new(Moment { generation, now }, timing);
        let stake = self.live.enter(asked, terms, activity);
        Ok((permit, stake))
    }

    /// Whether `request`, which is denied, would be let in if its caller had only
    /// just signed in.
    pub(super) fn would_admit_if_fresh(&self, asker: &Asker, request: &Canonical) -> bool {
        let now = self.clock.now();
        let view = self.policy.borrow();
        let (policy, _) = view.last();
        let from = (asker.source, now);
        let question = asked::question(request, &asker.caller, &asker.service, from);
        let mut decider = self.decider.borrow_mut();
        decider.would_permit_if_fresh(policy, &question)
    }

    /// The same about a connection.
    pub(super) fn admit_connection(
        &self,
        asker: Rc<Asker>,
        activity: &Rc<Activity>,
    ) -> Result<(Permit, Stake), Denial> {
        let now = self.clock.now();
        let mut view = self.policy.borrow_mut();
        let connection = Connection {
            caller: &asker.caller,
            service: &asker.service,
            source: asker.source,
            now,
        };
        let mut decider = self.decider.borrow_mut();
        let permit = decider.decide_connection(view.current(), &connection)?;
        let generation = Generation {
            policies: view.last().1,
            sessions: self.sessions(),
        };
        let terms = Terms::new(Moment { generation, now }, permit.timing());
        let stake = self.live.enter(Asked::connection(asker), terms, activity);
        Ok((permit, stake))
    }

    /// Keeps what is in flight to what the policy says now, for ever.
    pub async fn keep_deciding(&self) -> Infallible {
        let changed = self.policy.borrow().changed();
        let people = self.people.as_ref().map(|board| board.changed());
        keep_deciding(self, changed, people).await
    }

    /// How often sessions have changed.
    fn sessions(&self) -> u64 {
        self.people.as_ref().map_or(0, |board| board.generation())
    }

    /// Asks again, from number `from` of what is in flight on, about what the
    /// answer may be another to. Returns where to go on, if there is more.
    pub(super) fn sweep(&self, from: usize) -> Option<usize> {
        let now = self.clock.now();
        let mut view = self.policy.borrow_mut();
        view.current();
        let (policy, policies) = view.last();
        let generation = Generation {
            policies,
            sessions: self.sessions(),
        };
        let readable = self.live.readable(policy, policies);
        let people = self.people.as_deref();
        let mut decider = self.decider.borrow_mut();
        self.live.sweep(
            from,
            Moment { generation, now },
            |asked, cause| match asked.ask(&mut decider, (policy, people), &readable, now) {
                Ok(permit) => {
                    self.meters.decided(cause, None);
                    Ok(asked.timing(permit.timing()))
                }
                Err(why) => {
                    let said = match &why {
                        NotAdmitted::Denied(denial) => ruling::withdrawn(denial),
                        NotAdmitted::Over(over) => ruling::signed_out(*over, policy.revision()),
                    };
                    self.meters.decided(cause, Some(said.reason));
                    let denial = match why {
                        NotAdmitted::Denied(denial) => Some(denial),
                        NotAdmitted::Over(_) => None,
                    };
                    Err(Rc::new(Withdrawal { denial, said }))
                }
            },
        )
    }
}
