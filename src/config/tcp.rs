//! The doors for what is not HTTP into the proxy's settings.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::config::Mistakes;
use crate::config::doors;
use crate::config::tcp_file::Tcp;
use crate::config::tcp_file::TcpInbound;
use crate::config::tcp_file::TcpOutbound;
use crate::config::transparent;
use crate::policy::ServiceName;
use crate::proxy;

/// The doors of both kinds.
#[derive(Debug, Default)]
pub(super) struct Doors {
    pub(super) inbound: Vec<proxy::TcpInbound>,
    pub(super) outbound: Vec<proxy::TcpOutbound>,
}

pub(super) fn doors(
    written: Option<&Tcp>,
    limits: proxy::Limits,
    folder: &Path,
    notes: &mut Mistakes,
) -> Doors {
    let Some(written) = written else {
        return Doors::default();
    };
    if written.inbound.is_empty() && written.outbound.is_empty() {
        notes.add(
            "tcp",
            "has neither `inbound` nor `outbound`: say one, or leave it out",
        );
    }
    let mut limits = limits;
    limits.silence.stream =
        Duration::from_millis(notes.above_zero("tcp.idle_timeout_ms", written.idle_timeout_ms));
    let at = |key: &str, at: usize| format!("tcp.{key}[{at}]");
    let inbound = written.inbound.iter().enumerate();
    let inbound = inbound
        .filter_map(|(n, door)| inbound_door(&at("inbound", n), door, limits, folder, notes));
    let inbound = inbound.collect();
    let outbound = written.outbound.iter().enumerate();
    let outbound =
        outbound.filter_map(|(n, door)| outbound_door(&at("outbound", n), door, limits, notes));
    Doors {
        inbound,
        outbound: outbound.collect(),
    }
}

impl Doors {
    /// Where they listen, by their paths.
    pub(super) fn listens(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        let inbound = self.inbound.iter().map(|door| door.listen).enumerate();
        let inbound = inbound.map(|(at, listen)| (format!("tcp.inbound[{at}].listen"), listen));
        let outbound = self.outbound.iter().enumerate();
        inbound.chain(outbound.filter_map(|(at, door)| {
            let path = format!("tcp.outbound[{at}].listen");
            Some((path, door.listen?))
        }))
    }

    /// What they lead to, as policies call it.
    pub(super) fn services(&self) -> impl Iterator<Item = &ServiceName> {
        let inbound = self.inbound.iter().map(|door| &door.service);
        inbound.chain(self.outbound.iter().map(|door| &door.service))
    }
}

fn inbound_door(
    path: &str,
    written: &TcpInbound,
    limits: proxy::Limits,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<proxy::TcpInbound> {
    let listen = notes.parse::<SocketAddr>(format!("{path}.listen"), &written.listen);
    let service = notes.parse::<ServiceName>(format!("{path}.service"), &written.service);
    let app = doors::app(&format!("{path}.app"), &written.app, folder, notes);
    let balancers = doors::balancers(path, &written.proxy_protocol_from, limits, notes);
    Some(proxy::TcpInbound {
        app: app?,
        balancers,
        limits,
        listen: listen?,
        service: service?,
    })
}

fn outbound_door(
    path: &str,
    written: &TcpOutbound,
    limits: proxy::Limits,
    notes: &mut Mistakes,
) -> Option<proxy::TcpOutbound> {
    let listen = transparent::listen(path, (written.listen.as_deref(), &written.captures), notes);
    let captures = transparent::captures(path, &written.captures, notes);
    let to = doors::destination(&format!("{path}.to"), &written.to, notes);
    let expect = doors::expected(path, &written.expect, notes);
    let service = doors::service(path, written.service.as_deref(), to.as_deref(), notes);
    Some(proxy::TcpOutbound {
        captures,
        expect,
        limits,
        listen: listen?,
        service: service?,
        to: to?,
    })
}
