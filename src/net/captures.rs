//! What becomes of a connection, by where it was going.
//!
//! A destination that is written with its address and port wins over all; then
//! comes a name that leads there; then the narrowest network. But a name is
//! only as good as the name service, so it is believed in one direction: it
//! may bring a connection to a door, where the other side must prove itself,
//! and never away from one and into the clear. What two names of different
//! doors claim belongs to neither, and while a door's name is not known
//! nothing that could be its own leaves in the clear.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use crate::net::capture::Capture;
use crate::net::whereabouts::Known;
use crate::net::whereabouts::Whereabouts;

/// Where a captured name leads.
#[derive(Clone, Debug)]
pub struct Lead {
    /// The name's port. Where the name leads is not known, it is all that is.
    pub port: NonZeroU16,
    /// Its addresses, with that port.
    pub whereabouts: Whereabouts,
}

/// What is to become of connections, by their destination.
#[derive(Clone, Debug)]
pub struct Captures<T> {
    clear: Vec<Claim<T>>,
    proved: Vec<Claim<T>>,
    /// The narrowest first.
    written: Vec<Written<T>>,
}

/// By the names of one door.
#[derive(Clone, Debug)]
struct Claim<T> {
    leads: Vec<Lead>,
    what: T,
}

#[derive(Clone, Debug)]
struct Written<T> {
    capture: Capture,
    security: Security,
    what: T,
}

/// What a connection has beyond us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Security {
    /// Nothing: it leaves as it came.
    Clear,
    /// The other side must prove who it is.
    Proved,
}

/// What is to become of one connection.
#[derive(Debug, Eq, PartialEq)]
pub enum Found<'a, T> {
    /// This.
    Captured(&'a T),
    /// Names of two doors lead there.
    Disputed,
    /// Nobody has said.
    Nothing,
    /// It is not known where some name leads, which could be there.
    Unsure,
}

// Whatever `T` is: there is only a reference to it.
impl<T> Clone for Found<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Found<'_, T> {}

impl<T> Captures<T> {
    /// Nothing is captured yet.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            clear: Vec::new(),
            proved: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Says that `what` is beyond all of `captures` and all that `leads` lead
    /// to: one door. The order in which doors are added does not matter, unless
    /// two have the same capture: then the first wins.
    pub fn add(&mut self, security: Security, captures: &[Capture], leads: Vec<Lead>, what: T)
    where
        T: Clone,
    {
        self.written.extend(captures.iter().map(|&capture| Written {
            capture,
            security,
            what: what.clone(),
        }));
        self.written
            .sort_by_key(|written| Reverse(written.capture.narrowness()));
        let claims = match security {
            Security::Clear => &mut self.clear,
            Security::Proved => &mut self.proved,
        };
        if !leads.is_empty() {
            claims.push(Claim { leads, what });
        }
    }

    /// What is to become of a connection to `destination`.
    #[must_use]
    pub fn find(&self, destination: SocketAddr) -> Found<'_, T> {
        let mut written = self.written.iter();
        let written = written.find(|written| written.capture.covers(destination));
        if let Some(written) = written
            && written.capture.is_one()
        {
            return Found::Captured(&written.what);
        }
        let by_name = named(&self.proved, destination);
        match (by_name, written) {
            (Found::Captured(_) | Found::Disputed, _) => return by_name,
            // Whoever is there must prove to be the one that is expected.
            (_, Some(written)) if written.security == Security::Proved => {
                return Found::Captured(&written.what);
            }
            (Found::Unsure, _) => return by_name,
            (Found::Nothing, _) => {}
        }
        match (named(&self.clear, destination), written) {
            (Found::Nothing, Some(written)) => Found::Captured(&written.what),
            (by_name, _) => by_name,
        }
    }

    /// Returns when something is known of every name, be it that it leads nowhere.
    pub async fn told(&self) {
        let claims = self.proved.iter().chain(&self.clear);
        for lead in claims.flat_map(|claim| &claim.leads) {
            lead.whereabouts.clone().told().await;
        }
    }
}

/// Which of `claims` has a name that leads to `destination`.
fn named<T>(claims: &[Claim<T>], destination: SocketAddr) -> Found<'_, T> {
    let mut found = Found::Nothing;
    for claim in claims {
        match (claim.leads_to(destination), found) {
            (Some(true), Found::Captured(_)) => return Found::Disputed,
            (Some(true), _) => found = Found::Captured(&claim.what),
            (None, Found::Nothing) => found = Found::Unsure,
            (Some(false) | None, _) => {}
        }
    }
    found
}

