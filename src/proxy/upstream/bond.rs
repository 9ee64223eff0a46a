//! What binds a connection to another sidecar, and what is known of its end.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use crate::proxy::lifetime::CERTIFICATE_EXPIRED;
use crate::proxy::lifetime::LONGEST_NAP;
use crate::proxy::lifetime::lost;
use crate::time::Clock;
use crate::tls::Belief;

/// The reasons of both ends to believe each other.
#[derive(Debug)]
pub(in crate::proxy) struct Bond {
    belief: Belief,
    clock: Arc<dyn Clock>,
    /// What we have ended the connection for.
    ended: Cell<Option<&'static str>>,
    /// When the certificate that we showed ends.
    shown_until: SystemTime,
}

impl Bond {
    pub(in crate::proxy) const fn new(
        belief: Belief,
        shown_until: SystemTime,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            belief,
            clock,
            ended: Cell::new(None),
            shown_until,
        }
    }

    /// Why we believe the other side.
    pub(in crate::proxy) const fn belief(&self) -> &Belief {
        &self.belief
    }

    /// Notes what we end the connection for.
    pub(super) fn end(&self, reason: &'static str) {
        self.ended.set(Some(reason));
    }

    /// Returns when we do not believe the other side any more, with the reason.
    pub(in crate::proxy) async fn over(&self) -> &'static str {
        let reason = lost(self.belief.clone(), self.clock.as_ref()).await;
        self.end(reason);
        tracing::info!(reason, "a connection to another sidecar had to end");
        reason
    }

    /// Why the connection broke, for a record of what was in flight on it; none
    /// if no more is known than that it did.
    ///
    /// The far side ends a connection with our certificate as we do with its,
    /// and does not say so. Its clock may be a little ahead of ours.
    pub(in crate::proxy) fn broken(&self) -> Option<&'static str> {
        let ends = self.shown_until.min(self.belief.peer().not_after());
        let is_over = ends <= self.clock.now() + LONGEST_NAP;
        self.ended
            .get()
            .or_else(|| is_over.then_some(CERTIFICATE_EXPIRED))
    }
}

/// Runs `connection` until it ends, or must, for what its `bond` says.
pub(super) async fn drive<E: std::error::Error + 'static>(
    connection: impl Future<Output = Result<(), E>>,
    bond: Option<Rc<Bond>>,
) {
    let over = async {
        match &bond {
            Some(bond) => bond.over().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = connection => {
            if let Err(error) = outcome {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended badly");
            }
        }
        _reason = over => {}
    }
}
