//! Secrets that were handed out, and what each of them is good for.

use std::collections::HashMap;
use std::io;
use std::time::SystemTime;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Values by a random name, until a date. Has a bound: the oldest makes room.
#[derive(Debug)]
pub(super) struct Shelf<V>(HashMap<String, Kept<V>>);

#[derive(Debug)]
struct Kept<V> {
    until: SystemTime,
    value: V,
}

impl<V> Shelf<V> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Keeps `value` under a new name, which it tells.
    pub(super) fn put(&mut self, value: V, until: SystemTime) -> io::Result<String> {
        if self.0.len() >= MOST {
            let first = self.0.iter().min_by_key(|(_, kept)| kept.until);
            if let Some(name) = first.map(|(name, _)| name.clone()) {
                self.0.remove(&name);
            }
        }
        let name = random()?;
        self.0.insert(name.clone(), Kept { until, value });
        Ok(name)
    }

    /// What is kept under `name`, if it is not over.
    pub(super) fn find(&mut self, name: &str, now: SystemTime) -> Option<&mut V> {
        let kept = self.0.get_mut(name).filter(|kept| now < kept.until)?;
        Some(&mut kept.value)
    }

    /// Keeps those for which `stays` says so.
    pub(super) fn retain(&mut self, stays: impl Fn(&V) -> bool) {
        self.0.retain(|_, kept| stays(&kept.value));
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<V> {
        self.0.remove(name).map(|kept| kept.value)
    }

    pub(super) fn values_mut(&mut self, now: SystemTime) -> impl Iterator<Item = &mut V> {
        let live = self.0.values_mut().filter(move |kept| now < kept.until);
        live.map(|kept| &mut kept.value)
    }

    pub(super) fn values(&self, now: SystemTime) -> impl Iterator<Item = &V> {
        let live = self.0.values().filter(move |kept| now < kept.until);
        live.map(|kept| &kept.value)
    }
}

/// 256 random bits, as they stand in a cookie and in a URL.
pub(in crate::demo) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_unspecified| io::ErrorKind::Other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// More than anybody at one machine comes by.
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_over_is_not_found_and_the_oldest_makes_room() {
        let start = SystemTime::UNIX_EPOCH;
        let mut shelf = Shelf::new();
        let first = shelf.put(0, start + Duration::from_secs(1)).unwrap();
        assert_eq!(shelf.find(&first, start), Some(&mut 0));
        assert_eq!(shelf.find(&first, start + Duration::from_secs(1)), None);
        for number in 1..=MOST {
            shelf.put(number, start + Duration::from_secs(2)).unwrap();
        }
        assert_eq!(shelf.find(&first, start), None);
        assert_eq!(shelf.values(start).count(), MOST);
    }
}