impl<T> Claim<T> {
    /// Whether one of its names leads to `destination`. Nobody can tell while
    /// none is known to, and one is not known.
    fn leads_to(&self, destination: SocketAddr) -> Option<bool> {
        let mut answer = Some(false);
        for lead in &self.leads {
            if lead.port.get() != destination.port() {
                continue;
            }
            match lead.whereabouts.now() {
                Known::At(addresses) if addresses.contains(&destination) => return Some(true),
                Known::At(_) => {}
                Known::Lost | Known::NotYet => answer = None,
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::watch;

    use super::Security::Clear;
    use super::Security::Proved;
    use super::*;

    #[test]
    fn the_narrowest_capture_wins() {
        let written = [
            ("0.0.0.0/0:*", "anywhere"),
            ("10.96.0.0/16:80", "web"),
            ("10.96.0.0/16:*", "cluster"),
            ("10.96.0.12:*", "one"),
            ("[fd00::/8]:443", "six"),
        ];
        let cases = [
            ("10.96.0.12:80", Found::Captured(&"one")),
            ("10.96.0.13:80", Found::Captured(&"web")),
            ("10.96.0.13:81", Found::Captured(&"cluster")),
            ("10.97.0.13:80", Found::Captured(&"anywhere")),
            ("[fd00::1]:443", Found::Captured(&"six")),
            ("[fd00::1]:444", Found::Nothing),
        ];
        let mut reversed = written;
        reversed.reverse();
        for order in [written, reversed] {
            let mut captures = Captures::none();
            for (text, name) in order {
                captures.add(Proved, &[text.parse().unwrap()], vec![], name);
            }
            for (destination, name) in cases {
                assert_eq!(
                    captures.find(destination.parse().unwrap()),
                    name,
                    "{destination}"
                );
            }
        }
    }

    #[test]
    fn a_name_is_narrower_than_a_network_and_wider_than_an_address() {
        let mut captures = Captures::none();
        captures.add(Proved, &written(&["10.96.0.0/16:*"]), vec![], "network");
        captures.add(Proved, &written(&["10.96.0.12:80"]), vec![], "address");
        captures.add(Proved, &written(&["10.96.0.13:*"]), vec![], "host");
        captures.add(
            Proved,
            &[],
            vec![at("10.96.0.12:80"), at("10.96.0.13:80")],
            "name",
        );
        for (destination, name) in [
            ("10.96.0.12:80", "address"),
            ("10.96.0.13:80", "name"),
            ("10.96.0.13:81", "host"),
            ("10.96.0.14:80", "network"),
        ] {
            let found = captures.find(destination.parse().unwrap());
            assert_eq!(found, Found::Captured(&name), "{destination}");
        }
    }

    #[test]
    fn what_two_doors_claim_by_name_belongs_to_neither() {
        let mut captures = Captures::none();
        captures.add(Proved, &written(&["10.96.0.0/16:*"]), vec![], "network");
        captures.add(Proved, &written(&["10.96.0.13:80"]), vec![], "address");
        let one = vec![
            at("10.96.0.12:80"),
            at("10.96.0.12:80"),
            at("10.96.0.13:80"),
        ];
        captures.add(Proved, &[], one, "one");
        let find = |captures: &Captures<&'static str>, text: &str| {
            format!("{:?}", captures.find(text.parse().unwrap()))
        };
        // Two names of one door agree.
        assert_eq!(find(&captures, "10.96.0.12:80"), "Captured(\"one\")");
        let other = vec![at("10.96.0.12:80"), at("10.96.0.13:80")];
        captures.add(Proved, &[], other, "other");
        assert_eq!(find(&captures, "10.96.0.12:80"), "Disputed");
        assert_eq!(find(&captures, "10.96.0.13:80"), "Captured(\"address\")");
        captures.add(Clear, &[], vec![at("10.97.0.1:80")], "clear");
        assert_eq!(find(&captures, "10.97.0.1:80"), "Captured(\"clear\")");
        captures.add(Clear, &[], vec![at("10.97.0.1:80")], "too");
        assert_eq!(find(&captures, "10.97.0.1:80"), "Disputed");
    }

    #[test]
    fn no_name_takes_a_doors_connection_into_the_clear() {
        let mut captures = Captures::none();
        let claimed = vec![
            at("10.96.0.12:80"),
            at("10.97.0.1:80"),
            at("10.98.0.1:80"),
            at("10.99.0.1:80"),
        ];
        captures.add(Clear, &written(&["10.98.0.0/16:*"]), claimed, "clear");
        captures.add(Clear, &written(&["10.96.0.7:80"]), vec![], "meant");
        captures.add(Proved, &written(&["10.96.0.0/16:*"]), vec![], "network");
        captures.add(Proved, &[], vec![at("10.97.0.1:80")], "named");
        for (destination, name) in [
            ("10.96.0.12:80", "network"),
            ("10.96.0.7:80", "meant"),
            ("10.97.0.1:80", "named"),
            ("10.98.0.1:80", "clear"),
            ("10.98.0.2:80", "clear"),
            ("10.99.0.1:80", "clear"),
        ] {
            let found = captures.find(destination.parse().unwrap());
            assert_eq!(found, Found::Captured(&name), "{destination}");
        }
    }

    #[tokio::test]
    async fn while_a_name_is_unknown_nothing_that_could_be_its_own_leaves_in_the_clear() {
        for security in [Proved, Clear] {
            let (tell, known) = watch::channel(Known::NotYet);
            let mut captures = Captures::none();
            captures.add(Clear, &written(&["10.96.0.0/16:*"]), vec![], "network");
            captures.add(Clear, &written(&["10.96.0.12:80"]), vec![], "address");
            captures.add(Proved, &written(&["10.97.0.0/16:*"]), vec![], "door");
            captures.add(security, &[], vec![lead(known)], "name");
            let find = |text: &str| captures.find(text.parse().unwrap());
            for unknown in [Known::NotYet, Known::Lost] {
                tell.send(unknown).unwrap();
                assert_eq!(find("10.96.0.12:80"), Found::Captured(&"address"));
                assert_eq!(find("10.96.0.13:80"), Found::Unsure);
                assert_eq!(find("10.96.0.13:81"), Found::Captured(&"network"));
                assert_eq!(find("10.97.0.13:80"), Found::Captured(&"door"));
                assert_eq!(find("10.98.0.13:80"), Found::Unsure);
                assert_eq!(find("10.98.0.13:81"), Found::Nothing);
            }
            let told = |text: &str| Known::At([text.parse().unwrap()].into());
            tell.send(told("10.96.0.13:80")).unwrap();
            captures.told().await;
            assert_eq!(find("10.96.0.13:80"), Found::Captured(&"name"));
            tell.send(told("10.96.0.14:80")).unwrap();
            assert_eq!(find("10.96.0.13:80"), Found::Captured(&"network"));
            assert_eq!(find("10.98.0.13:80"), Found::Nothing);
        }
    }

    proptest! {
        /// Whatever names lead to: in the clear goes only what is written so, or
        /// what no door could have.
        #[test]
        fn no_answer_of_a_name_service_opens_what_a_door_has(
            door in proptest::option::of(0_u8..4),
            doors_name in proptest::option::of(0_u8..4),
            clear_names in proptest::collection::vec(0_u8..4, 0..4),
            dialled in 0_u8..4,
        ) {
            let host = |last: u8| format!("10.0.0.{last}:80");
            let mut captures = Captures::none();
            let lead_of = |last: u8| at(&host(last));
            captures.add(Clear, &[], clear_names.iter().map(|&last| lead_of(last)).collect(), Clear);
            let network: Vec<_> = door.iter().map(|last| format!("10.0.0.{last}:*").parse().unwrap()).collect();
            let (_tell, known) = watch::channel(Known::Lost);
            let name = doors_name.map_or_else(|| lead(known), lead_of);
            captures.add(Proved, &network, vec![name], Proved);
            let found = captures.find(host(dialled).parse().unwrap());
            let in_the_clear = found == Found::Captured(&Clear);
            let could_be_the_doors = door == Some(dialled) || doors_name.is_none_or(|last| last == dialled);
            prop_assert_eq!(in_the_clear, !could_be_the_doors && clear_names.contains(&dialled));
        }
    }

    fn written(captures: &[&str]) -> Vec<Capture> {
        captures.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn at(text: &str) -> Lead {
        let address: SocketAddr = text.parse().unwrap();
        Lead {
            port: NonZeroU16::new(address.port()).unwrap(),
            whereabouts: Whereabouts::fixed(address),
        }
    }

    fn lead(known: watch::Receiver<Known>) -> Lead {
        Lead {
            port: NonZeroU16::new(80).unwrap(),
            whereabouts: Whereabouts::told_by(known),
        }
    }
}
