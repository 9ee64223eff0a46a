//! What stopped the path from a leaf to a root, in words of our own.

/// Why the path builder found no path.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// A signature that its issuer's key did not make.
    #[error("a signature is wrong")]
    BadSignature,
    /// The calendar is before 1970, where the path builder cannot go.
    #[error("the calendar is before 1970")]
    BeforeEpoch,
    /// A name that an authority on the path may not vouch for. URI constraints
    /// of any kind end here: the path builder cannot evaluate them.
    #[error("a name constraint forbids a name")]
    NameConstraint,
    /// More authorities than one on the path allows beneath itself.
    #[error("a path length constraint is exceeded")]
    PathLength,
    /// Building the path would take too much work.
    #[error("building the path takes too much work")]
    TooMuchWork,
    /// The path builder refuses it for a reason that our own checks should have found.
    #[error("the path builder refuses it")]
    Unexpected {
        /// What it said.
        #[source]
        cause: webpki::Error,
    },
    /// No root or intermediate has the issuer's name.
    #[error("its issuer is unknown")]
    UnknownIssuer,
    /// A signature with an algorithm that is weak or unknown, such as SHA-1.
    #[error("a signature is of an unsupported algorithm")]
    UnsupportedSignature,
}

impl PathError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::BeforeEpoch => "calendar_before_epoch",
            Self::NameConstraint => "name_constraint",
            Self::PathLength => "path_length",
            Self::TooMuchWork => "path_too_expensive",
            Self::Unexpected { .. } => "path_refused",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnsupportedSignature => "unsupported_signature",
        }
    }
}

impl From<webpki::Error> for PathError {
    fn from(cause: webpki::Error) -> Self {
        match cause {
            webpki::Error::InvalidSignatureForPublicKey => Self::BadSignature,
            webpki::Error::InvalidNetworkMaskConstraint
            | webpki::Error::MalformedNameConstraint
            | webpki::Error::NameConstraintViolation => Self::NameConstraint,
            webpki::Error::PathLenConstraintViolated => Self::PathLength,
            webpki::Error::MaximumNameConstraintComparisonsExceeded
            | webpki::Error::MaximumPathBuildCallsExceeded
            | webpki::Error::MaximumPathDepthExceeded
            | webpki::Error::MaximumSignatureChecksExceeded => Self::TooMuchWork,
            webpki::Error::UnknownIssuer => Self::UnknownIssuer,
            webpki::Error::SignatureAlgorithmMismatch
            | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
            | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                Self::UnsupportedSignature
            }
            cause => Self::Unexpected { cause },
        }
    }
}
