//! Why a token is not believed.

use crate::jwt::Algorithm;
use crate::jwt::JwsError;
use crate::oidc::claims::ClaimsFault;

/// The first rule that a token breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenFault {
    /// An algorithm that the configuration does not allow for this provider.
    #[error("it is signed with {found}, which is not allowed for this provider")]
    AlgorithmNotAllowed {
        /// The algorithm.
        found: Algorithm,
    },
    /// It was proved too long ago, or not said when, though that was asked for.
    #[error("who it names proved that too long ago, or it does not say when")]
    AuthenticationTooOld,
    /// The access token is not the one that it came with.
    #[error("it did not come with this access token (`at_hash`)")]
    BadAccessTokenHash,
    /// It says something of a person that cannot be taken.
    #[error("what it says of a person cannot be taken")]
    BadClaims {
        /// What is wrong.
        #[source]
        cause: ClaimsFault,
    },
    /// The code is not the one that it came for.
    #[error("it did not come for this code (`c_hash`)")]
    BadCodeHash,
    /// No key that it could be by has signed it.
    #[error("its signature is not by its issuer")]
    BadSignature,
    /// It has ended.
    #[error("it has expired")]
    Expired,
    /// It was made later than now.
    #[error("it is from the future: compare the clocks")]
    FromTheFuture,
    /// It is believed for longer than anybody should be without being asked for anew.
    #[error("it holds for longer than a day")]
    HoldsTooLong,
    /// A member that must not be there.
    #[error("it has a member `{member}`, which its kind must not have")]
    MemberForbidden {
        /// The member.
        member: &'static str,
    },
    /// A member that is missing or of another type than it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// It is not a signed object of one reading.
    #[error("it is not a signed token")]
    NotAJws {
        /// Why not.
        #[source]
        cause: JwsError,
    },
    /// It is for others.
    #[error("it is not for us (`aud`)")]
    NotForUs,
    /// It says nothing of a logout.
    #[error("it does not tell of a logout (`events`)")]
    NotLogout,
    /// It has not begun.
    #[error("it does not hold yet")]
    NotYet,
    /// It was made for another client.
    #[error("it was made for another client (`azp`)")]
    OtherClient,
    /// It is of somebody else than the issuer.
    #[error("its issuer is another (`iss`)")]
    OtherIssuer,
    /// It is not from this login.
    #[error("it is not from this login (`nonce`)")]
    OtherLogin,
    /// It names somebody else than before.
    #[error("it names somebody else than before (`sub`)")]
    OtherSubject,
    /// It is a token of another kind.
    #[error("it is a token of another kind (`typ`)")]
    OtherType,
    /// It was made too long ago.
    #[error("it was made too long ago (`iat`)")]
    TooOld,
    /// Its issuer has no such key, or has it no more.
    #[error("its issuer has no such key (`kid`)")]
    UnknownKey,
}

impl TokenFault {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAllowed { .. } => "algorithm_not_allowed",
            Self::AuthenticationTooOld => "authentication_too_old",
            Self::BadAccessTokenHash => "bad_access_token_hash",
            Self::BadClaims { cause } => cause.reason(),
            Self::BadCodeHash => "bad_code_hash",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::FromTheFuture => "from_the_future",
            Self::HoldsTooLong => "holds_too_long",
            Self::MemberForbidden { .. } => "member_forbidden",
            Self::Malformed { .. } => "malformed",
            Self::NotAJws { cause } => jws_reason(cause),
            Self::NotForUs => "not_for_us",
            Self::NotLogout => "not_logout",
            Self::NotYet => "not_yet",
            Self::OtherClient => "other_client",
            Self::OtherIssuer => "other_issuer",
            Self::OtherLogin => "other_login",
            Self::OtherSubject => "other_subject",
            Self::OtherType => "other_type",
            Self::TooOld => "too_old",
            Self::UnknownKey => "unknown_key",
        }
    }
}

const fn jws_reason(error: &JwsError) -> &'static str {
    match error {
        JwsError::AlienHeader { .. } => "header_not_allowed",
        JwsError::BadAlgorithm { .. } => "algorithm_not_allowed",
        JwsError::BadBase64 { .. }
        | JwsError::BadJson { .. }
        | JwsError::Malformed { .. }
        | JwsError::NotCompact => "not_a_token",
        JwsError::TooLong { .. } => "too_long",
    }
}
