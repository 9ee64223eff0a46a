//! What the log counts about itself.

use crate::audit::shard::NoRoom;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::Opts;
use prometheus::Registry;

/// The log's counters.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) records: IntCounter,
    pub(super) bytes: IntCounter,
    pub(super) write_failures: IntCounter,
    pub(super) checkpoints: IntCounter,
    pub(super) rotations: IntCounter,
    refusals: IntCounterVec,
    closed: IntCounter,
    full: IntCounter,
    sink_failing: IntCounter,
}

impl Meters {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let refusals = IntCounterVec::new(
            Opts::new(
                "portreeve_audit_refusals_total",
                "Requests refused because the audit log had no room, by reason.",
            ),
            &["reason"],
        )?;
        // Looked up once: a refusal must not wait for other workers' locks.
        let refused = |why: NoRoom| refusals.with_label_values(&[why.as_str()]);
        Ok(Self {
            records: IntCounter::new(
                "portreeve_audit_records_total",
                "Records written to the audit log.",
            )?,
            bytes: IntCounter::new(
                "portreeve_audit_bytes_total",
                "Bytes written to the audit log.",
            )?,
            write_failures: IntCounter::new(
                "portreeve_audit_write_failures_total",
                "Attempts to write to the audit log, or to open it again, that failed.",
            )?,
            checkpoints: IntCounter::new(
                "portreeve_audit_checkpoints_total",
                "Signed checkpoints written to the audit log.",
            )?,
            rotations: IntCounter::new(
                "portreeve_audit_rotations_total",
                "Files of the audit log that were finished because they were full or old enough.",
            )?,
            closed: refused(NoRoom::Closed),
            full: refused(NoRoom::Full),
            sink_failing: refused(NoRoom::SinkFailing),
            refusals,
        })
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.records.clone()))?;
        registry.register(Box::new(self.bytes.clone()))?;
        registry.register(Box::new(self.write_failures.clone()))?;
        registry.register(Box::new(self.checkpoints.clone()))?;
        registry.register(Box::new(self.rotations.clone()))?;
        registry.register(Box::new(self.refusals.clone()))
    }

    pub(super) fn refused(&self, why: NoRoom) {
        match why {
            NoRoom::Closed => self.closed.inc(),
            NoRoom::Full => self.full.inc(),
            NoRoom::SinkFailing => self.sink_failing.inc(),
        }
    }
}
