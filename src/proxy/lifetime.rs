//! How long a connection may live, and what ended it.
//!
//! Never longer than the certificate of whoever is at the other end, nor than
//! we believe the roots that vouched for it: the handshake checked both once,
//! and TLS does not look again. Some time before a certificate's end the
//! connection takes no new requests, so that a caller who renews in time loses
//! nothing. What is under way may go on for longer only if the caller proves its
//! next certificate to us meanwhile, see [`Lease`], or for a while that the
//! operator grants.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::drain::Watch;
use crate::proxy::threshold::LeaseCounts;
use crate::time::Clock;
use crate::tls::Lease;

/// What a connection is bound by.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: Watch,
    /// None where nothing may outlive its certificate without a proof.
    pub(super) grace: Option<Rc<Grace>>,
    /// Why we believe whoever is at the other end; none where nothing is proved.
    pub(super) lease: Option<Lease>,
}

impl Lifetime {
    /// Returns when no new request should be taken.
    pub(super) async fn closing(self) {
        let mut drain = self.drain;
        let now = self.clock.now();
        let ends = self.lease.map(|lease| lease.belief().not_after());
        let last_call = ends.map(|end| last_call(end, now));
        tokio::select! {
            () = drain.draining() => {}
            () = reached(Arc::clone(&self.clock), last_call) => {}
        }
    }

    /// Whether the connection may be there when the certificate that it was
    /// made with has ended.
    pub(super) fn may_outlive(&self) -> bool {
        self.grace.is_some() || self.lease.as_ref().is_some_and(Lease::is_extended)
    }

    /// Returns when the connection must be gone, with the reason; never where
    /// nothing is proved. What ends in its grace is marked by its `fate`.
    pub(super) async fn over(self, fate: &Fate) -> &'static str {
        let Some(lease) = self.lease else {
            return std::future::pending().await;
        };
        let clock = self.clock.as_ref();
        let reason = lost(&lease, clock, Duration::ZERO).await;
        let Some(grace) = self.grace.filter(|_| reason == CERTIFICATE_EXPIRED) else {
            return reason;
        };
        fate.seal(IN_GRACE);
        grace.counts.count(IN_GRACE);
        // Boxed: few connections come so far, and all would have room for it.
        match Box::pin(lost(&lease, clock, grace.time)).await {
            CERTIFICATE_EXPIRED => GRACE_OVER,
            reason => reason,
        }
    }
}

/// What the operator grants what is under way when its caller's certificate has ended.
#[derive(Debug)]
pub(super) struct Grace {
    counts: LeaseCounts,
    time: Duration,
}

impl Grace {
    /// None, if it is for no `time`.
    pub(super) fn of(time: Duration, counts: &LeaseCounts) -> Option<Rc<Self>> {
        (!time.is_zero()).then(|| {
            Rc::new(Self {
                counts: counts.clone(),
                time,
            })
        })
    }
}

/// Returns when what a connection is believed for is lost, with the reason. A
/// certificate's end counts only after some `grace`.
pub(super) async fn lost(lease: &Lease, clock: &dyn Clock, grace: Duration) -> &'static str {
    let (mut seen, mut belief) = (lease.extensions(), lease.belief());
    // The calendar may be set while we sleep, our roots replaced, and the lease
    // extended, so look at all of it now and then. What is extended in time is
    // not lost, whenever that is seen.
    loop {
        let extensions = lease.extensions();
        if extensions != seen {
            (seen, belief) = (extensions, lease.belief());
        }
        let ends = belief.not_after() + grace;
        let left = ends.duration_since(clock.now()).unwrap_or(Duration::ZERO);
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

    /// What to say of what ends as it should, if it could have been cut before.
    pub(super) fn grace(&self) -> Option<&'static str> {
        self.own.get().filter(|reason| *reason == IN_GRACE)
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
/// What is said of what ended after its caller's certificate, when it might have been cut.
const IN_GRACE: &str = "certificate_grace";
/// What ended a connection when not only its certificate's time was over.
const GRACE_OVER: &str = "certificate_grace_over";
/// How late a change of the calendar, or of our roots, is noticed.
pub(super) const LONGEST_NAP: Duration = Duration::from_secs(1);
