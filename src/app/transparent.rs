//! A worker's door for what is redirected to it.

use std::rc::Rc;
use std::sync::Arc;

use crate::app::worker::Common;
use crate::audit;
use crate::net::Captured;
use crate::net::Captures;
use crate::net::Lead;
use crate::proxy::Beyond;
use crate::proxy::Desk;
use crate::proxy::PlainWay;
use crate::proxy::Scratch;
use crate::proxy::TransparentDoor;
use crate::proxy::WayEquipment;

/// What may leave in the clear.
pub(super) fn in_the_clear(
    common: &Common,
    desk: &Rc<Desk>,
    scratch: &Scratch,
) -> Captures<Beyond> {
    let mut ways = Captures::none();
    let Some(settings) = &common.config.transparent else {
        return ways;
    };
    for written in &settings.passthrough {
        let service = &written.service;
        let counted = &common.tcp_metrics;
        let equipment = WayEquipment {
            desk: Rc::clone(desk),
            identity: Arc::clone(&common.identity),
            meters: counted.door(audit::Door::Outbound, service, &common.metrics),
            own: common.own.clone(),
            scratch: scratch.clone(),
        };
        let way = Rc::new(PlainWay::new(service.clone(), settings.limits, equipment));
        add(&mut ways, common, &written.captures, Beyond::Plain(way));
    }
    ways
}

/// Adds what is `beyond` for all that is `captured`.
pub(super) fn add(
    captures: &mut Captures<Beyond>,
    common: &Common,
    captured: &[Captured],
    beyond: Beyond,
) {
    let mut written = Vec::new();
    let mut leads = Vec::new();
    for one in captured {
        match one {
            Captured::At(capture) => written.push(*capture),
            Captured::Named { destination, port } => {
                let whereabouts = common.whereabouts.captured.get(destination);
                leads.extend(whereabouts.map(|whereabouts| Lead {
                    port: *port,
                    whereabouts: whereabouts.clone(),
                }));
            }
        }
    }
    captures.add(beyond.security(), &written, leads, beyond);
}

/// The door to what is `beyond`, if there is to be one.
pub(super) fn door(
    common: &Common,
    beyond: Captures<Beyond>,
    desk: Rc<Desk>,
) -> Option<Rc<TransparentDoor>> {
    let settings = common.config.transparent.as_ref()?;
    Some(Rc::new(TransparentDoor::new(
        beyond,
        (settings.limits, common.own.clone()),
        desk,
        Arc::clone(&common.identity),
        &common.metrics,
    )))
}
