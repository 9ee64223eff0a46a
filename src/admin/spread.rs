//! How long things took: enough of each length to say what half of them, or all but a
//! hundredth, took at most.

use std::collections::BTreeMap;

/// How many took how long. A length is known to a sixteenth of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    counts: BTreeMap<u16, u64>,
    total: u64,
}

impl Spread {
    pub(super) fn add(&mut self, micros: u64) {
        *self.counts.entry(step(micros)).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (step, count) in &other.counts {
            *self.counts.entry(*step).or_default() += count;
        }
        self.total += other.total;
    }

    /// What `percent` of them took at most, in microseconds. None of nothing.
    pub(super) fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.total * percent).div_ceil(100).max(1);
        let mut so_far = 0;
        for (step, count) in &self.counts {
            so_far += count;
            if so_far >= wanted {
                return Some(most(*step));
            }
        }
        None
    }
}

/// Sixteen steps for each doubling.
fn step(micros: u64) -> u16 {
    let Some(doublings) = micros.checked_ilog2().filter(|twos| *twos >= BITS) else {
        return u16::try_from(micros).unwrap_or(0);
    };
    let shift = doublings - BITS;
    let within = (micros >> shift) & (STEPS - 1);
    u16::try_from(u64::from(shift + 1) * STEPS + within).unwrap_or(u16::MAX)
}

/// The longest of a step.
fn most(step: u16) -> u64 {
    let step = u64::from(step);
    if step < STEPS {
        return step;
    }
    let shift = step / STEPS - 1;
    let least = (STEPS + step % STEPS) << shift;
    least + ((1 << shift) - 1)
}

const BITS: u32 = 4;
const STEPS: u64 = 1 << BITS;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    #[test]
    fn of_a_hundred_the_fiftieth_and_the_ninety_ninth_are_told() {
        let mut spread = Spread::default();
        assert_eq!(spread.percentile(50), None);
        for micros in 1..=100 {
            spread.add(micros * 1_000);
        }
        let near = |percent, micros: u64| {
            let told = spread.percentile(percent).unwrap();
            assert!((micros..=micros + micros / 16).contains(&told), "{told}");
        };
        near(50, 50_000);
        near(99, 99_000);
        near(100, 100_000);
    }

    #[test]
    fn what_is_merged_is_what_was_added() {
        let (mut one, mut other) = (Spread::default(), Spread::default());
        one.add(3);
        other.add(7);
        other.add(9);
        one.merge(&other);
        assert_eq!(
            [1, 50, 99].map(|percent| one.percentile(percent)),
            [Some(3), Some(7), Some(9)]
        );
    }

    proptest! {
        #[test]
        fn every_length_is_known_to_a_sixteenth(micros in any::<u64>(), shift in 0_u32..64) {
            let micros = micros >> shift;
            let told = most(step(micros));
            assert!(told >= micros && told - micros <= micros / 16, "{micros} {told}");
            assert!(step(micros) <= step(micros.saturating_add(1)));
        }
    }
}
