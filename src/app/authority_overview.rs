//! What an authority's operator sees through the window.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::admin;
use crate::app::overview;
use crate::audit::Log;
use crate::audit::Watcher;
use crate::authority::PolicyStatus;
use crate::identity::Live;

/// The state of an authority, by reference.
#[derive(Debug)]
pub(super) struct AuthorityOverview {
    pub(super) address: SocketAddr,
    pub(super) bundle_endpoint: Option<SocketAddr>,
    pub(super) identity: Arc<Live>,
    pub(super) log: Log,
    pub(super) policies: watch::Receiver<PolicyStatus>,
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
            policy: policy(&self.policies.borrow()),
            listeners: std::iter::once(listener("authority", self.address))
                .chain(bundle_endpoint.map(|address| listener("bundle_endpoint", *address)))
                .collect(),
            live: admin::Live::default(),
            audit: self.log.status().into(),
        }
    }

    fn checkpoint(&self) -> Option<Arc<str>> {
        self.log.checkpoint()
    }

    fn watch(&self) -> Watcher {
        self.log.watch()
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
