//! Numbered places that are used again.

/// A list whose entries keep their number until they leave. Entering and leaving
/// take the same short time however many there are.
#[derive(Debug)]
pub(super) struct Slots<T> {
    all: Vec<Slot<T>>,
    /// The first that is free.
    free: Option<usize>,
    taken: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Free { next: Option<usize> },
    Taken(T),
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            free: None,
            taken: 0,
        }
    }
}

impl<T> Slots<T> {
    /// How many there are.
    #[cfg(test)]
    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    /// All have lower numbers than this.
    pub(super) const fn ends(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        match self.all.get_mut(at)? {
            Slot::Free { .. } => None,
            Slot::Taken(entry) => Some(entry),
        }
    }

    /// Takes `entry` in, and returns its number.
    pub(super) fn enter(&mut self, entry: T) -> usize {
        self.taken += 1;
        if let Some(at) = self.free
            && let Some(slot) = self.all.get_mut(at)
            && let Slot::Free { next } = *slot
        {
            self.free = next;
            *slot = Slot::Taken(entry);
            return at;
        }
        self.all.push(Slot::Taken(entry));
        self.all.len() - 1
    }

    /// Lets go of the one with this number.
    pub(super) fn leave(&mut self, at: usize) -> Option<T> {
        let slot = self.all.get_mut(at)?;
        let left = std::mem::replace(slot, Slot::Free { next: self.free });
        let Slot::Taken(entry) = left else {
            // It is on the list of free ones, and stays where it was.
            *slot = left;
            return None;
        };
        self.free = Some(at);
        self.taken = self.taken.saturating_sub(1);
        if self.taken == 0 && self.all.len() > MOST_FREE {
            // A crowd has gone, and what it took is given back.
            *self = Self::default();
        }
        Some(entry)
    }
}

/// How many free places are kept when nobody is there.
const MOST_FREE: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_was_left_last_is_used_first() {
        let mut slots = Slots::default();
        assert_eq!([1, 2, 3].map(|entry| slots.enter(entry)), [0, 1, 2]);
        assert_eq!([slots.leave(0), slots.leave(2)], [Some(1), Some(3)]);
        assert_eq!([slots.leave(2), slots.leave(9)], [None, None]);
        assert_eq!([4, 5, 6].map(|entry| slots.enter(entry)), [2, 0, 3]);
        assert_eq!(slots.get_mut(1), Some(&mut 2));
        assert_eq!((slots.ends(), slots.taken()), (4, 4));
    }

    #[test]
    fn what_a_crowd_took_is_given_back_when_it_has_gone() {
        let mut slots = Slots::default();
        let numbers: Vec<_> = (0..2_000).map(|entry| slots.enter(entry)).collect();
        for number in numbers {
            assert_eq!(slots.leave(number), Some(number));
        }
        assert_eq!((slots.ends(), slots.all.capacity()), (0, 0));
        assert_eq!(slots.enter(7), 0);
    }
}
