//! Who is at the other end of the socket, by the kernel's word.

use std::io;
use std::sync::Arc;

use rustix::process::Pid;
use tokio::net::UnixStream;

use crate::workload_api::digests::Digests;
use crate::workload_api::executable::Executable;
use crate::workload_api::executable::ExecutableError;
use crate::workload_api::process::Process;

/// A program on this machine that connected to us.
///
/// User and group are those that it had then. It says nothing itself. Its
/// process may be hidden from us, or gone: then its program is not known, and
/// whoever wants to know it gets an error.
#[derive(Clone, Debug)]
pub struct Caller {
    uid: u32,
    gid: u32,
    process: Option<Arc<Process>>,
}

impl Caller {
    /// Who connected.
    ///
    /// # Errors
    ///
    /// [`CallerError`], if the kernel does not say.
    pub(super) fn of(stream: &UnixStream) -> Result<Self, CallerError> {
        let credentials = stream.peer_cred().map_err(|cause| CallerError { cause })?;
        // In another container there may be no number for it here.
        let pid = credentials.pid().and_then(Pid::from_raw);
        let process = pid.and_then(|pid| match Process::of_peer(stream, pid) {
            Ok(process) => Some(Arc::new(process)),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::debug!(error, "the process of a caller is hidden from us");
                None
            }
        });
        Ok(Self {
            uid: credentials.uid(),
            gid: credentials.gid(),
            process,
        })
    }

    /// Its user.
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// Its group.
    #[must_use]
    pub const fn gid(&self) -> u32 {
        self.gid
    }

    /// Its process, unless that is hidden from us.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        self.process.as_deref()
    }

    /// What program it runs now; what is in its file only if there are `digests`.
    ///
    /// May read the whole file, on a thread for such work: ask only where the
    /// answer matters.
    ///
    /// # Errors
    ///
    /// All of [`ExecutableError`]; also for a process that is hidden from us.
    pub async fn executable(
        &self,
        digests: Option<Arc<Digests>>,
    ) -> Result<Executable, ExecutableError> {
        let process = self.process.clone().ok_or(ExecutableError::Hidden)?;
        let turn = match &digests {
            Some(digests) => Some(digests.turn(self.uid).await),
            None => None,
        };
        let work = tokio::task::spawn_blocking(move || {
            // Reading goes on when whoever called has gone, and so does its turn.
            let _turn = turn;
            Executable::of(&process, digests.as_deref())
        });
        work.await.unwrap_or(Err(ExecutableError::Unfinished))
    }
}

/// The kernel does not say who connected.
#[derive(Debug, thiserror::Error)]
#[error("the system does not say who it is")]
pub struct CallerError {
    /// What it says in place of it.
    #[source]
    pub cause: io::Error,
}
