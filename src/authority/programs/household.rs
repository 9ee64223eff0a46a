//! All programs of whom the same was proved, and what they have in common.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::authority::bundles::bundles_of;
use crate::authority::ledger::KeyState;
use crate::authority::programs::Whom;
use crate::authority::programs::clerk;
use crate::authority::programs::clerk::Clerk;
use crate::authority::programs::clerk::Wanted;
use crate::authority::told::in_full;
use crate::identity::Svid;
use crate::identity::draw;
use crate::identity::renew_at;
use crate::identity::wait_for;
use crate::workload_api::HintedSvid;
use crate::workload_api::Refusal;
use crate::workload_api::X509Context;
use crate::x509::Bundles;
use crate::x509::CaCertificate;
use crate::x509::Limits;
use crate::x509::verify;

/// Programs of whom the same was proved.
#[derive(Debug)]
pub(super) struct Household {
    /// The first of them.
    pub(super) whom: Whom,
    pub(super) told: watch::Sender<Told>,
}

/// What its programs are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Whom they were to be when this was found out.
    pub(super) wanted: Vec<Wanted>,
    /// Nothing before the first time.
    pub(super) outcome: Option<Result<Arc<X509Context>, Refusal>>,
}

/// A certificate of the household.
#[derive(Debug)]
pub(super) struct Held {
    wanted: Wanted,
    svid: Arc<Svid>,
    /// The serial numbers of the certificates between it and the root.
    above: Vec<String>,
    renew_at: Option<SystemTime>,
}

/// When to look again, if nothing changes before.
#[derive(Debug)]
enum Next {
    At(Option<SystemTime>, SystemTime),
    Soon,
}

impl Household {
    pub(super) fn of(whom: Whom) -> Self {
        Self {
            whom,
            told: watch::Sender::default(),
        }
    }

    /// Keeps what is told up to date, until nobody listens.
    pub(super) async fn keep(&self, clerk: &Clerk) {
        let mut entries = clerk.follow_entries();
        let mut board = clerk.follow_board();
        let mut held: Vec<Held> = Vec::new();
        let mut bundles = Arc::default();
        let mut has_board_changed = true;
        loop {
            entries.mark_unchanged();
            if std::mem::take(&mut has_board_changed) {
                bundles = bundles_of(&board.borrow_and_update()).0;
                let now = clerk.office.clock.now();
                held.retain(|held| held.is_vouched_for(&bundles, now));
            }
            let next = self.update(clerk, &bundles, &mut held).await;
            let due = async {
                match next {
                    Next::Soon => sleep(RETRY.mul_f64(1.0 + draw())).await,
                    Next::At(due, begins) => {
                        wait_for(due, begins, clerk.office.clock.as_ref()).await;
                    }
                }
            };
            tokio::select! {
                () = self.told.closed() => return,
                changed = entries.changed() => if changed.is_err() { return },
                changed = board.changed() => match changed {
                    Ok(()) => has_board_changed = true,
                    Err(_ended) => return,
                },
                () = due => {}
            }
        }
    }

    async fn update(&self, clerk: &Clerk, bundles: &Arc<Bundles>, held: &mut Vec<Held>) -> Next {
        let now = clerk.office.clock.now();
        let wanted = clerk.wanted(&self.whom);
        held.retain(|held| wanted.contains(&held.wanted) && held.is_in_force(clerk, now));
        let mut failure = None;
        for wanted in &wanted {
            let at = held.iter().position(|held| held.wanted == *wanted);
            let is_fresh = |held: &Held| !held.is_due(clerk, now);
            if at.and_then(|at| held.get(at)).is_some_and(is_fresh) {
                continue;
            }
            match clerk.name(&self.whom, wanted).await {
                Ok(svid) => {
                    if let Some(at) = at {
                        held.remove(at);
                    }
                    held.push(Held::new(wanted.clone(), svid, now));
                }
                Err(refusal) => failure = Some(refusal),
            }
        }
        if let Some(refusal) = &failure {
            let error = in_full(refusal);
            tracing::warn!(error, source = self.whom.source(), "a program is not named");
        }
        let outcome = match (&failure, held.is_empty()) {
            (_, false) => Ok(Arc::new(context(&wanted, held, Arc::clone(bundles)))),
            (Some(refusal), true) => Err(clerk::told(refusal)),
            (None, true) => Err(Refusal::NoIdentity),
        };
        self.tell(Told {
            wanted,
            outcome: Some(outcome),
        });
        if failure.is_some() {
            return Next::Soon;
        }
        let first = held.iter().min_by_key(|held| held.renew_at);
        Next::At(
            first.and_then(|held| held.renew_at),
            first.map_or(now, |held| held.svid.not_before()),
        )
    }

