//! How long a connection may live, and what ended it.
//!
//! Never longer than the certificate of whoever is at the other end, nor than
//! we believe the roots that vouched for it: the handshake checked both once,
//! and TLS does not look again. Some time before a certificate's end the
//! connection takes no new requests, so that a caller who renews in time loses
//! nothing.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::drain::Watch;
use crate::time::Clock;
use crate::tls::Belief;

/// What a connection is bound by.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// Why we believe whoever is at the other end; none where nothing is proved.
    pub(super) belief: Option<Belief>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: Watch,
}

impl Lifetime {
    /// Returns when no new request should be taken.
    pub(super) async fn closing(self) {
        let mut drain = self.drain;
        let now = self.clock.now();
        let ends = self.belief.map(|belief| belief.peer().not_after());
        let last_call = ends.map(|end| last_call(end, now));
        tokio::select! {
            () = drain.draining() => {}
            () = reached(Arc::clone(&self.clock), last_call) => {}
        }
    }

    /// Returns when the connection must be gone, with the reason; never where
    /// nothing is proved.
    pub(super) async fn over(self) -> &'static str {
        match self.belief {
            Some(belief) => lost(belief, self.clock.as_ref()).await,
            None => std::future::pending().await,
        }
    }
}

/// Returns when `belief` is lost, with the reason.
pub(super) async fn lost(mut belief: Belief, clock: &dyn Clock) -> &'static str {
    let ends = belief.peer().not_after();
    // The calendar may be set while we sleep, and our roots replaced, so look
    // at both now and then.
    loop {
        let now = clock.now();
        let left = ends.duration_since(now).unwrap_or(Duration::ZERO);
        if left.is_zero() {
            return CERTIFICATE_EXPIRED;
        }
        if let Some(loss) = belief.lost(clock) {
            return loss.as_str();
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LONGEST_NAP)) => {}
            () = belief.stirred() => {}
        }
    }
}

/// Returns at `instant` of the calendar, or never without one.
async fn reached(clock: Arc<dyn Clock>, instant: Option<SystemTime>) {
    let Some(instant) = instant else {
        return std::future::pending().await;
    };
    // The calendar may be set while we sleep, so look at it now and then.
    while let Ok(left) = instant.duration_since(clock.now()) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_NAP)).await;
    }
}

/// What ended a connection, for the records of what was in flight on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// What ended everything, if that came first.
    house: Rc<Cell<Option<&'static str>>>,
    own: Rc<Cell<Option<&'static str>>>,
}

impl Fate {
    /// The fate of one connection in a house that has one, too.
    pub(super) fn within(house: &Self) -> Self {
        Self {
            house: Rc::clone(&house.own),
            own: Rc::default(),
        }
    }

    /// From now on whatever is cut short was cut for `reason`.
    pub(super) fn seal(&self, reason: &'static str) {
        self.own.set(Some(reason));
    }

    /// Why things are cut short here; the caller's own doing unless we know better.
    pub(super) fn reason(&self) -> &'static str {
        self.own
            .get()
            .or_else(|| self.house.get())
            .unwrap_or("caller_gone")
    }
}

/// When a connection made `now` should take its last request, if the
/// certificate at its other end holds until `end`.
///
/// Our sidecars renew at half of a certificate's life, so that nobody who
/// behaves ever comes near.
pub(super) fn last_call(end: SystemTime, now: SystemTime) -> SystemTime {
    let left = end.duration_since(now).unwrap_or(Duration::ZERO);
    end - LAST_CALL.min(left / 5)
}

/// Time for what is under way to end, unless the certificate is very short.
const LAST_CALL: Duration = Duration::from_secs(10);
/// How long a caller that is told to go may still send what it has begun: a
/// request crosses a continent in less.
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// What ended a connection whose certificate's time was over.
pub(super) const CERTIFICATE_EXPIRED: &str = "certificate_expired";
/// How late a change of the calendar, or of our roots, is noticed.
pub(super) const LONGEST_NAP: Duration = Duration::from_secs(1);
