//! A session in memory, asked at each request: no lock, no store, no hash.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::Release;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::policy::Caller;
use crate::policy::Person;
use crate::session::calendar::date;
use crate::session::calendar::seconds;
use crate::session::id::Digest;
use crate::session::program::Program;
use crate::session::settings::Limits;
use crate::session::why::Why;

/// Somebody who has signed in, as the provider last spoke of them.
///
/// It does not change: when the provider has been asked again, another takes its
/// place, and this one says so. Whether it is still good is asked of
/// [`check`](Self::check), at each request and of whatever is in flight.
#[derive(Debug)]
pub struct Session {
    facts: Facts,
    limits: Limits,
    /// For the policy: one for all requests, which is remembered by where it lies.
    caller: Caller,
    person: Arc<Person>,
    /// Another took its place, with what the provider says now.
    renewed: AtomicBool,
    life: Arc<Life>,
    sight: Arc<Sight>,
}

/// What is known of a session besides the person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Facts {
    pub(super) created: u64,
    pub(super) digest: Digest,
    pub(super) ends: u64,
    /// When what the provider said must be refreshed; 0: never.
    pub(super) good_until: u64,
    pub(super) host: Box<str>,
    /// The program that has it; none: a browser has.
    pub(super) program: Option<Program>,
    /// When the provider spoke.
    pub(super) renewed_at: u64,
    /// The provider's name of its own session with the person.
    pub(super) sid: Option<Box<str>>,
    /// The change that made it so.
    pub(super) version: i64,
}

/// What all versions of a session share.
#[derive(Debug)]
pub(super) struct Life {
    /// Zero, or the number of a [`Why`].
    over: AtomicU8,
    /// Whether the store knows that it is over.
    is_written: AtomicBool,
    last_used: AtomicU64,
    /// What the store knows of that.
    written_use: AtomicU64,
}

/// What all sessions have in common: whether we still learn of what other
/// sidecars end, and who is told of what changes here.
#[derive(Debug, Default)]
pub(super) struct Sight {
    changed: watch::Sender<u64>,
    generation: AtomicU64,
    is_blind: AtomicBool,
}

/// Why a session is not in force now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Over {
    /// The clock stands before the session's last use, by more than clocks differ.
    /// Nobody can say how old it is; it is not over.
    ClockBack,
    /// It is over.
    Ended(Why),
    /// The provider spoke again: another session has taken this one's place.
    Renewed,
    /// The store could not be asked for too long whether it is over.
    Unsure,
}

impl Session {
    pub(super) fn new(facts: Facts, person: Person, life: Arc<Life>, terms: &Terms) -> Self {
        let person = Arc::new(person);
        Self {
            caller: Caller::person(Arc::clone(&person)),
            facts,
            limits: terms.limits,
            person,
            renewed: AtomicBool::new(false),
            life,
            sight: Arc::clone(&terms.sight),
        }
    }

    /// Whether it is in force at `now`. Whoever finds it over by the clock has
    /// ended it: it stays over when the clock goes back.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn check(&self, now: SystemTime) -> Result<(), Over> {
        // Pairs with whoever ends or renews: what they say is seen with it.
        if let Some(why) = self.life.over() {
            return Err(Over::Ended(why));
        }
        if self.renewed.load(Acquire) {
            return Err(Over::Renewed);
        }
        if self.sight.is_blind.load(Relaxed) {
            return Err(Over::Unsure);
        }
        let now = seconds(now);
        let last_used = self.life.last_used();
        if now.saturating_add(LEEWAY_S) < last_used {
            return Err(Over::ClockBack);
        }
        let grace = self.limits.refresh_grace.as_secs();
        let is_stale =
            self.facts.good_until != 0 && now >= self.facts.good_until.saturating_add(grace);
        let why = if now >= self.facts.ends {
            Why::Expired
        } else if now >= last_used.saturating_add(self.limits.idle.as_secs()) {
            Why::Idle
        } else if is_stale {
            Why::Unrefreshed
        } else {
            return Ok(());
        };
        let why = self.life.end(why);
        // Whoever finds it first tells all: what is in flight for it is asked again.
        self.sight.tell();
        Err(Over::Ended(why))
    }

    /// Notes that it is used. One store into memory, at most once a second.
    pub fn touch(&self, now: SystemTime) {
        self.life.touch(seconds(now));
    }

    /// Who it is, to the policy.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who it is.
    #[must_use]
    pub const fn person(&self) -> &Arc<Person> {
        &self.person
    }

    /// What it is known by.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.facts.digest
    }

    /// The host that it was made on, and is good for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.facts.host
    }

    /// The program that has it, if none of a person's browsers does.
    #[must_use]
    pub const fn program(&self) -> Option<&Program> {
        self.facts.program.as_ref()
    }

    /// What the provider calls its own session with the person.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.facts.sid.as_deref()
    }

    /// When the person signed in.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        date(self.facts.created)
    }

    /// When it ends, however much it is used.
    #[must_use]
    pub fn ends_at(&self) -> SystemTime {
        date(self.facts.ends)
    }

    /// When it was last used, as far as we know.
    #[must_use]
    pub fn last_used_at(&self) -> SystemTime {
        date(self.life.last_used())
    }

    /// The number of the change that made it what it is; grows when it is renewed.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.facts.version
    }

    pub(super) const fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) const fn life(&self) -> &Arc<Life> {
        &self.life
    }

    pub(super) fn is_replaced(&self) {
        self.renewed.store(true, Release);
    }
}

