//! Signals that operators push, each for a while.
//!
//! They lie over what the file says, and are typed as what it says is. They are
//! in memory: when the sidecar ends, they are absent, as what nobody knows is.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value as Json;

use crate::policy::signal::SignalType;
use crate::policy::signal::Signals;
use crate::policy::signal::Word;
use crate::policy::signal::whose;
use crate::policy::signal_name::SignalName;

/// All that were pushed and have not ended.
#[derive(Debug, Default)]
pub struct Pushed {
    declared: BTreeMap<SignalName, SignalType>,
    values: BTreeMap<Said, (Word, Box<str>)>,
}

/// Of whom, and what.
type Said = (Box<str>, SignalName);

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PushedSignal {
    /// Of whom it is said, as records call them.
    pub caller: Box<str>,
    /// Which signal.
    pub name: SignalName,
    /// The value, as it was written.
    pub text: Box<str>,
    /// The first moment at which it is no longer good.
    pub until: SystemTime,
}

impl Pushed {
    /// None yet, of those that are `declared`.
    #[must_use]
    pub const fn new(declared: BTreeMap<SignalName, SignalType>) -> Self {
        Self {
            declared,
            values: BTreeMap::new(),
        }
    }

    /// From now on other signals are `declared`. Forgets what is said of those that
    /// are not, or are of another type, and tells how much that was.
    pub fn redeclare(&mut self, declared: &BTreeMap<SignalName, SignalType>) -> usize {
        if self.declared == *declared {
            return 0;
        }
        let before = self.values.len();
        let known = std::mem::replace(&mut self.declared, declared.clone());
        self.values
            .retain(|(_, name), _| known.get(name) == declared.get(name));
        before - self.values.len()
    }

    /// Says of `caller` that the signal `name` is what `text` is in YAML, until then.
    ///
    /// # Errors
    ///
    /// All of [`PushError`]; nothing has changed then.
    pub fn set(
        &mut self,
        caller: &str,
        (name, text): (&str, &str),
        until: SystemTime,
    ) -> Result<(), PushError> {
        let (caller, name, kind) = self.about(caller, name)?;
        let unlike = |why| PushError::Unlike {
            name: name.clone(),
            why,
        };
        if text.len() > MOST_BYTES {
            return Err(unlike(format!("more than {MOST_BYTES} bytes")));
        }
        let value = serde_saphyr::from_str::<Json>(text);
        let value = value.map_err(|error| unlike(error.to_string()))?;
        let reading = kind.read(&value);
        let reading = reading.ok_or_else(|| unlike(format!("it must be {kind}")))?;
        let place = (caller, name);
        if self.values.len() >= MOST && !self.values.contains_key(&place) {
            return Err(PushError::Full { most: MOST });
        }
        self.values
            .insert(place, (Word { reading, until }, text.into()));
        Ok(())
    }

    /// Says it no longer. Tells whether it was said.
    ///
    /// # Errors
    ///
    /// [`PushError::NotACaller`], [`PushError::Undeclared`].
    pub fn clear(&mut self, caller: &str, name: &str) -> Result<bool, PushError> {
        let (caller, name, _) = self.about(caller, name)?;
        Ok(self.values.remove(&(caller, name)).is_some())
    }

    /// Forgets those that are no longer good at `now`. Tells whether there was one.
    pub fn expire(&mut self, now: SystemTime) -> bool {
        let before = self.values.len();
        self.values.retain(|_, (word, _)| now < word.until);
        self.values.len() != before
    }

    /// All of them, by caller.
    #[must_use]
    pub fn all(&self) -> Vec<PushedSignal> {
        let all = self.values.iter();
        let all = all.map(|((caller, name), (word, text))| PushedSignal {
            caller: caller.clone(),
            name: name.clone(),
            text: text.clone(),
            until: word.until,
        });
        all.collect()
    }

    /// What `signals` say, and over it these.
    #[must_use]
    pub fn over(&self, signals: &Signals) -> Signals {
        let mut all = signals.clone();
        for ((caller, name), (word, _)) in &self.values {
            all.say(caller, name, word);
        }
        all
    }

    fn about(
        &self,
        caller: &str,
        name: &str,
    ) -> Result<(Box<str>, SignalName, SignalType), PushError> {
        let caller = whose(caller).map_err(|why| PushError::NotACaller { why })?;
        let undeclared = || PushError::Undeclared { name: name.into() };
        let name = name.parse::<SignalName>().map_err(|_bad| undeclared())?;
        let kind = self.declared.get(&name).ok_or_else(undeclared)?;
        Ok((caller, name, *kind))
    }
}

/// Why a signal is not taken in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PushError {
    /// There are too many.
    #[error("there are {most} pushed signals, the most that there may be: clear some")]
    Full {
        /// How many there may be.
        most: usize,
    },
    /// It is said of nobody.
    #[error("{why}")]
    NotACaller {
        /// Why.
        why: String,
    },
    /// There is no such signal.
    #[error(
        "the signal `{name}` is not declared: `policy.signals` has those that can be pushed, without those of `policy.signal_headers`"
    )]
    Undeclared {
        /// What it was called.
        name: Box<str>,
    },
    /// The value is none of its type.
    #[error("that is no value of `{name}`: {why}")]
    Unlike {
        /// Which signal.
        name: SignalName,
        /// Why not.
        why: String,
    },
}

