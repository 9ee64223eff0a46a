//! What binds a connection to another sidecar, and what is known of its end.

use std::cell::Cell;
use std::cell::OnceCell;
use std::future::Future;
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::net::Aside;
use crate::proxy::lifetime::CERTIFICATE_EXPIRED;
use crate::proxy::lifetime::LONGEST_NAP;
use crate::proxy::lifetime::lost;
use crate::proxy::upstream::keeper::Keeper;
use crate::proxy::upstream::keeper::Shown;
use crate::time::Clock;
use crate::tls::Belief;
use crate::tls::Extension;
use crate::tls::Lease;
use crate::tls::Proved;

/// The reasons of both ends to believe each other.
#[derive(Debug)]
pub(in crate::proxy) struct Bond {
    clock: Arc<dyn Clock>,
    /// What we have ended the connection for.
    ended: Cell<Option<&'static str>>,
    /// None where it is not for us to prove who is at its ends.
    keeper: Option<Keeper>,
    lease: Lease,
    shown: Cell<Shown>,
    /// How many streams there are on it, where it is for several.
    streams: OnceCell<Rc<Cell<usize>>>,
}

impl Bond {
    pub(in crate::proxy) const fn new(
        lease: Lease,
        shown: Shown,
        keeper: Option<Keeper>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock,
            ended: Cell::new(None),
            keeper,
            lease,
            shown: Cell::new(shown),
            streams: OnceCell::new(),
        }
    }

    /// It is used as long as there are `streams`.
    pub(super) fn is_for(&self, streams: &Rc<Cell<usize>>) {
        self.streams.get_or_init(|| Rc::clone(streams));
    }

    /// Whether anything is under way on it.
    pub(super) fn is_used(&self) -> bool {
        self.streams.get().is_none_or(|streams| streams.get() > 0)
    }

    /// Why we believe the other side.
    pub(super) fn belief(&self) -> Belief {
        self.lease.belief()
    }

    /// What we have shown.
    pub(super) const fn shown(&self) -> Shown {
        self.shown.get()
    }

    /// How long the certificates at both ends hold.
    pub(super) fn left(&self) -> Duration {
        let ends = self.belief().not_after().min(self.shown().until);
        ends.duration_since(self.clock.now()).unwrap_or_default()
    }

    /// Whether the other side must have a younger certificate than it has shown:
    /// it renews at half of its life.
    pub(super) fn far_side_nears_its_end(&self) -> bool {
        let belief = self.belief();
        let left = belief.not_after().duration_since(self.clock.now());
        left.unwrap_or_default() <= belief.peer().lifetime() / 4
    }

    /// Believes for what was `proved`.
    pub(super) fn extend(&self, proved: Proved) -> Extension {
        let Proved {
            belief,
            generation,
            shown_until,
        } = proved;
        let before = self.shown();
        self.shown.set(Shown {
            generation,
            until: before.until.max(shown_until),
        });
        // What has ended meanwhile is about to be cut.
        let extended = self.lease.extend(belief, self.clock.as_ref());
        if shown_until > before.until {
            return Extension::Extended;
        }
        extended.unwrap_or(Extension::Kept)
    }

    /// Notes what we end the connection for.
    pub(super) fn end(&self, reason: &'static str) {
        self.ended.set(Some(reason));
    }

    /// Returns when we do not believe the other side any more, with the reason.
    pub(in crate::proxy) async fn over(&self) -> &'static str {
        let kept = async {
            match &self.keeper {
                Some(keeper) => keeper.keep(self).await,
                None => pending().await,
            }
        };
        let reason = tokio::select! {
            reason = lost(&self.lease, self.clock.as_ref(), Duration::ZERO) => reason,
            never = kept => match never {},
        };
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
        let mut ends = self.belief().not_after();
        // What we show to whoever proves its next certificate is not noted here.
        if self.keeper.is_some() || !self.lease.is_extended() {
            ends = ends.min(self.shown().until);
        }
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
    let over = pin!(async {
        match &bond {
            Some(bond) => bond.over().await,
            None => pending().await,
        }
    });
    tokio::select! {
        biased;
        outcome = connection => {
            if let Err(error) = outcome {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended badly");
            }
        }
        _reason = Aside::new(over) => {}
    }
}
