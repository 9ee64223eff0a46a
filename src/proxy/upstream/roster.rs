//! The endpoints of a destination, and which of them a request goes to.
//!
//! Power of two choices: of two endpoints drawn at random the less loaded one.
//! That spreads requests nearly as well as asking all of them, and does not
//! send everybody to the one that happens to look best.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::time::Instant;

use crate::net::Dice;
use crate::proxy::upstream::health::Ejection;
use crate::proxy::upstream::health::Health;
use crate::proxy::upstream::health::Standing;
use crate::proxy::upstream::load::Load;

/// One address of a destination. `W` is how it is reached.
#[derive(Debug)]
pub(super) struct Endpoint<W> {
    pub(super) address: SocketAddr,
    pub(super) health: Health,
    pub(super) load: Load,
    /// How many streams there are.
    pub(super) under_way: Rc<Cell<usize>>,
    pub(super) way: W,
}

/// All endpoints of a destination.
#[derive(Debug)]
pub(super) struct Roster<W> {
    all: Vec<Rc<Endpoint<W>>>,
    ejection: Ejection,
    /// Those to choose from. Empty only if there are none at all.
    in_use: Vec<Rc<Endpoint<W>>>,
    /// When the next that is not in use may be again.
    next: Option<Instant>,
}

impl<W> Roster<W> {
    pub(super) const fn new(ejection: Ejection) -> Self {
        Self {
            all: Vec::new(),
            ejection,
            in_use: Vec::new(),
            next: None,
        }
    }

    /// The endpoints are those at `addresses`. What is known of one that was
    /// there before stays, and so do its connections.
    pub(super) fn replace(
        &mut self,
        addresses: &[SocketAddr],
        now: Instant,
        mut make: impl FnMut(SocketAddr) -> Endpoint<W>,
    ) {
        let before = std::mem::take(&mut self.all);
        let known = |address: SocketAddr| before.iter().find(|old| old.address == address);
        self.all = addresses
            .iter()
            .map(|&address| known(address).map_or_else(|| Rc::new(make(address)), Rc::clone))
            .collect();
        self.sort_out(now);
    }

    /// Where the next request goes; not to `besides`, if there is another.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        besides: Option<&Rc<Endpoint<W>>>,
        dice: &Dice,
    ) -> Option<Rc<Endpoint<W>>> {
        if self.next.is_some_and(|next| next <= now) {
            self.sort_out(now);
        }
        let count = self.in_use.len();
        if count < 2 {
            return self.in_use.first().cloned();
        }
        let one = dice.below(count);
        // Drawn from the others.
        let other = (one + 1 + dice.below(count - 1)) % count;
        let (one, other) = (self.in_use.get(one)?, self.in_use.get(other)?);
        let is_besides = |endpoint| besides.is_some_and(|besides| Rc::ptr_eq(besides, endpoint));
        let chosen = if is_besides(one) {
            other
        } else if is_besides(other) {
            one
        } else {
            less_loaded(one, other, now)
        };
        Some(Rc::clone(chosen))
    }

    pub(super) const fn has_choice(&self) -> bool {
        self.in_use.len() > 1
    }

    /// Whether there is one to choose besides `endpoint`.
    pub(super) fn has_other_than(&self, endpoint: &Rc<Endpoint<W>>) -> bool {
        self.in_use.iter().any(|other| !Rc::ptr_eq(other, endpoint))
    }

    /// `endpoint` answered with a failure, or broke off. Says whether it is ejected.
    pub(super) fn did_badly(&mut self, endpoint: &Endpoint<W>, now: Instant) -> bool {
        let health = &endpoint.health;
        let is_one_too_often = health.did_badly(&self.ejection);
        if !is_one_too_often || health.standing(now) != Standing::InUse || !self.may_eject(now) {
            return false;
        }
        let time = health.eject(&self.ejection, now);
        tracing::warn!(endpoint = %endpoint.address, ?time, "an endpoint is ejected: it fails");
        self.sort_out(now);
        true
    }

    /// `endpoint` could not be reached. Says whether it rests from now on.
    pub(super) fn was_not_reached(&mut self, endpoint: &Endpoint<W>, now: Instant) -> bool {
        // The only one rests for nobody.
        let rests = self.all.len() > 1 && endpoint.health.was_not_reached(now);
        if rests {
            tracing::warn!(endpoint = %endpoint.address, "an endpoint rests: it cannot be reached");
            self.sort_out(now);
        }
        rests
    }

    fn may_eject(&self, now: Instant) -> bool {
        let is_ejected =
            |one: &&Rc<Endpoint<W>>| matches!(one.health.standing(now), Standing::Ejected(_));
        let ejected = self.all.iter().filter(is_ejected).count();
        let most = usize::try_from(self.ejection.most_percent).unwrap_or(100);
        let most = (self.all.len() * most / 100).max(1);
        self.all.len() > 1 && ejected < most
    }

    fn sort_out(&mut self, now: Instant) {
        let (mut well, mut reachable) = (Vec::new(), Vec::new());
        self.next = None;
        for endpoint in &self.all {
            let until = match endpoint.health.standing(now) {
                Standing::InUse => {
                    well.push(Rc::clone(endpoint));
                    reachable.push(Rc::clone(endpoint));
                    continue;
                }
                Standing::Ejected(until) => {
                    reachable.push(Rc::clone(endpoint));
                    until
                }
                Standing::Resting(until) => until,
            };
            self.next = Some(self.next.map_or(until, |next| next.min(until)));
        }
        let panic = usize::try_from(self.ejection.panic_percent).unwrap_or(100);
        // Few would have to carry the load of all, and fail next.
        let too_few = well.len() * 100 < reachable.len() * panic;
        self.in_use = match (well.is_empty(), reachable.is_empty()) {
            (_, true) => self.all.clone(),
            (true, _) => reachable,
            _ if too_few => reachable,
            _ => well,
        };
    }
}

