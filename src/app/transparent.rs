//! A worker's door for what is redirected to it.

use std::rc::Rc;
use std::sync::Arc;

use crate::app::worker::Common;
use crate::audit;
use crate::net::Capture;
use crate::net::Captured;
use crate::net::Captures;
use crate::net::Whereabouts;
use crate::proxy::Beyond;
use crate::proxy::Desk;
use crate::proxy::PlainWay;
use crate::proxy::Scratch;
use crate::proxy::TransparentDoor;
use crate::proxy::WayEquipment;

/// What is beyond a worker's door, by where it was going.
#[derive(Debug, Default)]
pub(super) struct Ways {
    named: Vec<(Whereabouts, Beyond)>,
    written: Vec<(Capture, Beyond)>,
}

impl Ways {
    /// What may leave in the clear.
    pub(super) fn in_the_clear(common: &Common, desk: &Rc<Desk>, scratch: &Scratch) -> Self {
        let mut ways = Self::default();
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
            ways.add(common, &written.captures, &Beyond::Plain(way));
        }
        ways
    }

    /// Adds what is `beyond` for all that is `captured`.
    pub(super) fn add(&mut self, common: &Common, captured: &[Captured], beyond: &Beyond) {
        for one in captured {
            match one {
                Captured::At(capture) => self.written.push((*capture, beyond.clone())),
                Captured::Named(name) => {
                    let whereabouts = common.whereabouts.captured.get(name).cloned();
                    let named = whereabouts.map(|whereabouts| (whereabouts, beyond.clone()));
                    self.named.extend(named);
                }
            }
        }
    }
}

/// The door to what is `beyond`, if there is to be one.
pub(super) fn door(common: &Common, beyond: Ways, desk: Rc<Desk>) -> Option<Rc<TransparentDoor>> {
    let settings = common.config.transparent.as_ref()?;
    Some(Rc::new(TransparentDoor::new(
        Captures::new(beyond.written, beyond.named),
        (settings.limits, common.own.clone()),
        desk,
        Arc::clone(&common.identity),
        &common.metrics,
    )))
}
