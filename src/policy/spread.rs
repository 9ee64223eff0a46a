//! Work on many things, on as many cores as there are.
//!
//! A large set of policies takes a second of one core to load. Nothing in it
//! depends on its neighbours while it is parsed and examined, so that is done in
//! parts. Threads that end before the answer is there are no threads of the
//! program: none is left behind, and a small set is done where it is.

use std::panic;
use std::thread;

/// What `work` makes of each of `things`, in their order.
///
/// `heft` is how many policies a thing stands for.
pub(super) fn spread<T: Sync, R: Send>(
    things: &[T],
    heft: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let parts = (things.len() * heft / WORTH_A_THREAD).clamp(1, cores.min(MOST_THREADS));
    let mut parts = things.chunks(things.len().div_ceil(parts).max(1));
    let ours = parts.next().unwrap_or_default();
    let work = &work;
    thread::scope(|scope| {
        let others = parts.map(|part| scope.spawn(|| part.iter().map(work).collect::<Vec<R>>()));
        let others: Vec<_> = others.collect();
        let mut done: Vec<R> = ours.iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panicked) => panic::resume_unwind(panicked),
            }
        }
        done
    })
}

/// Below that a thread costs more than it saves.
const WORTH_A_THREAD: usize = 256;

/// Whoever serves requests meanwhile is to have cores, too, where there are many.
const MOST_THREADS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_in_order() {
        for many in [0, 1, 2, 255, 256, 257, 513, 1024, 5000] {
            let things: Vec<usize> = (0..many).collect();
            let done = spread(&things, 1, |thing| thing * 2);
            let expected: Vec<usize> = (0..many).map(|thing| thing * 2).collect();
            assert_eq!(done, expected);
        }
        let few = spread(&["a", "b", "c"], 256, |thing| thing.len());
        assert_eq!(few, [1, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "thing 4999")]
    fn what_stops_one_part_stops_the_whole() {
        let things: Vec<usize> = (0..5000).collect();
        spread(&things, 1, |&thing| {
            assert_ne!(thing, 4999, "thing {thing}");
        });
    }
}