fn less_loaded<'a, W>(
    one: &'a Rc<Endpoint<W>>,
    other: &'a Rc<Endpoint<W>>,
    now: Instant,
) -> &'a Rc<Endpoint<W>> {
    let (at_one, at_other) = (one.under_way.get(), other.under_way.get());
    let costs = (one.load.cost(at_one, now), other.load.cost(at_other, now));
    let other_is_better = match costs {
        (Some(one), Some(other)) => other < one,
        // One of them is new: what it takes is not known yet.
        _ => at_other < at_one,
    };
    if other_is_better { other } else { one }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const EJECTION: Ejection = Ejection {
        failures: 1,
        base: Duration::from_secs(30),
        longest: Duration::from_secs(300),
        most_percent: 50,
        panic_percent: 50,
    };

    fn addresses(count: u8) -> Vec<SocketAddr> {
        let hosts = 1..=count;
        hosts.map(|host| ([127, 0, 0, host], 1).into()).collect()
    }

    fn roster(count: u8, ejection: Ejection, now: Instant) -> Roster<()> {
        let mut roster = Roster::new(ejection);
        roster.replace(&addresses(count), now, new);
        roster
    }

    fn new(address: SocketAddr) -> Endpoint<()> {
        Endpoint {
            address,
            health: Health::default(),
            load: Load::default(),
            under_way: Rc::default(),
            way: (),
        }
    }

    /// How often each host is chosen in a thousand times.
    fn chosen(roster: &mut Roster<()>, now: Instant) -> [u32; 4] {
        let dice = Dice::falling_as(1);
        let mut counts = [0; 4];
        for _ in 0..1000 {
            let SocketAddr::V4(at) = roster.choose(now, None, &dice).unwrap().address else {
                panic!("it is elsewhere");
            };
            counts[usize::from(at.ip().octets()[3] - 1)] += 1;
        }
        counts
    }

    #[test]
    fn of_two_drawn_the_less_loaded_is_chosen() {
        let now = Instant::now();
        let mut roster = roster(4, EJECTION, now);
        let even = chosen(&mut roster, now);
        assert!(
            even.iter().all(|times| (180..320).contains(times)),
            "{even:?}"
        );
        // One is slow, and loses against all others.
        for (endpoint, ms) in roster.all.iter().zip([100, 1, 1, 1]) {
            endpoint.load.answered(now, now + Duration::from_millis(ms));
        }
        let later = now + Duration::from_millis(100);
        assert_eq!(chosen(&mut roster, later)[0], 0);
        // A second of them is busy.
        roster.all[1].under_way.set(50);
        let busy = chosen(&mut roster, later);
        assert!(busy[1] < 200 && busy[0] == 0, "{busy:?}");
        // After a while what it was once counts no more.
        let much_later = later + Duration::from_secs(120);
        roster.all[1].under_way.set(0);
        roster.all[3].under_way.set(1_000_000);
        assert!(chosen(&mut roster, much_later)[0] > 0);
    }

    #[test]
    fn none_and_one_are_no_choice() {
        let (now, dice) = (Instant::now(), Dice::new());
        let mut none = roster(0, EJECTION, now);
        assert!(none.choose(now, None, &dice).is_none());
        let mut one = roster(1, EJECTION, now);
        let only = one.choose(now, None, &dice).unwrap();
        // It neither rests nor is ejected, whatever it does.
        assert!(!one.was_not_reached(&only, now));
        assert!(!one.did_badly(&only, now));
        assert!(!one.has_other_than(&only));
        assert!(one.choose(now, Some(&only), &dice).is_some());
    }

    #[test]
    fn another_than_the_last_is_chosen() {
        let (now, dice) = (Instant::now(), Dice::new());
        let mut roster = roster(2, EJECTION, now);
        let last = roster.choose(now, None, &dice).unwrap();
        for _ in 0..20 {
            let next = roster.choose(now, Some(&last), &dice).unwrap();
            assert_ne!(next.address, last.address);
        }
    }

    #[test]
    fn no_more_than_a_share_is_ejected_and_all_come_back() {
        let now = Instant::now();
        let mut roster = roster(4, EJECTION, now);
        let all = roster.all.clone();
        let ejected = all.iter().map(|endpoint| roster.did_badly(endpoint, now));
        assert_eq!(ejected.collect::<Vec<_>>(), [true, true, false, false]);
        let left = chosen(&mut roster, now);
        assert_eq!(left[..2], [0, 0]);
        let back = chosen(&mut roster, now + EJECTION.base);
        assert!(back.iter().all(|times| *times > 0), "{back:?}");
    }

    #[test]
    fn if_too_few_are_left_all_that_can_be_reached_are_used() {
        let (now, ejection) = (
            Instant::now(),
            Ejection {
                most_percent: 100,
                ..EJECTION
            },
        );
        let mut roster = roster(4, ejection, now);
        let all = roster.all.clone();
        assert!(roster.did_badly(&all[0], now));
        assert!(roster.did_badly(&all[1], now));
        assert_eq!(chosen(&mut roster, now)[..2], [0, 0], "half is not too few");
        assert!(roster.did_badly(&all[2], now));
        assert!(chosen(&mut roster, now).iter().all(|times| *times > 0));
        // Who cannot be reached is no help, however few the others are.
        assert!(roster.was_not_reached(&all[3], now));
        let reachable = chosen(&mut roster, now);
        assert_eq!(reachable[3], 0);
        assert!(reachable[..3].iter().all(|times| *times > 0));
        for endpoint in &all[..3] {
            roster.was_not_reached(endpoint, now);
        }
        assert!(chosen(&mut roster, now).iter().all(|times| *times > 0));
    }

    #[test]
    fn who_stays_is_known_still() {
        let now = Instant::now();
        let mut roster = roster(2, EJECTION, now);
        let all = roster.all.clone();
        assert!(roster.did_badly(&all[0], now));
        roster.replace(&addresses(3), now, new);
        assert_eq!(chosen(&mut roster, now)[0], 0);
        roster.replace(&addresses(3)[1..], now, new);
        roster.replace(&addresses(3), now, new);
        assert!(chosen(&mut roster, now)[0] > 0, "it is another by now");
    }
}
