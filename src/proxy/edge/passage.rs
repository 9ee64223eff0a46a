//! The way of one person's request through the edge.
//!
//! Room for its record, then one reading, then the route; then who asks, then
//! the policy's word, and only then the application. Whoever is denied and has
//! not said who they are is asked, if there is somebody to look at the question.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use http::Response;
use http::header;
use http::request::Parts;
use tokio::time::timeout;

use crate::policy::Denial;
use crate::policy::DenialReason;
use crate::proxy::authority::Recent;
use crate::proxy::body::Source;
use crate::proxy::canonical::Canonical;
use crate::proxy::canonical::Malformed;
use crate::proxy::download::Download;
use crate::proxy::edge::browser::Reader;
use crate::proxy::edge::door::House;
use crate::proxy::edge::door::Place;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::errand::From;
use crate::proxy::edge::errand::NotHeard;
use crate::proxy::edge::errand::SignIn;
use crate::proxy::edge::fields;
use crate::proxy::edge::origins;
use crate::proxy::edge::page::Page;
use crate::proxy::edge::papers::Cookie;
use crate::proxy::edge::papers::Papers;
use crate::proxy::edge::say;
use crate::proxy::edge::visitor::Visitor;
use crate::proxy::edge::visitor::Visitors;
use crate::proxy::edge::who::Who;
use crate::proxy::exchange::Exchange;
use crate::proxy::forwarding;
use crate::proxy::forwarding::Forwarding;
use crate::proxy::gates::Shed;
use crate::proxy::guest::Visit;
use crate::proxy::handover::Awaited;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::live::NotAdmitted;
use crate::proxy::path;
use crate::proxy::path::Latitude;
use crate::proxy::refusal::Refusal;
use crate::proxy::serve;
use crate::proxy::upstream;
use crate::session::Program;

/// One connection's way through the door.
#[derive(Debug)]
pub(in crate::proxy) struct Passage {
    house: Rc<House>,
    lifetime: Lifetime,
    recent: RefCell<Recent>,
    source: SocketAddr,
    visit: Visit,
    visitors: Visitors,
}

/// How a request is answered.
enum Outcome {
    /// By its application.
    Forwarded(upstream::Answer),
    /// By ourselves.
    Said(Page),
}

impl Passage {
    pub(super) fn new(
        house: Rc<House>,
        lifetime: Lifetime,
        source: SocketAddr,
        visit: Visit,
    ) -> Self {
        Self {
            house,
            lifetime,
            recent: RefCell::default(),
            source,
            visit,
            visitors: Visitors::default(),
        }
    }
}

impl serve::Answer for Passage {
    async fn answer(
        &self,
        request: Request<Source>,
        caller: Option<Awaited>,
    ) -> Response<Download> {
        let (mut head, source) = request.into_parts();
        let desk = &self.house.desk;
        let silence = self.house.limits.silence;
        let Ok(room) = desk.room() else {
            return self.visit.turn_away(&head.method, silence);
        };
        let reader = Reader::of(&head.method, &head.headers);
        let mut exchange = Exchange::begin(room, &self.visit, &head, silence);
        match self.pass(&mut head, reader, source, &mut exchange).await {
            Ok(Outcome::Forwarded(answer)) => {
                forwarding::hand_back((desk, &self.lifetime), answer, exchange, caller)
            }
            Ok(Outcome::Said(page)) => exchange.say(page),
            Err(refusal) if reader == Reader::Page => {
                exchange.shed(&refusal);
                let page = say::refused(&refusal, exchange.id());
                exchange.say(page)
            }
            Err(refusal) => exchange.refuse(&refusal),
        }
    }

    fn unread(&self, reason: &'static str) {
        self.visit.unread(&self.house.desk, reason);
    }
}

