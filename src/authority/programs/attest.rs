//! Who a program is, by the system's word.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::selector::Selector;
use crate::time::Clock;
use crate::workload_api::Caller;
use crate::workload_api::Digests;
use crate::workload_api::Process;

/// A program that has called, and what was proved of it.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Whom {
    pub(in crate::authority) uid: u32,
    pub(super) pid: Option<i32>,
    pub(in crate::authority) selectors: BTreeSet<Selector>,
    /// What was looked at.
    pub(super) matters: Matters,
}

impl Whom {
    /// What records call it.
    pub(in crate::authority) fn source(&self) -> String {
        match self.pid {
            Some(pid) => format!("uid:{} pid:{pid}", self.uid),
            None => format!("uid:{}", self.uid),
        }
    }
}

/// What of a program matters to the entries: the rest is not looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::authority) struct Matters(BTreeSet<&'static str>);

impl Matters {
    pub(super) fn of(entries: &Entries) -> Self {
        let asks = |entry: &Entry, kind: &str| {
            let by_selector = entry.selectors.iter().any(|one| one.kind() == kind);
            by_selector || entry.id.kinds().any(|one| one == kind)
        };
        let is_asked = |kind: &&'static str| entries.iter().any(|entry| asks(entry, kind));
        Self([PATH, SHA256].into_iter().filter(is_asked).collect())
    }

    fn has(&self, kind: &str) -> bool {
        self.0.contains(kind)
    }
}

/// Finds out who programs are.
#[derive(Debug)]
pub(super) struct Attestor {
    digests: Arc<Digests>,
}

impl Attestor {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            digests: Arc::new(Digests::new(clock, MOST_PROGRAM_BYTES)),
        }
    }

    /// What is sure of `caller`, as far as it matters to `entries`.
    pub(super) async fn attest(&self, caller: &Caller, entries: &Entries) -> Whom {
        let mut selectors = BTreeSet::new();
        let mut prove = |kind, value: &str| selectors.extend(Selector::new(kind, value));
        prove("unix:uid", &caller.uid().to_string());
        prove("unix:gid", &caller.gid().to_string());
        let matters = Matters::of(entries);
        if !matters.0.is_empty() {
            let digests = matters.has(SHA256).then(|| Arc::clone(&self.digests));
            match caller.executable(digests).await {
                Ok(program) => {
                    // A path that is no text could be taken for another.
                    let path = program.path().and_then(|path| path.to_str());
                    if let Some(path) = path.filter(|_| matters.has(PATH)) {
                        prove(PATH, path);
                    }
                    if let Some(sha256) = program.sha256() {
                        prove(SHA256, sha256);
                    }
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    let uid = caller.uid();
                    tracing::info!(error, uid, "the program of a caller cannot be told");
                }
            }
        }
        Whom {
            uid: caller.uid(),
            pid: caller.process().map(Process::pid),
            selectors,
            matters,
        }
    }
}

const PATH: &str = "unix:path";
const SHA256: &str = "unix:sha256";

/// Half a second of reading.
const MOST_PROGRAM_BYTES: u64 = 512 * 1024 * 1024;
