//! The order in which files were written, whatever order they are named in.

use crate::audit::chain::Sealed;
use crate::audit::notice::Notice;
use crate::audit::tail::time_of;
use std::collections::BTreeMap;

/// The indices of files whose first lines are `heads`, in the order in which they were written.
///
/// The files of one log are in the order of their numbers, logs in the order in which their first file was begun.
/// A file that says neither stays behind the one that it is named after.
#[must_use]
pub fn in_order(heads: &[Vec<u8>]) -> Vec<usize> {
    let about: Vec<_> = heads.iter().map(|head| About::of(head)).collect();
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    for one in &about {
        let earliest = begun.entry(&one.log).or_insert(&one.time);
        *earliest = (*earliest).min(&one.time);
    }
    let mut order: Vec<usize> = (0..heads.len()).collect();
    order.sort_by_key(|at| {
        let one = about.get(*at);
        one.map(|one| (begun.get(one.log.as_str()).copied(), &one.log, one.seq))
    });
    order
}

struct About {
    log: String,
    seq: u64,
    time: String,
}

impl About {
    fn of(head: &[u8]) -> Self {
        let line = head.strip_suffix(b"\n").unwrap_or(head);
        Self {
            log: Notice::read(line)
                .and_then(|notice| notice.log)
                .unwrap_or_default(),
            seq: Sealed::read(line).map_or(0, |line| line.seq),
            time: time_of(line).unwrap_or_default(),
        }
    }
}
