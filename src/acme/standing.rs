//! How it stands with each host's certificate, for whoever asks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::time::Instant;

/// What is known of each host. All threads share one.
#[derive(Debug, Default)]
pub struct Standing(Mutex<BTreeMap<String, Stand>>);

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Stand {
    /// When to look after it, in seconds since 1970.
    pub(super) due: u64,
    /// Since when its certificate is good.
    pub(super) begins: u64,
    /// When it ends; none without one.
    pub(super) ends: Option<u64>,
    /// How often in a row it failed.
    pub(super) failures: u32,
    /// Its certificate.
    pub(super) leaf: Option<CertificateDer<'static>>,
    /// When that is to be renewed.
    pub(super) renew: u64,
    /// Which change of the store this is of.
    pub(super) version: i64,
    /// Why it failed last; empty if it did not.
    pub(super) why: String,
    /// Not to be looked after before, by this sidecar.
    pub(super) not_before: Option<Instant>,
}

impl Standing {
    /// Nothing yet, of `hosts`.
    pub(super) fn of(hosts: &[String]) -> Self {
        let hosts = hosts.iter();
        let hosts = hosts.map(|host| (host.clone(), Stand::default()));
        Self(Mutex::new(hosts.collect()))
    }

    /// What is wrong at `now`, in seconds since 1970, with the hosts that have no
    /// certificate, or one that has expired.
    #[must_use]
    pub fn complaints(&self, now: u64) -> Vec<String> {
        let all = self.lock().clone();
        let wrong = all.iter().filter_map(|(host, stand)| {
            let what = match stand.ends {
                None => "no certificate yet",
                Some(ends) if ends <= now => "its certificate has expired",
                Some(_) => return None,
            };
            let why = &stand.why;
            Some(if why.is_empty() {
                format!("{host}: {what}")
            } else {
                format!("{host}: {what}: {why}")
            })
        });
        wrong.collect()
    }

    /// Takes in what is known of `host` now.
    pub(super) fn put(&self, host: &str, stand: Stand) {
        let mut all = self.lock();
        // Whoever looks after it does so to the end.
        let not_before = all.get(host).and_then(|before| before.not_before);
        let stand = Stand {
            not_before,
            ..stand
        };
        all.insert(host.to_owned(), stand);
    }

    /// What is known of `host`.
    pub(super) fn get(&self, host: &str) -> Option<Stand> {
        self.lock().get(host).cloned()
    }

    /// Nobody looks after `host` for `pause` here.
    pub(super) fn leave(&self, host: &str, pause: Duration) {
        let at = Instant::now() + pause;
        if let Some(stand) = self.lock().get_mut(host) {
            stand.not_before = Some(at);
        }
    }

    /// `most` of the hosts that are to be looked after at `now`, those without a
    /// certificate first.
    pub(super) fn due(&self, now: u64, most: usize) -> Vec<(String, Stand)> {
        let mut all = self.lock();
        let today = Instant::now();
        let is_due = |stand: &Stand| {
            stand.due <= now
                && stand
                    .not_before
                    .is_none_or(|not_before| not_before <= today)
        };
        let due = all.iter().filter(|(_, stand)| is_due(stand));
        let mut due: Vec<(String, Stand)> = due
            .map(|(host, stand)| (host.clone(), stand.clone()))
            .collect();
        due.sort_by_key(|(_, stand)| (stand.ends.is_some(), stand.ends, stand.due));
        due.truncate(most);
        for (host, _) in &due {
            if let Some(stand) = all.get_mut(host) {
                stand.not_before = Some(today + UNDER_WAY);
            }
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stand>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than looking after a host takes, which ends by saying when to go on.
const UNDER_WAY: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(hosts: &[(&str, u64, Option<u64>)]) -> Standing {
        let standing = Standing::default();
        for (host, due, ends) in hosts {
            let stand = Stand {
                due: *due,
                ends: *ends,
                ..Stand::default()
            };
            standing.put(host, stand);
        }
        standing
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_nothing_comes_first_and_nobody_twice_at_once() {
        let standing = standing(&[
            ("good", 50, Some(90)),
            ("later", 51, Some(90)),
            ("new", 0, None),
            ("over", 40, Some(45)),
        ]);
        let names = |due: Vec<(String, Stand)>| -> Vec<String> {
            due.into_iter().map(|(host, _)| host).collect()
        };
        assert_eq!(names(standing.due(50, 2)), ["new", "over"]);
        assert_eq!(names(standing.due(50, 9)), ["good"]);
        assert_eq!(names(standing.due(50, 9)), [""; 0]);
        standing.leave("new", Duration::from_secs(5));
        assert_eq!(names(standing.due(50, 9)), [""; 0]);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(names(standing.due(50, 9)), ["new"]);
    }

    #[test]
    fn what_is_wrong_is_said_of_each_host_and_why() {
        let standing = standing(&[("a", 0, None), ("b", 0, Some(9)), ("c", 0, Some(8))]);
        let why = "the CA is away".to_owned();
        let stand = Stand {
            why,
            ..standing.get("a").unwrap()
        };
        standing.put("a", stand);
        let said = [
            "a: no certificate yet: the CA is away",
            "c: its certificate has expired",
        ];
        assert_eq!(standing.complaints(8), said);
    }
}
