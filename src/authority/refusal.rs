//! The ways in which an authority says no.

use std::borrow::Cow;

use tonic::Code;
use tonic::Status;

use crate::audit::Decision;
use crate::audit::NoRoom;
use crate::authority::id_template::IdTemplateError;
use crate::authority::ledger::LedgerError;
use crate::authority::proof::ProofError;
use crate::authority::told::in_full;
use crate::id::SpiffeIdError;
use crate::identity::IssueError;
use crate::identity::SvidError;
use crate::jwt::AudienceError;
use crate::jwt::SigningError;

/// Why nobody was named.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Those for whom a token is to be are nobody.
    #[error("the audience is not acceptable")]
    BadAudience {
        #[source]
        cause: AudienceError,
    },
    /// The wished name is none.
    #[error("what is wished for is not a SPIFFE ID")]
    BadWish {
        #[source]
        cause: SpiffeIdError,
    },
    /// There are as many members of groups as can be told to everybody.
    #[error(
        "the groups of entries have no room for another member: those who were named and are gone \
         make room when they are forgotten, `renewal_grace_s` after their SVIDs have ended"
    )]
    GroupsFull,
    /// What was proved makes nobody the one that is wished for.
    #[error("no entry names a workload of which this was proved: {proved}")]
    NoEntry { proved: String },
    /// The record could not be written.
    #[error("there is no room for the record")]
    NoRoom {
        #[source]
        cause: NoRoom,
    },
    /// The signing failed, or the request was not acceptable.
    #[error("no certificate can be issued")]
    NotIssued {
        #[source]
        cause: IssueError,
    },
    /// The name that is shown is not one that this authority speaks for.
    #[error("the authority makes no tokens for that name")]
    NotOurs {
        #[source]
        cause: IdTemplateError,
    },
    /// The proof proves nothing.
    #[error("nothing was proved")]
    NotProved {
        #[source]
        cause: ProofError,
    },
    /// The signing of a token failed.
    #[error("no token can be signed")]
    NotSigned {
        #[source]
        cause: SigningError,
    },
    /// What was signed is no certificate for the key: a mistake of ours.
    #[error("the new certificate cannot be used")]
    NoSvid {
        #[source]
        cause: SvidError,
    },
    /// The name, or the certificate that was shown, is revoked.
    #[error("it is revoked")]
    Revoked,
    /// The certificate that was shown holds no longer.
    #[error("the SVID that was shown has ended")]
    SvidEnded,
    /// Too many requests from there.
    #[error("too many requests from this address; ask again in a second")]
    TooMany,
    /// The database did not answer.
    #[error("the authority cannot answer now")]
    Unavailable {
        #[source]
        cause: LedgerError,
    },
}

impl Refusal {
    /// What the record says: a no of ours, or that nothing was decided.
    pub(super) const fn decision(&self) -> Decision {
        match self {
            Self::NotProved { cause } if cause.may_pass() => Decision::Refuse,
            Self::NoEntry { .. }
            | Self::NotOurs { .. }
            | Self::NotProved { .. }
            | Self::Revoked
            | Self::SvidEnded => Decision::Deny,
            Self::BadAudience { .. }
            | Self::BadWish { .. }
            | Self::GroupsFull
            | Self::NoRoom { .. }
            | Self::NoSvid { .. }
            | Self::NotIssued { .. }
            | Self::NotSigned { .. }
            | Self::TooMany
            | Self::Unavailable { .. } => Decision::Refuse,
        }
    }

    /// A stable word for records and metrics.
    pub(super) fn reason(&self) -> Cow<'static, str> {
        let word = match self {
            Self::BadAudience { .. } => "bad_audience",
            Self::BadWish { .. } => "bad_spiffe_id",
            Self::GroupsFull => "groups_full",
            Self::NoEntry { .. } => "no_entry",
            Self::NoRoom { .. } => "audit_log_full",
            Self::NotIssued { cause } => match cause {
                IssueError::BadRequest { .. } => "bad_request",
                _ => "not_issued",
            },
            Self::NoSvid { .. } => "not_issued",
            Self::NotOurs { .. } => "not_ours",
            Self::NotSigned { .. } => "not_signed",
            Self::SvidEnded => "svid_ended",
            Self::NotProved { cause } => return cause.reason(),
            Self::Revoked => "revoked",
            Self::TooMany => "too_many_requests",
            Self::Unavailable { .. } => "store_unavailable",
        };
        word.into()
    }

    const fn code(&self) -> Code {
        match self {
            Self::BadAudience { .. } | Self::BadWish { .. } => Code::InvalidArgument,
            Self::NoEntry { .. } | Self::NotOurs { .. } | Self::Revoked | Self::SvidEnded => {
                Code::PermissionDenied
            }
            Self::NoSvid { .. } | Self::NotSigned { .. } => Code::Internal,
            Self::NoRoom { .. } | Self::Unavailable { .. } => Code::Unavailable,
            Self::NotIssued { cause } => match cause {
                IssueError::BadRequest { .. } => Code::InvalidArgument,
                _ => Code::Internal,
            },
            Self::NotProved { cause } if cause.may_pass() => Code::Unavailable,
            Self::NotProved { .. } => Code::Unauthenticated,
            Self::GroupsFull | Self::TooMany => Code::ResourceExhausted,
        }
    }

    /// What the caller is told: this and its causes, for whoever reads its log.
    pub(super) fn status(&self) -> Status {
        Status::new(self.code(), in_full(self))
    }
}
