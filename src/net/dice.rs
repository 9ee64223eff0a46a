//! Chance, where nobody gains by guessing it.

use std::cell::Cell;

use aws_lc_rs::rand;

/// Draws numbers fast. One worker's own; never for secrets.
#[derive(Debug)]
pub struct Dice(Cell<u64>);

impl Dice {
    /// Dice that fall differently in each worker and each process.
    #[must_use]
    pub fn new() -> Self {
        let mut seed = [0_u8; 8];
        // Without randomness all draw the same, which is harmless.
        if rand::fill(&mut seed).is_err() {
            return Self::falling_as(1);
        }
        Self::falling_as(u64::from_le_bytes(seed))
    }

    /// Dice that always fall in the same way.
    #[must_use]
    pub const fn falling_as(seed: u64) -> Self {
        // The generator would stay at zero.
        Self(Cell::new(seed | 1))
    }

    /// A number below `bound`; 0 if that is 0.
    #[must_use]
    pub fn below(&self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// From 0.0 to 1.0.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let upper = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / f64::from(u32::MAX)
    }

    /// Marsaglia's xorshift, scrambled as Vigna does (xorshift64*).
    fn next(&self) -> u64 {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_up_about_as_often() {
        let dice = Dice::falling_as(7);
        let mut sides = [0; 5];
        for _ in 0..5000 {
            sides[dice.below(5)] += 1;
        }
        assert!(
            sides.iter().all(|side| (800..1200).contains(side)),
            "{sides:?}"
        );
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.below(1), 0);
    }

    #[test]
    fn fractions_lie_between_nothing_and_all() {
        let dice = Dice::new();
        let mut sum = 0.0;
        for _ in 0..1000 {
            let fraction = dice.fraction();
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
            sum += fraction;
        }
        assert!((400.0..600.0).contains(&sum), "{sum}");
    }
}
