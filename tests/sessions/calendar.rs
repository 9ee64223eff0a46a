//! A clock that tests set, and people who sign in.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::policy::Person;
use portreeve::session::Signed;
use portreeve::time::Clock;
use zeroize::Zeroizing;

#[derive(Debug)]
pub(crate) struct Calendar(AtomicU64);

impl Calendar {
    pub(crate) const fn at_noon() -> Self {
        Self(AtomicU64::new(NOON))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Calendar {
    fn now(&self) -> SystemTime {
        date(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn date(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn signed(subject: &str) -> Signed {
    Signed {
        good_until: Some(date(NOON + 300)),
        host: "grafana.example.org".to_owned(),
        id_token: None,
        person: Person {
            acr: None,
            amr: [].into(),
            authenticated_at: Some(date(NOON)),
            claims: [].into(),
            email: None,
            email_verified: false,
            groups: ["ops".into()].into(),
            name: Some("Alice".into()),
            provider: "corp".parse().unwrap(),
            roles: [].into(),
            subject: subject.parse().unwrap(),
        },
        refresh_token: Some(Zeroizing::new("a-refresh-token".to_owned())),
        sid: None,
    }
}

pub(crate) const NOON: u64 = 1_800_000_000;
