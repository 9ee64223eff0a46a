//! The way of one request through a door.
//!
//! Room for its record, then one reading, then the policy's word, and only
//! then the other side. Each step needs what the step before made.

use std::cell::RefCell;
use std::rc::Rc;

use http::Request;
use http::Response;
use http::request::Parts;
use http::uri::Scheme;

use crate::proxy::authority::Recent;
use crate::proxy::body::Source;
use crate::proxy::canonical::Canonical;
use crate::proxy::canonical::Rules;
use crate::proxy::desk::Desk;
use crate::proxy::download::Download;
use crate::proxy::exchange::Exchange;
use crate::proxy::forwarding;
use crate::proxy::forwarding::Forwarding;
use crate::proxy::gates::Admission;
use crate::proxy::guest::Guest;
use crate::proxy::handover::Awaited;
use crate::proxy::introduction::Introduction;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::live::NotAdmitted;
use crate::proxy::refusal::Refusal;
use crate::proxy::serve;
use crate::proxy::settings::Limits;
use crate::proxy::upstream;
use crate::proxy::upstream::Upstream;
use crate::tls::Belief;
use crate::tls::Loss;

/// One connection's way through its door.
#[derive(Debug)]
pub(super) struct Passage {
    /// What requests must get past besides the policy.
    pub(super) admission: Admission,
    /// Why we believe whoever asks; none where nothing is proved.
    pub(super) belief: RefCell<Option<Belief>>,
    pub(super) desk: Rc<Desk>,
    pub(super) guest: Guest,
    /// Fields that tell the other side who calls.
    pub(super) introduction: Rc<Introduction>,
    pub(super) lifetime: Lifetime,
    pub(super) limits: Limits,
    pub(super) recent: RefCell<Recent>,
    pub(super) rules: Rules,
    /// What the other side takes requests to be for.
    pub(super) scheme: Scheme,
    pub(super) upstream: Rc<Upstream>,
}

impl serve::Answer for Passage {
    async fn answer(
        &self,
        request: Request<Source>,
        caller: Option<Awaited>,
    ) -> Response<Download> {
        let (mut head, source) = request.into_parts();
        let room = match self.desk.room() {
            Ok(room) => room,
            Err(no_room) => {
                tracing::debug!(why = no_room.as_str(), "no room in the audit log");
                return self
                    .guest
                    .visit()
                    .turn_away(&head.method, self.limits.silence);
            }
        };
        let mut exchange = Exchange::begin(room, self.guest.visit(), &head, self.limits.silence);
        match self.pass(&mut head, source, &mut exchange).await {
            Ok(answer) => {
                forwarding::hand_back((&self.desk, &self.lifetime), answer, exchange, caller)
            }
            Err(refusal) => exchange.refuse(&refusal),
        }
    }

    fn unread(&self, reason: &'static str) {
        self.guest.visit().unread(&self.desk, reason);
    }
}

impl Passage {
    async fn pass(
        &self,
        head: &mut Parts,
        source: Source,
        exchange: &mut Exchange,
    ) -> Result<upstream::Answer, Refusal> {
        let read = Canonical::from_head(head, self.rules, &mut self.recent.borrow_mut());
        // Whatever becomes of it, it counts. But what has two readings is said to
        // have them, because that ends its connection.
        let paced = self.admission.pace();
        let request = read?;
        exchange.read(&request);
        paced?;
        self.believe()?;
        let rulings = self.desk.rulings();
        let (permit, stake) = self
            .desk
            .admit(self.guest.asker(), &request, exchange.activity())
            .inspect_err(|why| {
                if let NotAdmitted::Denied(denial) = why {
                    exchange.denied(denial, rulings);
                }
            })?;
        exchange.permitted(&permit, stake, rulings);
        exchange.admitted(self.admission.enter()?);
        let forwarding = self.forwarding();
        forwarding.forward(permit, request, source, exchange).await
    }

    /// That whoever asks is still believed. Connections are cut when it is not;
    /// this is for the request that comes before the cut.
    fn believe(&self) -> Result<(), Refusal> {
        let mut belief = self.belief.borrow_mut();
        let Some(belief) = belief.as_mut() else {
            return Ok(());
        };
        let clock = self.desk.clock().as_ref();
        // What outlives its certificate is there for what has begun on it.
        if self.lifetime.may_outlive() && belief.not_after() <= clock.now() {
            return Err(Refusal::Lost(Loss::Ended));
        }
        belief
            .lost(clock)
            .map_or(Ok(()), |loss| Err(Refusal::Lost(loss)))
    }

    fn forwarding(&self) -> Forwarding<'_> {
        Forwarding {
            desk: &self.desk,
            introduction: &self.introduction,
            scheme: &self.scheme,
            upstream: &self.upstream,
        }
    }
}
