//! Whole numbers: constants, clocks, and sums of them.

use std::time::SystemTime;

use crate::policy::context::timestamp;
use crate::policy::formula::Failed;
use crate::policy::formula::facts::Facts;
use crate::policy::formula::facts::millis;
use crate::policy::formula::instant::time_of_day;
use crate::policy::formula::said::Said;
use crate::policy::question::Tls;

/// A number; an instant or a span of time is one of milliseconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Number {
    Constant(i64),
    /// What a clock shows, by its number among those that are read.
    Clock(usize, Hand),
    Now,
    /// How long ago the caller has signed in, in seconds.
    AuthAge,
    /// When the caller has signed in.
    SignIn,
    Said(Said),
    /// The first moment of the certificate, and the last.
    NotBefore,
    NotAfter,
    /// How far the day has come in Greenwich.
    TimeOfDay,
    Minus(Box<Self>),
    Sum(Box<(Self, Self)>),
    Difference(Box<(Self, Self)>),
    Product(Box<(Self, Self)>),
}

/// What of a clock is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hand {
    MinuteOfDay,
    Weekday,
    Date,
}

impl Number {
    pub(super) fn value(&self, facts: &Facts<'_>) -> Result<i64, Failed> {
        let both = |pair: &(Self, Self)| Ok((pair.0.value(facts)?, pair.1.value(facts)?));
        let found = match self {
            Self::Constant(number) => Some(*number),
            Self::Clock(number, hand) => {
                let shown = facts.clock(*number)?;
                Some(match hand {
                    Hand::MinuteOfDay => shown.minute,
                    Hand::Weekday => shown.weekday,
                    Hand::Date => shown.date,
                })
            }
            Self::Now => Some(facts.millis()?),
            Self::AuthAge => facts.auth_age(),
            Self::SignIn => Some(millis(facts.sign_in().ok_or(Failed)?)?),
            Self::Said(said) => Some(said.number(facts)?),
            Self::NotBefore => Some(certificate(facts, |tls| tls.not_before)?),
            Self::NotAfter => Some(certificate(facts, |tls| tls.not_after)?),
            Self::TimeOfDay => Some(time_of_day(facts.millis()?)),
            Self::Minus(number) => number.value(facts)?.checked_neg(),
            Self::Sum(pair) => both(pair).map(|(a, b)| a.checked_add(b))?,
            Self::Difference(pair) => both(pair).map(|(a, b)| a.checked_sub(b))?,
            Self::Product(pair) => both(pair).map(|(a, b)| a.checked_mul(b))?,
        };
        found.ok_or(Failed)
    }
}

fn certificate(facts: &Facts<'_>, moment: impl FnOnce(&Tls) -> SystemTime) -> Result<i64, Failed> {
    let tls = facts.question.caller.tls().ok_or(Failed)?;
    millis(timestamp(moment(tls)).or(Err(Failed))?)
}