impl Passage {
    async fn pass(
        &self,
        head: &mut Parts,
        reader: Reader,
        source: Source,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Refusal> {
        let house = &self.house;
        let read = Canonical::from_head(head, house.rules, &mut self.recent.borrow_mut());
        let mut request = read?;
        exchange.read(&request);
        fields::remove(&mut request.headers);
        let host = request.authority.host();
        if !house.routes.has_host(host) {
            return Err(Refusal::Misdirected);
        }
        let route = house.routes.find(host, request.path());
        let place = route.and_then(|at| house.places.get(at));
        has_one_reading(request.path(), place, house.rules.latitude)?;
        let papers = Papers::of((house, self.source.ip()), &mut request, place).await?;
        if is_ours(request.path()) {
            return self
                .ask_ourselves(request, papers, (reader, source))
                .await
                .map(Outcome::Said);
        }
        let place = place.ok_or(Refusal::NoRoute)?;
        exchange.counted_by(&place.meters);
        let visitor = self.visitor(&papers, place, &request);
        exchange.comes_from(visitor.origin.clone());
        // A program's token is sent by nobody who does not know it.
        let is_by_cookie = matches!(papers.cookie, Cookie::Good);
        if is_by_cookie && papers.is_foreign && origins::matters(&request) {
            return Err(Refusal::CrossOrigin);
        }
        if let Some(session) = papers.who.session() {
            exchange.activity().is_of(session, house.desk.clock());
        }
        let rulings = house.desk.rulings();
        let admitted = house
            .desk
            .admit(&visitor.asker, &request, exchange.activity());
        let (permit, stake) = match admitted {
            Ok(admitted) => admitted,
            Err(NotAdmitted::Denied(denial)) => {
                exchange.denied(&denial, rulings);
                return self
                    .turn_back(denial, request, (papers, place, &visitor), reader)
                    .await;
            }
            Err(over) => return Err(over.into()),
        };
        exchange.permitted(&permit, stake, rulings);
        let forwarding = Forwarding {
            desk: &house.desk,
            introduction: &visitor.introduction,
            scheme: &place.scheme,
            upstream: &place.upstream,
        };
        let answer = forwarding
            .forward(permit, request, source, exchange)
            .await?;
        Ok(Outcome::Forwarded(answer))
    }

    fn visitor(&self, papers: &Papers, place: &Place, request: &Canonical) -> Rc<Visitor> {
        let now = self.house.desk.clock().now();
        let (authority, asserter) = (&request.authority, &self.house.asserter);
        self.visitors.of(
            &papers.who,
            (place, authority),
            self.source,
            (asserter, now),
        )
    }

    /// Answers whoever wants something of ourselves.
    async fn ask_ourselves(
        &self,
        request: Canonical,
        papers: Papers,
        (reader, source): (Reader, Source),
    ) -> Result<Page, Refusal> {
        let body = timeout(self.house.limits.header_read, collect(source)).await;
        let body = body.map_err(|_elapsed| Refusal::RequestStalled)??;
        let text = |name| {
            let value = request.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let asked = Asked {
            body,
            from: self.from(&request, &papers),
            is_form: text(header::CONTENT_TYPE).is_some_and(is_form),
            reader,
            session: papers.who.session().map(Arc::clone),
            program: self.program(&request, &papers),
            method: request.method,
            target: request.path_and_query,
        };
        Ok(self.house.counter.place(asked).await?)
    }

    /// Who asks, if nothing says that it is a browser.
    fn program(&self, request: &Canonical, papers: &Papers) -> Option<Program> {
        let is_browser = origins::is_from_a_page(&request.headers)
            || !matches!(papers.cookie, Cookie::Absent)
            || !papers.logins.is_empty();
        let name = request.headers.get(header::USER_AGENT);
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
        (!is_browser).then(|| Program::new(name, self.source.ip()))
    }

    fn from(&self, request: &Canonical, papers: &Papers) -> From {
        From {
            authority: request.authority.clone(),
            is_foreign: papers.is_foreign,
            logins: papers.logins.clone(),
            source: self.source,
        }
    }

    /// Answers whoever is denied.
    async fn turn_back(
        &self,
        denial: Denial,
        request: Canonical,
        (papers, place, visitor): (Papers, &Place, &Visitor),
        reader: Reader,
    ) -> Result<Outcome, Refusal> {
        let is_open = matches!(
            denial.reason(),
            DenialReason::NoPermit | DenialReason::Forbidden
        );
        let desk = &self.house.desk;
        let is_step_up = match papers.who {
            Who::Nobody if is_open => false,
            Who::Session(_) if is_open && desk.would_admit_if_fresh(&visitor.asker, &request) => {
                true
            }
            Who::Nobody | Who::Session(_) | Who::Vouched(_) => return Err(Refusal::Denied(denial)),
        };
        if reader == Reader::Program {
            return Err(Refusal::Unauthenticated { denial, is_step_up });
        }
        let wanted = SignIn {
            from: self.from(&request, &papers),
            is_step_up,
            provider: place.settings.provider.clone(),
            return_to: request.path_and_query,
        };
        let page = self.house.counter.sign_in(wanted).await?;
        Ok(Outcome::Said(match papers.cookie {
            Cookie::Useless => say::forgetting(page),
            Cookie::Absent | Cookie::Good => page,
        }))
    }
}

/// Whether `path` has one reading for who is at `place`: the door has let through
/// what any of its routes takes, which is `taken`.
fn has_one_reading(path: &str, place: Option<&Place>, taken: Latitude) -> Result<(), Malformed> {
    let place = place.filter(|_| !is_ours(path));
    let latitude = place.map_or_else(Latitude::default, |place| place.settings.latitude);
    if latitude == taken {
        return Ok(());
    }
    match path::canonical(path, latitude) {
        Ok(_same) => Ok(()),
        Err(cause) => Err(Malformed::BadPath { cause }),
    }
}

/// Our own places, on every host.
fn is_ours(path: &str) -> bool {
    [PLACE, WELL_KNOWN].iter().any(|ours| {
        let rest = path.strip_prefix(ours);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The whole of a small body.
async fn collect(mut source: Source) -> Result<Bytes, Refusal> {
    let mut all = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| source.poll_frame(cx)).await {
        let frame = frame.or(Err(Refusal::RequestBrokeOff))?;
        if let Ok(data) = frame.into_data() {
            if all.len() + data.len() > MOST_BODY_BYTES {
                return Err(Refusal::TooLarge);
            }
            all.extend_from_slice(&data);
        }
        if source.is_ended() {
            break;
        }
    }
    Ok(all.freeze())
}

fn is_form(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl std::convert::From<NotHeard> for Refusal {
    fn from(why: NotHeard) -> Self {
        match why {
            NotHeard::Busy => Self::SignInBusy,
            NotHeard::TooOften { wait } => Self::Shed {
                why: Shed::RateLimited,
                wait,
            },
        }
    }
}

/// What begins so is ours on every host, and reaches no application.
pub(super) const PLACE: &str = "/.portreeve";
/// The same where programs look for what we say about ourselves (RFC 8615).
pub(super) const WELL_KNOWN: &str = "/.well-known/portreeve";

/// A logout token is the largest that anybody has reason to send.
const MOST_BODY_BYTES: usize = 32 * 1024;
