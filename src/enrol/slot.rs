//! What is kept for each audience: a token, and the request for the next.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use futures_util::future::Shared;
use tokio::time::Instant;

use crate::id::SpiffeId;
use crate::jwt::Audience;
use crate::workload_api::Refusal;

/// What there is for one audience.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) held: Option<Minted>,
    /// Not asked again before this.
    pub(super) rests_until: Option<Instant>,
    pub(super) under_way: Option<UnderWay>,
}

pub(super) type UnderWay = Shared<BoxFuture<'static, Result<Minted, Refusal>>>;

/// What there is for each audience. Nothing is half done under its lock.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<HashMap<Audience, Slot>>);

impl Slots {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Audience, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a request. When the last of them has gone away, so does
/// the request: nobody would drive it on, and it would keep its place for ever.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    pub(super) audience: &'a Audience,
    pub(super) slots: &'a Slots,
    /// Until we go.
    pub(super) under_way: Option<UnderWay>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(ours) = self.under_way.take() else {
            return;
        };
        let mut slots = self.slots.lock();
        let slot = slots.get_mut(self.audience);
        let given_up = slot.and_then(|slot| slot.leave(ours));
        drop(slots);
        drop(given_up);
    }
}

/// A token that was checked.
#[derive(Clone)]
pub(super) struct Minted {
    pub(super) id: SpiffeId,
    pub(super) token: Arc<str>,
    /// From when there should be another.
    pub(super) renew_at: SystemTime,
    pub(super) ends_at: SystemTime,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("id", &self.id)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}

impl Slot {
    /// Lets go of `ours`, and gives the request back if nobody else waits for it.
    fn leave(&mut self, ours: UnderWay) -> Option<UnderWay> {
        let kept = self.under_way.take_if(|kept| kept.ptr_eq(&ours))?;
        drop(ours);
        // One is the slot's own.
        if kept.strong_count() > Some(1) {
            self.under_way = Some(kept);
            return None;
        }
        Some(kept)
    }

    /// Keeps what came of a request, and gives it to whoever is `id` at `now`; while
    /// nobody answers, what was kept before is good as long as it holds.
    pub(super) fn settle(
        &mut self,
        under_way: &UnderWay,
        outcome: Result<Minted, Refusal>,
        id: &SpiffeId,
        now: SystemTime,
    ) -> Result<String, Refusal> {
        let is_ours = |other: &UnderWay| other.ptr_eq(under_way);
        if self.under_way.as_ref().is_some_and(is_ours) {
            self.under_way = None;
            match &outcome {
                Ok(minted) => self.held = Some(minted.clone()),
                Err(Refusal::NoIdentity) => self.held = None,
                Err(Refusal::NotReady(_)) => self.rests_until = Some(Instant::now() + REST),
            }
        }
        match (outcome, &self.held) {
            // We may have become another since it was asked for.
            (Ok(minted), _) if minted.id != *id => Err(ANOTHER),
            (Ok(minted), _) => Ok(minted.token.to_string()),
            (Err(_away), Some(held)) if held.holds(id, now) => Ok(held.token.to_string()),
            (Err(refusal), _) => Err(refusal),
        }
    }
}

impl Minted {
    /// Whether it still is worth something, and ours.
    pub(super) fn holds(&self, id: &SpiffeId, now: SystemTime) -> bool {
        self.id == *id && now + LAST_SECONDS < self.ends_at
    }
}

/// Lets the token that ends first make way for another audience.
pub(super) fn make_room(
    slots: &mut HashMap<Audience, Slot>,
    now: SystemTime,
) -> Result<(), Refusal> {
    let ends_at = |slot: &Slot| slot.held.as_ref().map(|held| held.ends_at);
    if slots.len() >= MOST_AUDIENCES {
        slots.retain(|_, slot| slot.under_way.is_some() || ends_at(slot) > Some(now));
    }
    if slots.len() < MOST_AUDIENCES {
        return Ok(());
    }
    let idle = slots.iter().filter(|(_, slot)| slot.under_way.is_none());
    let first = idle.min_by_key(|(_, slot)| ends_at(slot));
    let first = first.map(|(audience, _)| audience.clone());
    let first = first.ok_or(Refusal::NotReady(
        "too many audiences are asked for at once",
    ))?;
    slots.remove(&first);
    Ok(())
}

const ANOTHER: Refusal = Refusal::NotReady("we have become another meanwhile: call again");

/// More than one program calls.
const MOST_AUDIENCES: usize = 256;

/// What whoever gets a token needs to use it.
const LAST_SECONDS: Duration = Duration::from_secs(5);

