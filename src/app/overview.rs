//! What the operator sees through the window.

use std::sync::Arc;

use crate::admin;
use crate::admin::Readiness;
use crate::app::policies::Policies;
use crate::audit::Log;
use crate::audit::Watcher;
use crate::identity::Live;
use crate::proxy;
use crate::time::Clock;

/// The state of everything, by reference.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) identity: Arc<Live>,
    pub(super) listeners: Vec<admin::Listener>,
    pub(super) log: Log,
    pub(super) metrics: proxy::Metrics,
    pub(super) policies: Arc<Policies>,
}

impl admin::Report for Overview {
    fn status(&self) -> admin::Status {
        admin::Status {
            identity: Some(identity(&self.identity)),
            policy: Some(self.policies.status()),
            listeners: self.listeners.clone(),
            live: admin::Live {
                connections: self.metrics.live_connections().try_into().unwrap_or(0),
                streams: self.metrics.live_streams().try_into().unwrap_or(0),
            },
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

/// The identity in force.
pub(super) fn identity(live: &Live) -> admin::Identity {
    let identity = live.current();
    let svid = identity.svid();
    admin::Identity {
        spiffe_id: svid.id().clone(),
        not_before: svid.not_before(),
        not_after: svid.not_after(),
        last_error: None,
    }
}

/// The conditions under which nobody should be sent to us.
pub(super) fn readiness(identity: &Arc<Live>, log: &Log, clock: &Arc<dyn Clock>) -> Readiness {
    let readiness = Readiness::default();
    let (identity, clock) = (Arc::clone(identity), Arc::clone(clock));
    readiness.watch("identity_expired", move || {
        let expired = identity.current().svid().not_after() <= clock.now();
        expired.then(|| "our SVID has expired and no new one has come".to_owned())
    });
    let log = log.clone();
    readiness.watch("audit_sink_failing", move || {
        log.status().failure.map(|failure| failure.reason)
    });
    readiness
}
