//! A process that cannot be mistaken for its successor.
//!
//! Process numbers are used again. A descriptor of a process (pidfd) is not:
//! while it says that the process lives, the number is that process's own, and
//! what `/proc` says under the number is about it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerPidfd;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::pidfd_open;
use tokio::net::UnixStream;

/// The process at the other end of a socket, for as long as it lives.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    fd: OwnedFd,
    /// In ticks since the machine started.
    started: u64,
}

impl Process {
    /// The process that made the connection, whose number was `pid` then.
    ///
    /// # Errors
    ///
    /// All of [`ProcessError`].
    pub(super) fn of_peer(stream: &UnixStream, pid: Pid) -> Result<Self, ProcessError> {
        match getsockopt(stream, PeerPidfd) {
            Ok(fd) => Self::hold(pid, fd),
            // A kernel before 6.5. Any other answer means that the process is
            // gone, and its number may be another's by now.
            Err(nix::errno::Errno::ENOPROTOOPT) => Self::of_number(pid),
            Err(error) => Err(ProcessError::Unknown {
                pid: number(pid),
                cause: error.into(),
            }),
        }
    }

    /// The process that has the number `pid` now. Whether it is the one that had
    /// it when the connection was made, an old kernel cannot tell; that it stays
    /// the same from here on is certain.
    fn of_number(pid: Pid) -> Result<Self, ProcessError> {
        let unknown = |cause: io::Error| ProcessError::Unknown {
            pid: number(pid),
            cause,
        };
        let before = started(pid)?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| unknown(error.into()))?;
        let process = Self::hold(pid, fd)?;
        if process.started == before {
            Ok(process)
        } else {
            Err(ProcessError::Gone { pid: number(pid) })
        }
    }

    fn hold(pid: Pid, fd: OwnedFd) -> Result<Self, ProcessError> {
        let process = Self {
            pid,
            fd,
            started: started(pid)?,
        };
        process.check_alive()?;
        Ok(process)
    }

    /// Its number.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        number(self.pid)
    }

    /// What `read` finds out under `/proc/<pid>`, if the process was alive all
    /// the while: then nobody else had its number.
    pub(super) fn while_alive<T, E: From<ProcessError>>(
        &self,
        read: impl FnOnce(PathBuf) -> Result<T, E>,
    ) -> Result<T, E> {
        let found = read(folder(self.pid))?;
        if started(self.pid)? != self.started {
            return Err(ProcessError::Gone { pid: self.pid() }.into());
        }
        self.check_alive()?;
        Ok(found)
    }

    fn check_alive(&self) -> Result<(), ProcessError> {
        // Readable means ended.
        let mut waiting = [PollFd::new(&self.fd, PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match poll(&mut waiting, Some(&at_once)) {
            Ok(0) => Ok(()),
            Ok(_) => Err(ProcessError::Gone { pid: self.pid() }),
            Err(error) => Err(ProcessError::Unknown {
                pid: self.pid(),
                cause: error.into(),
            }),
        }
    }
}

/// Why a process cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It ended.
    #[error("process {pid} has ended")]
    Gone {
        /// Its number.
        pid: i32,
    },
    /// Its line in `/proc` has another form than we know.
    #[error("`/proc/{pid}/stat` is malformed")]
    Malformed {
        /// Its number.
        pid: i32,
    },
    /// The system does not say.
    #[error("the system says nothing about process {pid}")]
    Unknown {
        /// Its number.
        pid: i32,
        /// What it says in place of it.
        #[source]
        cause: io::Error,
    },
}

/// When the process that has this number now was started, in ticks since the
/// machine was.
fn started(pid: Pid) -> Result<u64, ProcessError> {
    let text =
        fs::read_to_string(folder(pid).join("stat")).map_err(|cause| ProcessError::Unknown {
            pid: number(pid),
            cause,
        })?;
    // The program's name stands in parentheses and may have any in it.
    text.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(START_TIME))
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| ProcessError::Malformed { pid: number(pid) })
}

fn folder(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", number(pid)))
}

const fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

/// proc_pid_stat(5): field 22, and the third is the first after the name.
const START_TIME: usize = 22 - 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_has_ended_says_nothing_more() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let process = Process::of_number(pid).unwrap();
        let look = || process.while_alive(|folder| fs::read_link(folder.join("exe")).map_err(gone));
        fn gone(_: io::Error) -> ProcessError {
            ProcessError::Gone { pid: -1 }
        }
        assert!(look().unwrap().is_absolute());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(
            look(),
            Err(ProcessError::Gone { .. } | ProcessError::Unknown { .. })
        ));
    }

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let own = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(started(own).unwrap() > 0);
    }
}
