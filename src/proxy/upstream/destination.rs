//! Another workload, at all of its addresses.
//!
//! A request goes to one of the endpoints. If that cannot be reached, nothing
//! was sent, and another is tried at once. What was sent is sent again only
//! where that is safe: the far side says that it has not looked at it, or the
//! connection broke under a request that may be repeated (RFC 9110 9.2.2). A
//! request with a body is never sent twice: its bytes are gone.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use http::Request;
use http_body::Body as _;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::DialError;
use crate::net::Dice;
use crate::net::Known;
use crate::net::Whereabouts;
use crate::proxy::activity::Activity;
use crate::proxy::meters::Again;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::alone;
use crate::proxy::upstream::budget::Budget;
use crate::proxy::upstream::budget::Retries;
use crate::proxy::upstream::health::Ejection;
use crate::proxy::upstream::health::Health;
use crate::proxy::upstream::http2::Place;
use crate::proxy::upstream::http2::Tunnels;
use crate::proxy::upstream::load::Load;
use crate::proxy::upstream::roster;
use crate::proxy::upstream::roster::Roster;
use crate::proxy::upstream::trial::Trial;
use crate::proxy::upstream::vigil::UNRESPONSIVE;
use crate::proxy::upstream::vigil::Vigil;

/// How a destination's endpoints are used.
#[derive(Clone, Copy, Debug)]
pub struct Balancing {
    /// When an endpoint is not used for a while.
    pub ejection: Ejection,
    /// How long a connection without streams is kept.
    pub idle: Duration,
    /// After how long a silence a connection is pinged, and how long it may
    /// take to answer. Above zero.
    pub ping: Duration,
    /// When a request is tried again.
    pub retries: Retries,
}

/// One worker's way to another workload.
#[derive(Debug)]
pub(super) struct Destination {
    budget: Budget,
    dice: Dice,
    reach: Reach,
    roster: RefCell<Roster<Ways>>,
    vigil: Vigil,
    whereabouts: RefCell<Whereabouts>,
}

/// The connections to one endpoint.
#[derive(Debug)]
pub(super) struct Ways {
    /// For upgrades, which have a connection each.
    reach: Rc<Reach>,
    tunnels: Tunnels,
}

pub(super) type Endpoint = roster::Endpoint<Ways>;

/// How far a request has come.
struct Course {
    activity: Rc<Activity>,
    /// How often another endpoint was tried because one could not be reached.
    detours: u32,
    last: Option<Rc<Endpoint>>,
    method: Method,
    /// How often it was tried again after a pause.
    retries: u32,
}

impl Course {
    /// The first attempt is made as soon as the request is there, which spares
    /// it a look at the clock.
    fn now(&self) -> Instant {
        if self.last.is_none() {
            self.activity.moved()
        } else {
            Instant::now()
        }
    }
}

impl Destination {
    pub(super) fn new(reach: Reach, whereabouts: Whereabouts, balancing: Balancing) -> Self {
        let new = Self {
            budget: Budget::new(balancing.retries, Instant::now()),
            dice: Dice::new(),
            roster: RefCell::new(Roster::new(balancing.ejection)),
            vigil: Vigil {
                idle: balancing.idle,
                ping: balancing.ping,
            },
            reach,
            whereabouts: RefCell::new(whereabouts),
        };
        new.look(Instant::now());
        new
    }

    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Answer, UpstreamError> {
        let mut course = Course {
            activity: Rc::clone(&outgoing.activity),
            detours: 0,
            last: None,
            method: outgoing.method.clone(),
            retries: 0,
        };
        self.budget.request(course.activity.moved());
        if outgoing.upgrade.is_some() {
            return Box::pin(self.send_alone(outgoing, course)).await;
        }
        let (mut head, body) = outgoing.into_http2()?;
        let mut body = (!body.is_end_stream()).then_some(body);
        loop {
            let (endpoint, place) = self.place(&mut course).await?;
            let may_retry = body.is_none() && self.budget.settings().most > 0;
            let spare = may_retry.then(|| head.clone());
            let trial = Trial::begin(self, &endpoint, &course.activity, course.now());
            let activity = Rc::clone(&course.activity);
            let error = match place.send(head, body.take(), activity).await {
                Ok(answer) => {
                    trial.answered(answer.response.status());
                    return Ok(answer);
                }
                Err(error) => error,
            };
            trial.failed(&error);
            course.last = Some(endpoint);
            // Boxed, as all that is rare: the future of each request has room for it.
            head = Box::pin(self.again(&mut course, error, spare)).await?;
        }
    }

    /// A request that may end HTTP on its connection: sent once.
    async fn send_alone(
        &self,
        outgoing: Outgoing,
        mut course: Course,
    ) -> Result<Answer, UpstreamError> {
        let mut endpoint = self.choose(&course).await?;
        if self.has_choice() {
            // Where there is a tunnel it can be reached.
            endpoint = self.place(&mut course).await?.0;
        }
        let trial = Trial::begin(self, &endpoint, &course.activity, course.now());
        let sent = alone::send(&endpoint.way.reach, outgoing).await;
        match &sent {
            Ok(answer) => trial.answered(answer.response.status()),
            Err(error) => trial.failed(error),
        }
        sent
    }

