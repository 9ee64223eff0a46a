//! Where the households are, and whoever keeps them.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::authority::programs::Whom;
use crate::authority::programs::clerk::Clerk;
use crate::authority::programs::household::Household;
use crate::authority::programs::household::Told;
use crate::authority::selector::Selector;

/// The households that somebody listens to.
#[derive(Debug)]
pub(super) struct Households {
    by_selectors: Mutex<HashMap<BTreeSet<Selector>, Arc<Household>>>,
    opened: mpsc::Sender<Arc<Household>>,
}

impl Households {
    pub(super) fn new(opened: mpsc::Sender<Arc<Household>>) -> Self {
        Self {
            by_selectors: Mutex::default(),
            opened,
        }
    }

    /// What the household of `whom` is told; nothing if nobody keeps it any more.
    pub(super) async fn join(&self, whom: &Whom) -> Option<watch::Receiver<Told>> {
        // Before the lock: a household that is in the list is kept.
        let place = self.opened.reserve().await.ok()?;
        let mut households = self.list();
        if let Some(household) = households.get(&whom.selectors) {
            return Some(household.told.subscribe());
        }
        let household = Arc::new(Household::of(whom.clone()));
        let told = household.told.subscribe();
        households.insert(whom.selectors.clone(), Arc::clone(&household));
        drop(households);
        place.send(household);
        Some(told)
    }

    /// Forgets `household`, unless somebody has joined meanwhile.
    fn leave(&self, household: &Household) -> bool {
        let mut households = self.list();
        let is_empty = household.told.receiver_count() == 0;
        if is_empty {
            households.remove(&household.whom.selectors);
        }
        is_empty
    }

    fn list(&self) -> MutexGuard<'_, HashMap<BTreeSet<Selector>, Arc<Household>>> {
        // Nothing is half done under this lock.
        let list = self.by_selectors.lock();
        list.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps all households.
#[derive(Debug)]
pub(in crate::authority) struct Keeper {
    pub(super) clerk: Arc<Clerk>,
    pub(super) households: Arc<Households>,
    pub(super) incoming: mpsc::Receiver<Arc<Household>>,
}

impl Keeper {
    /// Keeps them for ever.
    pub(in crate::authority) async fn run(self) {
        let Self {
            clerk,
            households,
            mut incoming,
        } = self;
        let keep = async |household: Arc<Household>| {
            while !households.leave(&household) {
                household.keep(&clerk).await;
            }
        };
        let mut kept = FuturesUnordered::new();
        loop {
            tokio::select! {
                opened = incoming.recv() => match opened {
                    Some(household) => kept.push(keep(household)),
                    None => return,
                },
                Some(()) = kept.next() => {}
            }
        }
    }
}
