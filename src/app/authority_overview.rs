//! What an authority's operator sees through the window.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::admin;
use crate::app::overview;
use crate::audit::Log;
use crate::identity::Live;

/// The state of an authority, by reference.
#[derive(Debug)]
pub(super) struct AuthorityOverview {
    pub(super) address: SocketAddr,
    pub(super) bundle_endpoint: Option<SocketAddr>,
    pub(super) identity: Arc<Live>,
    pub(super) log: Log,
}

impl admin::Report for AuthorityOverview {
    fn status(&self) -> admin::Status {
        let listener = |door, address| admin::Listener {
            door,
            address,
            to: None,
        };
        let bundle_endpoint = self.bundle_endpoint.iter();
        admin::Status {
            identity: Some(overview::identity(&self.identity)),
            policy: None,
            listeners: std::iter::once(listener("authority", self.address))
                .chain(bundle_endpoint.map(|address| listener("bundle_endpoint", *address)))
                .collect(),
            live: admin::Live::default(),
            audit: self.log.status().into(),
        }
    }
}