/// How long an authority that does not answer is left alone, as long as there
/// is a token from before.
const REST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn slots(count: u64) -> HashMap<Audience, Slot> {
        let slot = |number: u64| Slot {
            held: Some(minted(number)),
            ..Slot::default()
        };
        (0..count)
            .map(|number| (audience(number), slot(number)))
            .collect()
    }

    fn audience(number: u64) -> Audience {
        vec![number.to_string()].try_into().unwrap()
    }

    /// Ends so many seconds after noon.
    fn minted(seconds: u64) -> Minted {
        let ends_at = noon() + Duration::from_secs(seconds);
        Minted {
            id: id("web"),
            token: seconds.to_string().into(),
            renew_at: noon(),
            ends_at,
        }
    }

    fn id(name: &str) -> SpiffeId {
        format!("spiffe://example.org/{name}").parse().unwrap()
    }

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
    }

    fn never() -> UnderWay {
        std::future::pending().boxed().shared()
    }

    #[test]
    fn the_token_that_ends_first_makes_way_and_no_request_does() {
        let most = u64::try_from(MOST_AUDIENCES).unwrap();
        let mut full = slots(most);
        let before = noon() - Duration::from_secs(1);
        full.get_mut(&audience(0)).unwrap().under_way = Some(never());
        make_room(&mut full, before).unwrap();
        assert!(full.contains_key(&audience(0)) && !full.contains_key(&audience(1)));
        assert_eq!(full.len(), MOST_AUDIENCES - 1);
        // There is room now.
        make_room(&mut full, before).unwrap();
        assert_eq!(full.len(), MOST_AUDIENCES - 1);

        let mut ended = slots(most);
        make_room(&mut ended, noon() + Duration::from_secs(99)).unwrap();
        assert_eq!(ended.len(), MOST_AUDIENCES - 100);

        let mut busy = slots(most);
        for slot in busy.values_mut() {
            slot.under_way = Some(never());
        }
        let told = make_room(&mut busy, before);
        assert!(matches!(told, Err(Refusal::NotReady(_))), "{told:?}");
        assert_eq!(busy.len(), MOST_AUDIENCES);
    }

    #[test]
    fn a_request_ends_with_the_last_who_waits_for_it() {
        let slots = Slots::default();
        let (audience, under_way) = (audience(1), never());
        let slot = Slot {
            under_way: Some(under_way.clone()),
            ..Slot::default()
        };
        slots.lock().insert(audience.clone(), slot);
        let wait = |under_way: UnderWay| Waiting {
            audience: &audience,
            slots: &slots,
            under_way: Some(under_way),
        };
        let is_there = || slots.lock()[&audience].under_way.is_some();
        // Another's, which is not in the slot, is nothing to it.
        drop(wait(never()));
        assert!(is_there());
        let (first, last) = (wait(under_way.clone()), wait(under_way));
        drop(first);
        assert!(is_there());
        drop(last);
        assert!(!is_there());
    }

    #[tokio::test]
    async fn a_token_of_before_is_good_while_nobody_answers_and_not_after_a_no() {
        let away = Refusal::NotReady("away");
        let settle = |outcome, now| {
            let under_way = never();
            let mut slot = Slot {
                held: Some(minted(60)),
                under_way: Some(under_way.clone()),
                ..Slot::default()
            };
            let told = slot.settle(&under_way, outcome, &id("web"), now);
            assert!(slot.under_way.is_none());
            (told, slot.held.map(|held| held.token.to_string()))
        };
        let kept = Some("60".to_owned());
        let later = noon() + Duration::from_secs(60);
        assert_eq!(
            settle(Err(away), noon()),
            (Ok("60".to_owned()), kept.clone())
        );
        assert_eq!(settle(Err(away), later), (Err(away), kept));
        let no = Refusal::NoIdentity;
        assert_eq!(settle(Err(no), noon()), (Err(no), None));
        let (told, held) = settle(Ok(minted(90)), later);
        assert_eq!((told.as_deref(), held.as_deref()), (Ok("90"), Some("90")));
    }

    #[tokio::test]
    async fn a_token_that_was_asked_for_by_whom_we_were_is_not_for_whom_we_are() {
        for (name, told) in [("web", Ok("90".to_owned())), ("other", Err(ANOTHER))] {
            let under_way = never();
            let mut slot = Slot {
                under_way: Some(under_way.clone()),
                ..Slot::default()
            };
            let given = slot.settle(&under_way, Ok(minted(90)), &id(name), noon());
            assert_eq!(given, told, "{name}");
        }
    }
}
