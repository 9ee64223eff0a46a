//! What is needed to ask an authority, already checked.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::enrol::Credential;
use crate::enrol::EnrolError;
use crate::enrol::SignedPolicyError;
use crate::enrol::kept_policy;
use crate::id::SpiffeId;
use crate::id::TrustDomain;

/// What is needed to ask an authority.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is, `host:port`; several, if several authorities share a
    /// database. Never empty.
    pub authorities: Vec<String>,
    /// Who must answer there.
    pub authority_id: SpiffeId,
    /// The roots to believe it by the first time, PEM.
    pub bundle: PathBuf,
    /// How long reaching it, and an answer, may take.
    pub patience: Duration,
    /// How we prove who we are.
    pub credential: Credential,
    /// A folder for what we have been given, so that a restart needs no new proof.
    pub state: Option<PathBuf>,
    /// Whose names we believe.
    pub trust_domain: TrustDomain,
    /// Whether it is to give us policies, too.
    pub wants_policies: bool,
    /// Who we want to be, where the proof allows for several.
    pub wish: Option<SpiffeId>,
}

impl Settings {
    /// A set was kept, and the groups that go with it were not.
    pub(super) fn kept_groups_gone(&self) -> EnrolError {
        let folder = self.state.as_deref().unwrap_or_else(|| Path::new(""));
        EnrolError::KeptGroupsGone {
            path: kept_policy::groups_path(folder),
        }
    }

    /// What was kept of policies is not what the authority has signed.
    pub(super) fn bad_kept_policy(&self, cause: SignedPolicyError) -> EnrolError {
        let folder = self.state.as_deref().unwrap_or_else(|| Path::new(""));
        EnrolError::KeptPolicy {
            path: kept_policy::policy_path(folder),
            cause: Box::new(cause),
        }
    }
}
