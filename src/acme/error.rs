//! Why a host got no certificate, in words that the log and metrics can count.

use std::time::Duration;

use instant_acme::Problem;

use crate::acme::answer::AnswerError;
use crate::acme::certificate::CertificateError;
use crate::acme::external::ExternalKeyError;
use crate::https::TrustError;
use crate::session::KeepError;

/// Why a host got no certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The account is being made by another sidecar.
    #[error("another sidecar makes the account just now")]
    AccountUnderWay,
    /// What was kept of the account is none.
    #[error("what was kept of the account cannot be read")]
    BadAccount {
        /// What it is.
        #[source]
        cause: serde_json::Error,
    },
    /// What came cannot be shown.
    #[error("what the CA has given cannot be used")]
    BadCertificate {
        /// Why not.
        #[source]
        cause: CertificateError,
    },
    /// The CA did not answer, or not as it should.
    #[error("the CA did not answer as it should")]
    BadReply {
        /// What was wrong.
        #[source]
        cause: instant_acme::Error,
    },
    /// It took so long that another has begun.
    #[error("another sidecar has begun in the meantime")]
    ClaimOver,
    /// The key of the external account cannot be had.
    #[error("the external account cannot be proved")]
    ExternalAccount {
        /// Why not.
        #[source]
        cause: ExternalKeyError,
    },
    /// The CA would look elsewhere than at our door.
    #[error("the CA does not offer `tls-alpn-01` for it")]
    NoChallenge,
    /// No answer, or no key.
    #[error("there is no answer to its challenge")]
    NoAnswer {
        /// Why not.
        #[source]
        cause: AnswerError,
    },
    /// No key, or no request for a certificate.
    #[error("no certificate can be asked for")]
    NoRequest {
        /// Why not.
        #[source]
        cause: rcgen::Error,
    },
    /// The CA has looked at the host and did not find us.
    #[error("the CA did not find us there: {detail} ({kind})")]
    NotValidated {
        /// The type of its problem.
        kind: String,
        /// What it says.
        detail: String,
    },
    /// The CA says no.
    #[error("the CA refuses: {detail} ({kind})")]
    Refused {
        /// The type of its problem.
        kind: String,
        /// What it says.
        detail: String,
    },
    /// It took too long.
    #[error("it did not come to an end within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// Nobody can be believed to be the CA.
    #[error("there is nobody whom the CA's certificate could be of")]
    Trust {
        /// Why not.
        #[source]
        cause: TrustError,
    },
    /// The store did not do what it was asked.
    #[error("what it takes cannot be kept")]
    Unkept {
        /// Why not.
        #[source]
        cause: KeepError,
    },
}

impl OrderError {
    /// A stable word for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AccountUnderWay => "account_under_way",
            Self::BadAccount { .. } | Self::Unkept { .. } => "store_failed",
            Self::BadCertificate { .. } => "bad_certificate",
            Self::BadReply { .. } => "ca_unavailable",
            Self::ClaimOver => "claim_over",
            Self::ExternalAccount { .. } => "no_external_account",
            Self::NoAnswer { .. } | Self::NoRequest { .. } => "no_request",
            Self::NoChallenge => "no_challenge",
            Self::NotValidated { .. } => "not_validated",
            Self::Refused { .. } => "refused",
            Self::TimedOut { .. } => "timed_out",
            Self::Trust { .. } => "no_roots",
        }
    }

    /// What the CA calls it, if it says no.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::NotValidated { kind, .. } | Self::Refused { kind, .. } => Some(kind),
            _ => None,
        }
    }

    /// Whether the CA says that it does not know our account.
    pub(super) fn is_of_no_account(&self) -> bool {
        self.kind() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }

    /// Whether the CA says that we ask too often.
    pub(super) fn is_of_too_many(&self) -> bool {
        self.kind() == Some("urn:ietf:params:acme:error:rateLimited")
    }

    /// Whether the CA does not want to be told which certificate is replaced.
    pub(super) fn is_of_replacing(&self) -> bool {
        self.kind() == Some("urn:ietf:params:acme:error:alreadyReplaced")
    }

    /// The CA did not find us where the host is.
    pub(super) fn not_validated(problem: &Problem) -> Self {
        let (kind, detail) = said(problem);
        Self::NotValidated { kind, detail }
    }
}

impl From<instant_acme::Error> for OrderError {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => {
                let (kind, detail) = said(&problem);
                Self::Refused { kind, detail }
            }
            cause => Self::BadReply { cause },
        }
    }
}

impl From<KeepError> for OrderError {
    fn from(cause: KeepError) -> Self {
        Self::Unkept { cause }
    }
}

/// Type and detail of `problem`, fit for a line of the log.
fn said(problem: &Problem) -> (String, String) {
    let kind = problem.r#type.as_deref().unwrap_or("about:blank");
    let mut detail = problem.detail.clone().unwrap_or_default();
    for part in &problem.subproblems {
        detail.push_str("; ");
        detail.push_str(part.detail.as_deref().unwrap_or_default());
    }
    (line(kind, MOST_OF_KIND), line(&detail, MOST_OF_DETAIL))
}

/// `text` on one line, of `most` characters.
fn line(text: &str, most: usize) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).take(most).collect()
}

const MOST_OF_KIND: usize = 100;
const MOST_OF_DETAIL: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ca_says_fits_a_line() {
        let detail = format!("a\nb\u{1b}[31m{}", "c".repeat(1000));
        let problem = serde_json::json!({
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": detail,
            "subproblems": [{ "detail": "more" }],
        });
        let problem: Problem = serde_json::from_value(problem).unwrap();
        let error = OrderError::from(instant_acme::Error::Api(problem));
        assert!(error.is_of_too_many());
        assert!(!error.is_of_no_account());
        let text = error.to_string();
        assert!(text.starts_with("the CA refuses: a b [31mccc"), "{text}");
        assert!(
            !text.contains(char::is_control) && text.len() < 600,
            "{text}"
        );
        let nothing: Problem = serde_json::from_str("{}").unwrap();
        let nothing = OrderError::not_validated(&nothing).to_string();
        assert_eq!(nothing, "the CA did not find us there:  (about:blank)");
    }
}
