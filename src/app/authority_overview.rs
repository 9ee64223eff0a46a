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
    pub(super) identity: Arc<Live>,
    pub(super) log: Log,
}

impl admin::Report for AuthorityOverview {
    fn status(&self) -> admin::Status {
        admin::Status {
            identity: Some(overview::identity(&self.identity)),
            policy: None,
            listeners: vec![admin::Listener {
                door: "authority",
                address: self.address,
                to: None,
            }],
            live: admin::Live::default(),
            audit: self.log.status().into(),
        }
    }
}
