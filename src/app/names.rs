//! The names that the outbound doors lead to, and those that redirected
//! connections were going to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Config;
use crate::net::Captured;
use crate::net::Names;
use crate::net::Whereabouts;

/// Where the names lead, for all workers.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// By what is captured: `host:port`.
    pub(super) captured: Arc<HashMap<Arc<str>, Whereabouts>>,
    /// Where each outbound door leads.
    pub(super) outbound: Arc<[Whereabouts]>,
    /// Where each one for what is not HTTP leads.
    pub(super) tcp_outbound: Arc<[Whereabouts]>,
}

/// What keeps them up to date, and where they lead.
pub(super) fn follow(config: &Config) -> (Names, Places) {
    let mut names = Names::new(config.names.clone());
    let doors = config.outbound.iter();
    let outbound = doors.map(|door| names.follow(&door.to)).collect();
    let doors = config.tcp_outbound.iter();
    let tcp_outbound = doors.map(|door| names.follow(&door.to)).collect();
    let http = config.outbound.iter().map(|door| &door.captures);
    let tcp = config.tcp_outbound.iter().map(|door| &door.captures);
    let ways = config.transparent.iter().flat_map(|door| &door.passthrough);
    let ways = ways.map(|way| &way.captures);
    let mut captured = HashMap::new();
    for one in http.chain(tcp).chain(ways).flatten() {
        if let Captured::Named { destination, .. } = one {
            let place = captured.entry(Arc::clone(destination));
            place.or_insert_with(|| names.follow(destination));
        }
    }
    let captured = Arc::new(captured);
    let places = Places {
        captured,
        outbound,
        tcp_outbound,
    };
    (names, places)
}
