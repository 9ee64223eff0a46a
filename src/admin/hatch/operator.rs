//! Who gives orders, by the kernel's word.

use std::fmt;

use rustix::process::geteuid;
use tonic::Request;
use tonic::Status;
use tonic::transport::server::UdsConnectInfo;

/// A process at the other end of the socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Operator {
    pub(super) pid: Option<i32>,
    pub(super) uid: u32,
}

impl Operator {
    /// Who sent `request`.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let line = request.extensions().get::<UdsConnectInfo>();
        let who = line.and_then(|line| line.peer_cred);
        let who =
            who.ok_or_else(|| Status::unauthenticated("the system does not say who you are"))?;
        Ok(Self {
            pid: who.pid(),
            uid: who.uid(),
        })
    }

    /// The file's permissions let nobody else in, unless somebody changes them
    /// or hands a connection on.
    pub(super) fn may(self) -> Result<(), Status> {
        self.may_at(geteuid().as_raw())
    }

    /// The same for a sidecar that runs as the user `own`.
    pub(super) fn may_at(self, own: u32) -> Result<(), Status> {
        if self.uid == own || self.uid == ROOT {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "user {} may not order this sidecar about: only user {own}, as which it runs, and root may",
            self.uid
        )))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "uid:{} pid:{pid}", self.uid),
            None => write!(f, "uid:{}", self.uid),
        }
    }
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sidecars_own_user_and_root_may_and_nobody_else() {
        let may = |uid| Operator { pid: Some(7), uid }.may_at(1000);
        assert!(may(1000).is_ok());
        assert!(may(0).is_ok());
        for uid in [1, 999, 1001, u32::MAX] {
            let refused = may(uid).unwrap_err();
            assert_eq!(refused.code(), tonic::Code::PermissionDenied);
            assert!(refused.message().contains(&format!("user {uid} may not")));
        }
    }

    #[test]
    fn who_is_not_known_gives_no_orders() {
        let refused = Operator::of(&Request::new(())).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    }
}
