//! What follows a yes: the request goes on, and its answer comes back.

use std::future::Future;
use std::rc::Rc;

use http::Response;
use http::uri::Scheme;

use crate::policy::Permit;
use crate::proxy::activity::Phase;
use crate::proxy::activity::silent;
use crate::proxy::body::Source;
use crate::proxy::body::Upload;
use crate::proxy::canonical::Canonical;
use crate::proxy::desk::Desk;
use crate::proxy::download::Download;
use crate::proxy::exchange::Exchange;
use crate::proxy::handover::Awaited;
use crate::proxy::introduction::Introduction;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::refusal::Refusal;
use crate::proxy::switch;
use crate::proxy::upstream;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::Upstream;

/// Where a permitted request goes, and as what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarding<'a> {
    pub(super) desk: &'a Desk,
    /// Fields that tell the other side who calls.
    pub(super) introduction: &'a Rc<Introduction>,
    /// What the other side takes requests to be for.
    pub(super) scheme: &'a Scheme,
    pub(super) upstream: &'a Upstream,
}

impl<'a> Forwarding<'a> {
    /// Spends `permit` on `request`.
    pub(super) fn forward(
        self,
        permit: Permit,
        request: Canonical,
        source: Source,
        exchange: &mut Exchange,
    ) -> impl Future<Output = Result<upstream::Answer, Refusal>> + use<'a> {
        drop(permit);
        exchange.passed_on(self.upstream.protocol_of(&request));
        let outgoing = Box::new(Outgoing {
            activity: Rc::clone(exchange.activity()),
            authority: request.authority,
            body: Upload::new(source, request.length, Rc::clone(exchange.activity())),
            headers: request.headers,
            introduction: Rc::clone(self.introduction),
            method: request.method,
            path_and_query: request.path_and_query,
            scheme: self.scheme.clone(),
            trailers: request.trailers,
            upgrade: request.upgrade,
        });
        let activity = Rc::clone(exchange.activity());
        let Self { desk, upstream, .. } = self;
        async move {
            let answered = tokio::select! {
                biased;
                why = activity.permission().withdrawn() => return Err(Refusal::Withdrawn(why)),
                answered = upstream.send(outgoing) => answered.map_err(Refusal::from),
                () = silent(&activity, desk.alarms()) => Err(Refusal::TimedOut),
            };
            // Whatever it looks like from the other side, a request that broke
            // off or stood still is its caller's doing.
            answered.map_err(|refusal| match activity.phase() {
                Phase::BrokenOff => Refusal::RequestBrokeOff,
                Phase::Sending if matches!(refusal, Refusal::TimedOut) => Refusal::RequestStalled,
                Phase::Stalled => Refusal::RequestStalled,
                Phase::Responding | Phase::Sending | Phase::Waiting => refusal,
            })
        }
    }
}

/// Brings `answer` back to whoever asked, on a connection with this lifetime.
pub(super) fn hand_back(
    (desk, lifetime): (&Rc<Desk>, &Lifetime),
    mut answer: upstream::Answer,
    exchange: Exchange,
    caller: Option<Awaited>,
) -> Response<Download> {
    match (std::mem::replace(&mut answer.rest, Rest::Nothing), caller) {
        (Rest::Switched(far), Some(caller)) => {
            let sides = switch::Sides {
                bond: answer.bond,
                caller,
                far,
            };
            let (response, relay) = switch::switch(
                answer.response,
                sides,
                exchange,
                lifetime.clone(),
                Rc::clone(desk),
            );
            desk.tasks().spawn(relay);
            response
        }
        (rest, _) => {
            answer.rest = rest;
            exchange.respond(answer)
        }
    }
}