    /// Tells it, if there is something new.
    fn tell(&self, next: Told) {
        self.told.send_if_modified(|told| {
            let is_news = match (&told.outcome, &next.outcome) {
                (Some(Ok(before)), Some(Ok(now))) => !are_same(before, now),
                (Some(Err(before)), Some(Err(now))) => before != now,
                _ => true,
            };
            let is_news = is_news || told.wanted != next.wanted;
            if is_news {
                *told = next;
            }
            is_news
        });
    }
}

impl Held {
    fn new(wanted: Wanted, svid: Svid, now: SystemTime) -> Self {
        let left = svid.not_after().duration_since(now).unwrap_or_default();
        let due = renew_at(now, left, draw()).ok();
        let above = svid.chain().iter().skip(1);
        let above = above.filter_map(|certificate| CaCertificate::parse(certificate).ok());
        Self {
            wanted,
            above: above.map(|issuer| issuer.serial().to_owned()).collect(),
            svid: Arc::new(svid),
            // One that is almost over must not keep us from everything else.
            renew_at: due.map(|due| due.max(now + SOONEST)),
        }
    }

    /// Whether its roots are published still.
    fn is_vouched_for(&self, bundles: &Bundles, now: SystemTime) -> bool {
        verify(self.svid.chain(), bundles, now, &Limits::default()).is_ok()
    }

    /// Whether it has neither ended nor been revoked.
    fn is_in_force(&self, clerk: &Clerk, now: SystemTime) -> bool {
        let revoked = clerk.office.revoked.current();
        let leaf = self.svid.leaf();
        let mut above = self.above.iter();
        !revoked.include(leaf.id(), leaf.serial())
            && !above.any(|serial| revoked.include_serial(serial))
            && now <= self.svid.not_after()
    }

    /// Whether there should be another: half of its life is over, or the key that
    /// signed it is not to be relied upon.
    fn is_due(&self, clerk: &Clerk, now: SystemTime) -> bool {
        let keys = clerk.office.keyring.current();
        let mut tainted = keys
            .held()
            .iter()
            .filter(|key| key.state == KeyState::Tainted);
        self.renew_at.is_some_and(|due| now >= due)
            || tainted.any(|key| self.svid.leaf().names_as_issuer(&key.says))
    }
}

/// All certificates that are wanted and held, in the order in which they are wanted.
fn context(wanted: &[Wanted], held: &[Held], bundles: Arc<Bundles>) -> X509Context {
    let one = |wanted: &Wanted| {
        let held = held.iter().find(|held| held.wanted == *wanted)?;
        Some(HintedSvid {
            svid: Arc::clone(&held.svid),
            hint: wanted.hint(),
        })
    };
    X509Context {
        svids: wanted.iter().filter_map(one).collect(),
        bundles,
    }
}

fn are_same(one: &X509Context, other: &X509Context) -> bool {
    let chains = |context: &X509Context| -> Vec<_> {
        let svids = context.svids.iter();
        svids.map(|hinted| Arc::as_ptr(&hinted.svid)).collect()
    };
    chains(one) == chains(other) && one.bundles.are(&other.bundles)
}

/// Between one attempt and the next.
const RETRY: Duration = Duration::from_secs(1);

/// Certificates of one name are at least this far apart.
const SOONEST: Duration = Duration::from_secs(1);
