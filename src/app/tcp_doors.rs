//! A worker's doors for what is not HTTP.

use std::rc::Rc;
use std::sync::Arc;

use crate::app::worker::Common;
use crate::audit;
use crate::net::Whereabouts;
use crate::proxy;
use crate::proxy::Desk;
use crate::proxy::Equipment;
use crate::proxy::Scratch;
use crate::proxy::TcpInboundDoor;
use crate::proxy::TcpOutboundDoor;
use crate::tls;

pub(super) fn inbound(
    common: &Common,
    settings: proxy::TcpInbound,
    desk: Rc<Desk>,
    scratch: Scratch,
) -> TcpInboundDoor {
    let acceptor = tls::OpaqueAcceptor::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        common.tls_settings(),
        common.bounds.handshakes.clone(),
    )
    .leasing(common.leases.clone());
    let counted = &common.tcp_metrics;
    let meters = counted.door(audit::Door::Inbound, &settings.service, &common.metrics);
    TcpInboundDoor::new(settings, desk, meters, acceptor, scratch)
}

pub(super) fn outbound(
    common: &Common,
    (settings, whereabouts): (proxy::TcpOutbound, Whereabouts),
    desk: Rc<Desk>,
    scratch: Scratch,
) -> TcpOutboundDoor {
    let tls = tls::OpaqueConnector::new(
        Arc::clone(&common.identity),
        Arc::clone(&common.clock),
        settings.expect.clone(),
        common.tls_settings(),
    );
    let counted = &common.tcp_metrics;
    let equipment = Equipment {
        desk,
        identity: Arc::clone(&common.identity),
        meters: counted.door(audit::Door::Outbound, &settings.service, &common.metrics),
        own: common.own.clone(),
        scratch,
        tls,
        whereabouts,
    };
    TcpOutboundDoor::new(settings, equipment)
}
