//! How many connections one address may make, and have, before it says who it is.
//!
//! The counts are in a table of a fixed size, whoever calls: an address has one
//! cell in each of two rows, which it may share with others, and what it has is
//! taken to be the less of the two. Where the cells are nobody outside can know.
//! So an address may at worst be counted together with one that shares both of
//! its cells, and can never be made to be forgotten.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::place::place;

/// What one address may do.
#[derive(Clone, Copy, Debug)]
pub struct SourceLimits {
    /// Connections that it may have at a time.
    pub connections: NonZeroU32,
    /// New connections in a second. Twice as many may come at once.
    pub per_second: NonZeroU32,
}

/// Counts connections by the address that they come from. Clones share one count.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: SourceLimits,
    secret: RandomState,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    rows: [Vec<Cell>; ROWS],
    /// How many excesses may be told of.
    tellings: Bucket,
}

/// What has come from the addresses that share it.
#[derive(Clone, Debug)]
struct Cell {
    connections: u32,
    fresh: Bucket,
    told: Option<Instant>,
}

/// So many at once, and so many more each second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u32,
    refilled: Instant,
}

/// Why an address may not have another connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Excess {
    /// What it has too many of, as a stable word.
    pub reason: &'static str,
    /// Whether to record it: a few each second are, and of one address one in ten seconds.
    pub tell: bool,
}

impl Sources {
    /// Nobody has called.
    #[must_use]
    pub fn new(limits: SourceLimits) -> Self {
        let now = Instant::now();
        let cell = Cell {
            connections: 0,
            fresh: Bucket::full(burst(limits.per_second), now),
            told: None,
        };
        Self(Arc::new(Shared {
            limits,
            secret: RandomState::new(),
            table: Mutex::new(Table {
                rows: [vec![cell.clone(); CELLS], vec![cell; CELLS]],
                tellings: Bucket::full(TELLINGS_PER_S, now),
            }),
        }))
    }

    /// A connection from `source`, which is counted until the answer is dropped.
    ///
    /// # Errors
    ///
    /// [`Excess`] if it has too many, or made too many of late.
    pub fn enter(&self, source: IpAddr) -> Result<Visit, Excess> {
        let now = Instant::now();
        let cells = self.cells(source);
        let limits = self.0.limits;
        let mut table = self.table();
        let reason = if table.connections(cells) >= limits.connections.get() {
            "too_many_from_source"
        } else if table.take(cells, limits.per_second, now) {
            for cell in table.own(cells) {
                cell.connections = cell.connections.saturating_add(1);
            }
            drop(table);
            return Ok(Visit {
                cells,
                sources: self.clone(),
            });
        } else {
            "too_fast_from_source"
        };
        let tell = table.tell(cells, now);
        drop(table);
        Err(Excess { reason, tell })
    }

    fn leave(&self, cells: [usize; ROWS]) {
        let mut table = self.table();
        for cell in table.own(cells) {
            cell.connections = cell.connections.saturating_sub(1);
        }
    }

    /// Where in each row `source` is counted.
    fn cells(&self, source: IpAddr) -> [usize; ROWS] {
        let hash = self.0.secret.hash_one(place(source)).to_le_bytes();
        let [a, b, c, d, ..] = hash;
        [[a, b], [c, d]].map(|part| usize::from(u16::from_le_bytes(part)) % CELLS)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No step under the lock leaves the counts worse than one too many.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub struct Visit {
    cells: [usize; ROWS],
    sources: Sources,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.sources.leave(self.cells);
    }
}

impl Table {
    /// The cells at `cells`, one in each row.
    fn own(&mut self, cells: [usize; ROWS]) -> impl Iterator<Item = &mut Cell> {
        let rows = self.rows.iter_mut().zip(cells);
        rows.filter_map(|(row, at)| row.get_mut(at))
    }

    /// What whoever is counted there has, at the most.
    fn connections(&mut self, cells: [usize; ROWS]) -> u32 {
        let counts = self.own(cells).map(|cell| cell.connections);
        counts.min().unwrap_or(u32::MAX)
    }

    /// Takes one from each cell that has one; whether any had.
    fn take(&mut self, cells: [usize; ROWS], per_second: NonZeroU32, now: Instant) -> bool {
        let most = burst(per_second);
        let mut any = false;
        for cell in self.own(cells) {
            any |= cell.fresh.take(most, per_second.get(), now);
        }
        any
    }