    /// A place for one stream, at an endpoint that can be reached.
    async fn place(&self, course: &mut Course) -> Result<(Rc<Endpoint>, Place), UpstreamError> {
        loop {
            let endpoint = self.choose(course).await?;
            let error = match endpoint.way.tunnels.place().await {
                Ok(place) => {
                    endpoint.health.reached();
                    return Ok((endpoint, place));
                }
                Err(error) => error,
            };
            self.was_not_reached(&endpoint);
            let has_other = self.roster.borrow().has_other_than(&endpoint);
            if has_other && course.detours < MOST_DETOURS {
                // Nothing was sent, so that costs nobody anything.
                course.detours += 1;
                course.activity.tried_again();
                self.reach.meters.tried_again(Again::Unreached);
            } else {
                let may_pause = !has_other && may_pass(&error);
                if !may_pause || !Box::pin(self.pause(course, Again::Unreached)).await {
                    return Err(error);
                }
            }
            course.last = Some(endpoint);
        }
    }

    /// What to send after `error`, if it may be sent again.
    async fn again(
        &self,
        course: &mut Course,
        error: UpstreamError,
        spare: Option<Request<()>>,
    ) -> Result<Request<()>, UpstreamError> {
        let Some((spare, why)) = spare.zip(again(&error, &course.method)) else {
            return Err(error);
        };
        if self.pause(course, why).await {
            Ok(spare)
        } else {
            Err(error)
        }
    }

    /// Waits before the next try, if there may be one.
    async fn pause(&self, course: &mut Course, why: Again) -> bool {
        if course.retries >= self.budget.settings().most || !self.budget.spend(Instant::now()) {
            return false;
        }
        let longest = FIRST_PAUSE * (1 << course.retries.min(4));
        course.retries += 1;
        course.activity.tried_again();
        self.reach.meters.tried_again(why);
        sleep(longest.mul_f64(self.dice.fraction())).await;
        true
    }

    async fn choose(&self, course: &Course) -> Result<Rc<Endpoint>, UpstreamError> {
        if let Some(endpoint) = self.choose_now(course, course.now()) {
            return Ok(endpoint);
        }
        // Its name is being looked up for the first time, or leads nowhere.
        let told = self.whereabouts.borrow().clone().told();
        let limit = self.reach.limits.connect;
        drop(Box::pin(timeout(limit, told)).await);
        self.choose_now(course, Instant::now())
            .ok_or(UpstreamError::Nowhere)
    }

    fn choose_now(&self, course: &Course, now: Instant) -> Option<Rc<Endpoint>> {
        if self.whereabouts.borrow().has_changed() {
            self.look(now);
        }
        let mut roster = self.roster.borrow_mut();
        roster.choose(now, course.last.as_ref(), &self.dice)
    }

    /// Takes over what is known of the addresses.
    fn look(&self, now: Instant) {
        let known = self.whereabouts.borrow_mut().look();
        let addresses: &[SocketAddr] = match &known {
            Known::At(addresses) => addresses,
            Known::Lost | Known::NotYet => &[],
        };
        let mut roster = self.roster.borrow_mut();
        roster.replace(addresses, now, |address| self.endpoint(address));
    }

    fn endpoint(&self, address: SocketAddr) -> Endpoint {
        let reach = Rc::new(self.reach.to(address));
        let tunnels = Tunnels::new(Rc::clone(&reach), Some(self.vigil));
        Endpoint {
            address,
            health: Health::default(),
            load: Load::default(),
            under_way: tunnels.streams(),
            way: Ways { reach, tunnels },
        }
    }

    /// Whether there is more than one endpoint to choose from.
    pub(super) fn has_choice(&self) -> bool {
        self.roster.borrow().has_choice()
    }

    /// `endpoint` failed, or answered that what is behind it does.
    pub(super) fn did_badly(&self, endpoint: &Endpoint) {
        if self.roster.borrow_mut().did_badly(endpoint, Instant::now()) {
            self.reach.meters.ejected();
        }
    }

    pub(super) fn was_not_reached(&self, endpoint: &Endpoint) {
        let now = Instant::now();
        if self.roster.borrow_mut().was_not_reached(endpoint, now) {
            self.reach.meters.rested();
        }
    }
}

/// Whether the only endpoint may be reached in a moment: what took its whole
/// time once, or showed the wrong name, is not asked again.
const fn may_pass(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Dial { cause } => matches!(cause, DialError::Failed { .. }),
        UpstreamError::Unreachable => true,
        _ => false,
    }
}

/// Why what was sent may be sent again, if it may.
fn again(error: &UpstreamError, method: &Method) -> Option<Again> {
    match error {
        UpstreamError::Http2 { cause } => {
            // RFC 9113 8.7: neither was processed.
            let is_refused = cause.is_reset() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
            if cause.is_remote() && (is_refused || cause.is_go_away()) {
                return Some(Again::Refused);
            }
            (method.is_idempotent() && cause.is_io()).then_some(Again::Broken)
        }
        UpstreamError::Lost { reason } if *reason == UNRESPONSIVE => {
            method.is_idempotent().then_some(Again::Broken)
        }
        _ => None,
    }
}

/// How many endpoints are tried for one request because others cannot be reached.
const MOST_DETOURS: u32 = 3;

/// The longest pause before the first retry; before each further one it is
/// twice as long. Envoy's.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
