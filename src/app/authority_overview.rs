//! What an authority's operator sees through the window.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::admin;
use crate::app::overview;
use crate::audit::Log;
use crate::authority::PolicyStatus;
use crate::identity::Live;

/// The state of an authority, by reference.
#[derive(Debug)]
pub(super) struct AuthorityOverview {
    pub(super) address: SocketAddr,
    pub(super) identity: Arc<Live>,
    pub(super) log: Log,
    pub(super) policies: watch::Receiver<PolicyStatus>,
}

impl admin::Report for AuthorityOverview {
    fn status(&self) -> admin::Status {
        admin::Status {
            identity: Some(overview::identity(&self.identity)),
            policy: policy(&self.policies.borrow()),
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

/// The policies that are published; nothing where none are, nor are to be.
fn policy(status: &PolicyStatus) -> Option<admin::Policy> {
    let last_error = status
        .trouble
        .clone()
        .map(|(reason, since)| admin::Trouble { reason, since });
    match &status.published {
        Some(published) => Some(admin::Policy {
            revision: published.revision.clone(),
            version: Some(published.version),
            loaded_at: published.since,
            last_error,
        }),
        None => last_error.map(|last_error| admin::Policy {
            revision: String::new(),
            version: None,
            loaded_at: SystemTime::UNIX_EPOCH,
            last_error: Some(last_error),
        }),
    }
}