impl Life {
    pub(super) fn new(last_used: u64) -> Self {
        Self {
            over: AtomicU8::new(0),
            is_written: AtomicBool::new(false),
            last_used: AtomicU64::new(last_used),
            written_use: AtomicU64::new(last_used),
        }
    }

    /// Why it is over, if it is.
    pub(super) fn over(&self) -> Option<Why> {
        match self.over.load(Acquire) {
            0 => None,
            number => Some(Why::from_number(number).unwrap_or(Why::Damaged)),
        }
    }

    /// Ends it, unless it is over; tells why it is.
    pub(super) fn end(&self, why: Why) -> Why {
        let ended = self
            .over
            .compare_exchange(0, why.number(), Release, Acquire);
        match ended {
            Ok(_live) => why,
            Err(number) => Why::from_number(number).unwrap_or(Why::Damaged),
        }
    }

    /// Ends it, as the store knows already, which has the last word on why.
    pub(super) fn has_ended(&self, why: Why) {
        self.over.store(why.number(), Release);
        self.is_written.store(true, Release);
    }

    /// The store knows better: it is not over by the clock. What else has ended
    /// it since stays.
    pub(super) fn goes_on(&self, last_used: u64) {
        self.touch(last_used);
        let over = self.over.load(Acquire);
        if Why::from_number(over).is_some_and(Why::is_by_the_clock) {
            let lifted = self.over.compare_exchange(over, 0, Release, Relaxed);
            tracing::debug!(lifted = lifted.is_ok(), "a session was used elsewhere");
        }
    }

    pub(super) fn is_written(&self) -> bool {
        self.is_written.load(Acquire)
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Relaxed)
    }

    pub(super) fn touch(&self, now: u64) {
        if now > self.last_used.load(Relaxed) {
            self.last_used.fetch_max(now, Relaxed);
        }
    }

    /// When it was last used, if the store does not know.
    pub(super) fn unwritten_use(&self) -> Option<u64> {
        let last_used = self.last_used();
        (last_used > self.written_use.load(Relaxed)).then_some(last_used)
    }

    pub(super) fn wrote_use(&self, last_used: u64) {
        self.written_use.fetch_max(last_used, Relaxed);
    }
}

impl Sight {
    pub(super) fn is_blind(&self) -> bool {
        self.is_blind.load(Relaxed)
    }

    /// How often something changed that may end what is in flight.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    /// Tells of each such change after this call.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Something changed that may end what is in flight.
    pub(super) fn tell(&self) {
        let generation = self.generation.fetch_add(1, Release) + 1;
        self.changed.send_replace(generation);
    }

    /// Tells whether that is new.
    pub(super) fn see(&self, sight: Seeing) -> bool {
        let is_blind = sight == Seeing::Nothing;
        self.is_blind.swap(is_blind, Relaxed) != is_blind
    }
}

/// Whether the store tells us anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seeing {
    All,
    Nothing,
}

/// What all sessions share.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) limits: Limits,
    pub(super) sight: Arc<Sight>,
}

/// How far clocks of sidecars that share a store may be apart.
const LEEWAY_S: u64 = 60;
