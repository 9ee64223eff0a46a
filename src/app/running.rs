//! A sidecar that serves, and how it is stopped.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::audit::Log;
use crate::audit::UnwrittenError;
use crate::authority;
use crate::drain::Trigger;
use crate::drain::Watch;

/// Where a sidecar listens, with the ports that the system chose.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The operator's window.
    pub admin: Option<SocketAddr>,
    /// The door for people.
    pub edge: Option<SocketAddr>,
    /// The door for other workloads.
    pub inbound: Option<SocketAddr>,
    /// The doors for our own application that listen, in the configuration's order.
    pub outbound: Vec<SocketAddr>,
    /// The door for probes.
    pub probes: Option<SocketAddr>,
    /// The doors for other workloads that do not speak HTTP, in the configuration's order.
    pub tcp_inbound: Vec<SocketAddr>,
    /// Those that listen for our own application where it does not speak HTTP, in the configuration's order.
    pub tcp_outbound: Vec<SocketAddr>,
    /// Where redirected connections come to.
    pub transparent: Vec<SocketAddr>,
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outbound = self.outbound.iter().map(|address| ("outbound", address));
        let tcp_inbound = self
            .tcp_inbound
            .iter()
            .map(|address| ("tcp inbound", address));
        let tcp_outbound = self
            .tcp_outbound
            .iter()
            .map(|address| ("tcp outbound", address));
        let transparent = self.transparent.iter();
        let transparent = transparent.map(|address| ("transparent", address));
        let doors = self.edge.iter().map(|address| ("edge", address));
        let doors = doors
            .chain(self.inbound.iter().map(|address| ("inbound", address)))
            .chain(self.probes.iter().map(|address| ("probes", address)))
            .chain(outbound)
            .chain(tcp_inbound)
            .chain(tcp_outbound)
            .chain(transparent);
        let all = doors.chain(self.admin.iter().map(|address| ("admin", address)));
        let words: Vec<String> = all
            .map(|(door, address)| format!("{door} {address}"))
            .collect();
        f.write_str(&words.join(", "))
    }
}

/// A sidecar that serves. Dropping it ends it at once.
#[derive(Debug)]
pub struct Running {
    pub(super) addresses: Addresses,
    pub(super) control: JoinHandle<io::Result<()>>,
    pub(super) control_stop: Trigger,
    pub(super) cut: Arc<Trigger>,
    pub(super) drain: Trigger,
    /// Pulled when a thread ends, for whatever reason.
    pub(super) ended: Watch,
    pub(super) log: Log,
    /// How long writing the last records may take.
    pub(super) patience: Duration,
    pub(super) reload: Arc<Notify>,
    pub(super) workers: Vec<JoinHandle<io::Result<()>>>,
    pub(super) written: Receiver<Result<(), UnwrittenError>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Reads the policy again and opens the audit file again, soon.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Takes no new connections from now on, and lets what is under way end.
    pub fn drain(&self) {
        self.drain.drain();
    }

    /// Ends even a drain, when pulled: what is still under way is cut, and recorded as such.
    #[must_use]
    pub fn cut(&self) -> Arc<Trigger> {
        Arc::clone(&self.cut)
    }

    /// Pulled when one of its threads ends. Before it was told to stop that means
    /// that it does not serve as it should any more, and is best replaced.
    #[must_use]
    pub fn ended(&self) -> Watch {
        self.ended.clone()
    }

    /// Drains, waits until all is served or the deadline has passed, and until
    /// every record is written.
    ///
    /// # Errors
    ///
    /// [`RunError`] if a thread had failed, or records could not be written.
    pub fn stop(self) -> Result<(), RunError> {
        self.drain.drain();
        let workers: Vec<_> = self.workers.into_iter().map(joined).collect();
        self.log.stop();
        // Whoever should read the records may not: a write that is stuck in a
        // pipe cannot be called off, but it must not keep us.
        let written = self.written.recv_timeout(self.patience);
        self.control_stop.drain();
        let control = joined(self.control);
        for outcome in workers.into_iter().chain([control]) {
            outcome?;
        }
        match written {
            Ok(outcome) => outcome.map_err(|cause| RunError::Unwritten { cause }),
            Err(RecvTimeoutError::Disconnected) => Err(RunError::Panicked),
            Err(RecvTimeoutError::Timeout) => {
                let records = self.log.status().taken_records;
                let cause = UnwrittenError { records };
                Err(RunError::Unwritten { cause })
            }
        }
    }
}

/// Why a sidecar did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The authority could not go on.
    #[error("the authority could not go on")]
    Authority {
        /// Why.
        #[source]
        cause: authority::ServeError,
    },
    /// A thread panicked, which is a mistake of ours.
    #[error("a thread panicked")]
    Panicked,
    /// The system refused what a thread needs.
    #[error("a thread could not go on")]
    Thread {
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Records are lost.
    #[error("not every record was written")]
    Unwritten {
        /// Why not.
        #[source]
        cause: UnwrittenError,
    },
}

fn joined(thread: JoinHandle<io::Result<()>>) -> Result<(), RunError> {
    match thread.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(cause)) => Err(RunError::Thread { cause }),
        Err(_panic) => Err(RunError::Panicked),
    }
}
