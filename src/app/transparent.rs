//! A worker's door for what is redirected to it.

use std::rc::Rc;
use std::sync::Arc;

use crate::app::worker::Common;
use crate::audit;
use crate::net::Capture;
use crate::net::Captures;
use crate::proxy::Beyond;
use crate::proxy::Desk;
use crate::proxy::PlainWay;
use crate::proxy::Scratch;
use crate::proxy::TransparentDoor;
use crate::proxy::WayEquipment;

/// What may leave in the clear.
pub(super) fn ways(common: &Common, desk: &Rc<Desk>, scratch: &Scratch) -> Vec<(Capture, Beyond)> {
    let mut ways = Vec::new();
    let Some(settings) = &common.config.transparent else {
        return ways;
    };
    for written in &settings.passthrough {
        let service = &written.service;
        let counted = &common.tcp_metrics;
        let meters = counted.door(audit::Door::Outbound, service, &common.metrics);
        let equipment = WayEquipment {
            desk: Rc::clone(desk),
            identity: Arc::clone(&common.identity),
            meters,
            own: common.own.clone(),
            scratch: scratch.clone(),
        };
        let way = Rc::new(PlainWay::new(service.clone(), settings.limits, equipment));
        let captured = || Beyond::Plain(Rc::clone(&way));
        ways.extend(written.captures.iter().map(|one| (*one, captured())));
    }
    ways
}

/// The door to what is `beyond`, if there is to be one.
pub(super) fn door(
    common: &Common,
    beyond: Vec<(Capture, Beyond)>,
    desk: Rc<Desk>,
) -> Option<Rc<TransparentDoor>> {
    let settings = common.config.transparent.as_ref()?;
    Some(Rc::new(TransparentDoor::new(
        Captures::new(beyond),
        (settings.limits.connections, common.own.clone()),
        desk,
        Arc::clone(&common.identity),
        &common.metrics,
    )))
}