/// A megabyte or so.
const MOST: usize = 10_000;
/// A long list.
const MOST_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn declared() -> BTreeMap<SignalName, SignalType> {
        let all = [("risk", SignalType::Long), ("tags", SignalType::Texts)];
        all.into_iter()
            .map(|(name, kind)| (name.parse().unwrap(), kind))
            .collect()
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn says(signals: &Signals, caller: &str, second: u64) -> Option<i64> {
        let held = signals.of(caller)?;
        match held.value(&"risk".parse().unwrap(), at(second)) {
            Some(crate::policy::ClaimValue::Long(risk)) => Some(*risk),
            _ => None,
        }
    }

    #[test]
    fn what_is_pushed_lies_over_the_file_until_it_ends() {
        let file = "spiffe://td/a: { risk: 1 }\ncorp/bob: { risk: 2 }";
        let file = Signals::parse("s.yaml", file, &declared()).unwrap();
        let mut pushed = Pushed::new(declared());
        pushed.set("spiffe://td/a", ("risk", "7"), at(60)).unwrap();
        pushed.set("corp/alice", ("risk", "-8"), at(90)).unwrap();
        let both = pushed.over(&file);
        assert_eq!(says(&both, "spiffe://td/a", 59), Some(7));
        assert_eq!(says(&both, "spiffe://td/a", 60), None);
        assert_eq!(says(&both, "corp/alice", 89), Some(-8));
        assert_eq!(says(&both, "corp/bob", 0), Some(2));
        assert!(!pushed.expire(at(59)));
        assert!(pushed.expire(at(60)));
        assert_eq!(says(&pushed.over(&file), "spiffe://td/a", 60), Some(1));
        assert_eq!(pushed.clear("corp/alice", "risk"), Ok(true));
        assert_eq!(pushed.clear("corp/alice", "risk"), Ok(false));
        assert_eq!(pushed.all(), []);
        assert_eq!(pushed.over(&file), file);
    }

    #[test]
    fn what_another_set_does_not_know_or_types_otherwise_is_forgotten() {
        let mut pushed = Pushed::new(declared());
        pushed.set("corp/alice", ("risk", "7"), at(60)).unwrap();
        pushed.set("corp/alice", ("tags", "[a]"), at(60)).unwrap();
        assert_eq!(pushed.redeclare(&declared()), 0);
        let mut next = declared();
        next.insert("tags".parse().unwrap(), SignalType::Text);
        next.insert("site".parse().unwrap(), SignalType::Text);
        assert_eq!(pushed.redeclare(&next), 1);
        let left: Vec<String> = pushed
            .all()
            .iter()
            .map(|one| one.name.to_string())
            .collect();
        assert_eq!(left, ["risk"]);
        pushed
            .set("corp/alice", ("site", "vienna"), at(60))
            .unwrap();
        next.remove("risk");
        assert_eq!(pushed.redeclare(&next), 1);
        assert!(pushed.set("corp/alice", ("risk", "7"), at(60)).is_err());
    }

    #[test]
    fn what_is_not_declared_or_not_typed_so_is_refused_and_changes_nothing() {
        let mut pushed = Pushed::new(declared());
        pushed.set("corp/alice", ("risk", "7"), at(60)).unwrap();
        let long = "x".repeat(MOST_BYTES + 1);
        for (caller, name, text, why) in [
            ("corp/alice", "riks", "7", "`riks` is not declared"),
            ("corp/alice", "", "7", "is not declared"),
            ("corp/alice", "risk", "high", "must be a whole number"),
            (
                "corp/alice",
                "risk",
                "{ value: 7 }",
                "must be a whole number",
            ),
            ("corp/alice", "risk", "", "that is no value of `risk`"),
            ("corp/alice", "tags", "[", "that is no value of `tags`"),
            ("corp/alice", "risk", long.as_str(), "more than 4096 bytes"),
            ("alice", "risk", "7", "is neither a SPIFFE ID nor"),
            ("spiffe://TD/a", "risk", "7", "is not a SPIFFE ID"),
        ] {
            let refused = pushed.set(caller, (name, text), at(90)).unwrap_err();
            assert!(
                refused.to_string().contains(why),
                "{name} {text}: {refused}"
            );
        }
        let most = format!("[{}]", "x".repeat(MOST_BYTES - 2));
        pushed.set("corp/bob", ("tags", &most), at(90)).unwrap();
        assert_eq!(pushed.clear("corp/bob", "tags"), Ok(true));
        let all = pushed.all();
        assert_eq!(all.len(), 1);
        assert_eq!((&*all[0].caller, &*all[0].text), ("corp/alice", "7"));
        assert_eq!(all[0].until, at(60));
    }

    #[test]
    fn there_are_not_too_many() {
        let mut pushed = Pushed::new(declared());
        for at_user in 0..MOST {
            let user = format!("corp/{at_user}");
            pushed.set(&user, ("risk", "1"), at(60)).unwrap();
        }
        let full = pushed.set("corp/one-more", ("risk", "1"), at(60));
        assert_eq!(full, Err(PushError::Full { most: MOST }));
        pushed.set("corp/0", ("risk", "2"), at(60)).unwrap();
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_refused(caller in "(spiffe://td/)?[a-z/ ]{0,9}", text in "\\PC{0,24}") {
            let mut pushed = Pushed::new(declared());
            let is_set = pushed.set(&caller, ("tags", &text), at(1)).is_ok();
            prop_assert_eq!(pushed.all().len(), usize::from(is_set));
        }
    }
}