    /// Whether to tell of an excess of whoever is counted there.
    fn tell(&mut self, cells: [usize; ROWS], now: Instant) -> bool {
        let is_told = |told: Instant| now < told + TELL_AGAIN_AFTER;
        let told = self.own(cells).all(|cell| cell.told.is_some_and(is_told));
        if told || !self.tellings.take(TELLINGS_PER_S, TELLINGS_PER_S, now) {
            return false;
        }
        for cell in self.own(cells) {
            cell.told = Some(now);
        }
        true
    }
}

const fn burst(per_second: NonZeroU32) -> u32 {
    per_second.get().saturating_mul(2)
}

impl Bucket {
    const fn full(most: u32, now: Instant) -> Self {
        Self {
            left: most,
            refilled: now,
        }
    }

    /// Whether there was one to take.
    fn take(&mut self, most: u32, per_second: u32, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.refilled);
        let brought = passed.as_micros() * u128::from(per_second) / 1_000_000;
        if brought > 0 {
            let brought = u32::try_from(brought).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(brought).min(most);
            self.refilled = now;
        }
        let rest = self.left.checked_sub(1);
        self.left = rest.unwrap_or(0);
        rest.is_some()
    }
}

const ROWS: usize = 2;
/// With a thousand callers, one in five shares one cell, and nearly nobody both.
const CELLS: usize = 2_048;
/// A flood from everywhere fills no log.
const TELLINGS_PER_S: u32 = 10;
/// Nor does one from one place.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    fn sources(connections: u32, per_second: u32) -> Sources {
        Sources::new(SourceLimits {
            connections: NonZeroU32::new(connections).unwrap(),
            per_second: NonZeroU32::new(per_second).unwrap(),
        })
    }

    fn address(last: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + last).into()
    }

    /// So many addresses of which no two share a cell, wherever the secret puts them.
    fn apart(sources: &Sources, count: usize) -> Vec<IpAddr> {
        let mut taken = HashSet::new();
        let is_alone = |address: &IpAddr| {
            let cells = sources.cells(*address);
            let mut cells = cells.into_iter().enumerate();
            cells.all(|cell| taken.insert(cell))
        };
        (0..).map(address).filter(is_alone).take(count).collect()
    }

    fn reason(entered: Result<Visit, Excess>) -> &'static str {
        entered.map_or_else(|excess| excess.reason, |_visit| "")
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_so_many_connections_and_another_its_own() {
        let sources = sources(2, 1_000);
        let first = sources.enter(address(1)).unwrap();
        let _second = sources.enter(address(1)).unwrap();
        assert_eq!(reason(sources.enter(address(1))), "too_many_from_source");
        let _other = sources.enter(address(2)).unwrap();
        drop(first);
        let _again = sources.enter(address(1)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_makes_so_many_in_a_second_and_another_its_own() {
        let sources = sources(100, 10);
        for _ in 0..20 {
            assert_eq!(reason(sources.enter(address(1))), "");
        }
        assert_eq!(reason(sources.enter(address(1))), "too_fast_from_source");
        assert_eq!(reason(sources.enter(address(2))), "");
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(reason(sources.enter(address(1))), "");
        assert_eq!(reason(sources.enter(address(1))), "too_fast_from_source");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        for _ in 0..20 {
            assert_eq!(reason(sources.enter(address(1))), "");
        }
        assert_eq!(reason(sources.enter(address(1))), "too_fast_from_source");
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_excess_is_told_seldom_and_of_each_address() {
        let sources = sources(1, 1_000);
        let addresses = apart(&sources, 40);
        let told = |at: usize| sources.enter(addresses[at]).unwrap_err().tell;
        let _held: Vec<_> = addresses.iter().map(|&at| sources.enter(at)).collect();
        assert_eq!(
            [told(1), told(1), told(2), told(1)],
            [true, false, true, false]
        );
        let others = (3..40).filter(|&at| told(at)).count();
        assert_eq!(others, 8, "ten a second are told of");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([told(1), told(39)], [false, true]);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(told(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_leaves_nothing_behind() {
        let sources = sources(3, 1_000);
        let visits: Vec<_> = (0..10_000)
            .map(|last| sources.enter(address(last)))
            .collect();
        let refused = visits.iter().filter(|visit| visit.is_err()).count();
        assert!(refused < 10_000, "nobody was let in");
        drop(visits);
        let table = sources.table();
        let left = table.rows.iter().flatten().map(|cell| cell.connections);
        let left: u32 = left.sum();
        drop(table);
        assert_eq!(left, 0);
    }
}
