//! Whether a line follows from the one before, and where to go on if it does not.

use crate::audit::chain::Link;
use crate::audit::chain::Sealed;
use crate::audit::verify::report::Wrong;

/// Where one stands in a chain.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The line that the next should follow.
    now: Option<Point>,
    /// The lines that it may follow, too, after one that was wrong.
    others: Vec<(Why, Point)>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    seq: u64,
    link: Link,
}

/// Why the next line may follow from there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    /// The wrong line may have been put there.
    Kept,
    /// Only the number or the hash of the wrong line may have been changed.
    Mended,
    /// The wrong line may be the first of several that are elsewhere.
    Written,
}

/// How a line fits.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// There is none before it.
    First,
    Follows,
    Wrong(Wrong),
}

impl Course {
    /// From `line` on, whatever was before.
    pub(super) fn from(line: &Sealed<'_>) -> Self {
        Self {
            now: Some(Point::of(line)),
            others: Vec::new(),
        }
    }

    /// The next line.
    pub(super) fn step(&mut self, line: &Sealed<'_>) -> Step {
        let Some(now) = self.now else {
            *self = Self::from(line);
            return Step::First;
        };
        if now.is_before(line) {
            *self = Self::from(line);
            return Step::Follows;
        }
        let other = self
            .others
            .iter()
            .position(|(_, point)| point.is_before(line));
        match other.and_then(|at| self.others.get_mut(at)) {
            Some((why, _)) if line.seq > now.seq || *why == Why::Mended => {
                *self = Self::from(line);
                Step::Follows
            }
            Some((_, point)) => {
                *point = Point::of(line);
                Step::Wrong(Wrong::OutOfOrder { after: now.seq })
            }
            None => Step::Wrong(self.stray_from(now, line)),
        }
    }

    /// `line` does not follow `now`: says how, and from where the next may.
    fn stray_from(&mut self, now: Point, line: &Sealed<'_>) -> Wrong {
        let next = now.seq.saturating_add(1);
        let point = |seq, link| Point { seq, link };
        let mended = [
            point(next, line.link),
            point(next, Link::of(Some(&now.link), line.covered)),
        ];
        self.others = vec![(Why::Kept, now)];
        self.others.extend(mended.map(|point| (Why::Mended, point)));
        if line.seq <= now.seq {
            self.others.push((Why::Written, Point::of(line)));
            return Wrong::OutOfOrder { after: now.seq };
        }
        self.now = Some(Point::of(line));
        if line.seq == next {
            Wrong::Changed
        } else {
            Wrong::Missing {
                first: next,
                last: line.seq - 1,
            }
        }
    }
}

impl Point {
    const fn of(line: &Sealed<'_>) -> Self {
        Self {
            seq: line.seq,
            link: line.link,
        }
    }

    fn is_before(&self, line: &Sealed<'_>) -> bool {
        self.seq.checked_add(1) == Some(line.seq) && line.follows(Some(&self.link))
    }
}
