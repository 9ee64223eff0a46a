//! Whether we may be sent requests.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// The conditions under which we are ready. Cloning is cheap: clones share them.
///
/// There are two kinds. A [block](Self::block) is held by whoever is not ready
/// yet, or not any more, and lifted by letting go of it. A
/// [watch](Self::watch) is asked each time. Without any, we are ready. A
/// [remark](Self::remark) is told beside them, and makes nobody unready.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Conditions>>,
}

/// A condition that is not met, or what is to be said of one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unready {
    /// Which one: a stable code in `snake_case`.
    pub condition: &'static str,
    /// What is wrong, for a person.
    pub detail: String,
}

#[derive(Default)]
struct Conditions {
    next: u64,
    blocks: BTreeMap<u64, Unready>,
    watches: Vec<Watch>,
    remarks: Vec<Remark>,
}

#[derive(Clone)]
struct Watch {
    condition: &'static str,
    ask: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

#[derive(Clone)]
struct Remark {
    condition: &'static str,
    ask: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

impl Readiness {
    /// Makes us not ready until the answer is dropped.
    pub fn block(&self, condition: &'static str, detail: impl Into<String>) -> Block {
        let detail = detail.into();
        let mut conditions = self.lock();
        let number = conditions.next;
        conditions.next += 1;
        conditions
            .blocks
            .insert(number, Unready { condition, detail });
        drop(conditions);
        Block {
            readiness: self.clone(),
            number,
        }
    }

    /// Makes us not ready whenever `ask` answers what is wrong.
    pub fn watch(
        &self,
        condition: &'static str,
        ask: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) {
        let ask = Arc::new(ask);
        self.lock().watches.push(Watch { condition, ask });
    }

    /// Tells whatever `ask` answers that operators should know, ready or not.
    pub fn remark(
        &self,
        condition: &'static str,
        ask: impl Fn() -> Vec<String> + Send + Sync + 'static,
    ) {
        let ask = Arc::new(ask);
        self.lock().remarks.push(Remark { condition, ask });
    }

    /// What operators should know now.
    #[must_use]
    pub fn remarks(&self) -> Vec<Unready> {
        let remarks = self.lock().remarks.clone();
        let all = remarks.iter().flat_map(|remark| {
            let condition = remark.condition;
            let details = (remark.ask)().into_iter();
            details.map(move |detail| Unready { condition, detail })
        });
        all.collect()
    }

    /// The conditions that are not met now. None: we are ready.
    #[must_use]
    pub fn unready(&self) -> Vec<Unready> {
        let conditions = self.lock();
        let mut unready: Vec<_> = conditions.blocks.values().cloned().collect();
        let watches = conditions.watches.clone();
        // A watch may look at locks of its own.
        drop(conditions);
        unready.extend(watches.iter().filter_map(Watch::unready));
        unready
    }

    fn lock(&self) -> MutexGuard<'_, Conditions> {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    fn unready(&self) -> Option<Unready> {
        let detail = (self.ask)()?;
        Some(Unready {
            condition: self.condition,
            detail,
        })
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Conditions")
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}

/// A condition that is not met as long as this is held.
#[derive(Debug)]
#[must_use = "the condition is met as soon as this is dropped"]
pub struct Block {
    readiness: Readiness,
    number: u64,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.readiness.lock().blocks.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;
    use super::Unready;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    #[test]
    fn a_block_holds_until_it_is_dropped() {
        let readiness = Readiness::default();
        assert_eq!(readiness.unready(), []);
        let identity = readiness.block("identity", "no SVID yet");
        let draining = readiness.block("draining", "told to stop");
        let conditions = |readiness: &Readiness| -> Vec<_> {
            readiness
                .unready()
                .into_iter()
                .map(|unready| unready.condition)
                .collect()
        };
        assert_eq!(conditions(&readiness), ["identity", "draining"]);
        drop(identity);
        assert_eq!(conditions(&readiness), ["draining"]);
        drop(draining);
        assert_eq!(readiness.unready(), []);
    }

    #[test]
    fn a_remark_is_told_and_makes_nobody_unready() {
        let readiness = Readiness::default();
        readiness.remark("edge_certificate", || vec!["a".to_owned(), "b".to_owned()]);
        readiness.remark("other", Vec::new);
        assert_eq!(readiness.unready(), []);
        let said = ["a", "b"].map(|detail| Unready {
            condition: "edge_certificate",
            detail: detail.to_owned(),
        });
        assert_eq!(readiness.remarks(), said);
    }

    #[test]
    fn a_watch_is_asked_each_time() {
        let readiness = Readiness::default();
        let broken = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&broken);
        readiness.watch("audit", move || {
            asked
                .load(Ordering::Relaxed)
                .then(|| "the disk is full".to_owned())
        });
        let unready = Unready {
            condition: "audit",
            detail: "the disk is full".to_owned(),
        };
        assert_eq!(readiness.unready(), [unready]);
        broken.store(false, Ordering::Relaxed);
        assert_eq!(readiness.unready(), []);
    }
}
