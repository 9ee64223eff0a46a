//! One call of a program that is told of changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::authority::bundles::bundles_of;
use crate::authority::entry::Entries;
use crate::authority::programs::Desk;
use crate::authority::programs::Whom;
use crate::authority::programs::attest::Matters;
use crate::authority::programs::clerk::Clerk;
use crate::authority::programs::household::Told;
use crate::jwt::JwtBundles;
use crate::rpc::authority as rpc;
use crate::workload_api::Caller;
use crate::workload_api::Refusal;
use crate::workload_api::X509Context;

/// A call for certificates.
///
/// Who calls is looked at again before each change is told: a process may have
/// become another program since, and that one has to call for itself.
#[derive(Debug)]
pub(super) struct Seat {
    desk: Arc<Desk>,
    caller: Caller,
    whom: Whom,
    entries: watch::Receiver<Arc<Entries>>,
    told: watch::Receiver<Told>,
    /// What is so at once.
    first: Option<Arc<X509Context>>,
}

impl Seat {
    /// Joins the household of `whom`, and waits until it has its certificates.
    pub(super) async fn take(desk: Arc<Desk>, caller: Caller, whom: Whom) -> Result<Self, Refusal> {
        let mut entries = desk.clerk.follow_entries();
        let mut board = desk.clerk.follow_board();
        let mut told = desk.households.join(&whom).await.ok_or(STOPPING)?;
        let first = loop {
            if Matters::of(&entries.borrow_and_update()) != whom.matters {
                return Err(ANOTHER);
            }
            // A household that was there may not have heard yet what we know.
            let wanted = desk.clerk.wanted(&whom);
            {
                let told = told.borrow_and_update();
                if let Some(outcome) = told.outcome.clone()
                    && told.wanted == wanted
                {
                    break outcome?;
                }
            }
            let changed = tokio::select! {
                changed = told.changed() => changed,
                changed = entries.changed() => changed,
                changed = board.changed() => changed,
            };
            changed.map_err(|_ended| STOPPING)?;
        };
        Ok(Self {
            desk,
            caller,
            whom,
            entries,
            told,
            first: Some(first),
        })
    }

    pub(super) const fn whom(&self) -> &Whom {
        &self.whom
    }

    /// Whom it is told to be at first.
    pub(super) fn names(&self) -> String {
        let svids = self.first.iter().flat_map(|context| &context.svids);
        let names: Vec<&str> = svids.map(|hinted| hinted.svid.id().as_str()).collect();
        names.join(" ")
    }

    /// What is told next, and the seat unless that is the last.
    pub(super) async fn next(
        seat: Option<Self>,
    ) -> Option<(Result<Arc<X509Context>, Refusal>, Option<Self>)> {
        let mut seat = seat?;
        let outcome = match seat.first.take() {
            Some(first) => Ok(first),
            None => seat.change().await,
        };
        let goes_on = outcome.is_ok().then_some(seat);
        Some((outcome, goes_on))
    }

    async fn change(&mut self) -> Result<Arc<X509Context>, Refusal> {
        loop {
            let is_told = tokio::select! {
                changed = self.told.changed() => changed.map(|()| true),
                changed = self.entries.changed() => changed.map(|()| false),
            };
            let is_told = is_told.map_err(|_ended| STOPPING)?;
            if !is_told && Matters::of(&self.entries.borrow()) == self.whom.matters {
                continue;
            }
            if self.desk.attest(&self.caller).await.selectors != self.whom.selectors {
                return Err(ANOTHER);
            }
            if is_told {
                let outcome = self.told.borrow_and_update().outcome.clone();
                return outcome.unwrap_or(Err(STOPPING));
            }
            self.whom.matters = Matters::of(&self.entries.borrow());
        }
    }
}

/// A call for the keys that tokens are checked with.
#[derive(Debug)]
pub(super) struct KeysSeat {
    clerk: Arc<Clerk>,
    whom: Whom,
    board: watch::Receiver<Arc<rpc::State>>,
    entries: watch::Receiver<Arc<Entries>>,
    told: Option<Arc<JwtBundles>>,
}

impl KeysSeat {
    pub(super) fn take(clerk: Arc<Clerk>, whom: Whom) -> Self {
        Self {
            whom,
            board: clerk.follow_board(),
            entries: clerk.follow_entries(),
            told: None,
            clerk,
        }
    }

    /// What is told next, and the seat unless that is the last.
    pub(super) async fn next(
        seat: Option<Self>,
    ) -> Option<(Result<Arc<JwtBundles>, Refusal>, Option<Self>)> {
        let mut seat = seat?;
        let outcome = seat.change().await;
        let goes_on = outcome.is_ok().then_some(seat);
        Some((outcome, goes_on))
    }

    async fn change(&mut self) -> Result<Arc<JwtBundles>, Refusal> {
        loop {
            if self.clerk.wanted(&self.whom).is_empty() {
                return Err(Refusal::NoIdentity);
            }
            let (_roots, keys) = bundles_of(&self.board.borrow_and_update());
            if self.told.as_ref() != Some(&keys) {
                self.told = Some(Arc::clone(&keys));
                return Ok(keys);
            }
            let changed = tokio::select! {
                changed = self.board.changed() => changed,
                changed = self.entries.changed() => changed,
            };
            changed.map_err(|_ended| STOPPING)?;
        }
    }
}

const STOPPING: Refusal = Refusal::NotReady("the authority is stopping");
const ANOTHER: Refusal = Refusal::NotReady("what is sure of the program has changed: call again");
