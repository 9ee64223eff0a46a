//! Asking an authority for a name, and hearing from it.
//!
//! [`Enrolled`] is the source of our identity: it makes a key, shows a proof
//! and comes back with an SVID. [`Follower`] listens to what the authority says
//! to all: which roots to believe, who has to renew at once, who is believed no
//! longer. [`Bulletin`] has what it says of policies. The key never leaves this process, but for a folder of our own if
//! one is configured.

mod answer;
mod bulletin;
mod channel;
mod credential;
mod error;
mod federated;
mod follower;
mod keepsake;
mod kept_policy;
mod kept_revocations;
mod minter;
mod news;
mod settings;
mod signed_policy;
mod slot;
mod source;

pub use bulletin::Bulletin;
pub use bulletin::Heard;
pub use credential::Credential;
pub use error::EnrolError;
pub use follower::Follower;
pub use minter::Minter;
pub use settings::Settings;
pub use signed_policy::SignedPolicy;
pub use signed_policy::SignedPolicyError;
pub use source::Enrolled;

use std::sync::Arc;

use crate::time::Clock;

use news::News;

/// Everything that is wrong with the files that `settings` name, without asking
/// anybody: what `portreeve check` says.
#[must_use]
pub fn look_at(settings: &Settings) -> Vec<EnrolError> {
    let bundle = keepsake::read_bundle(&settings.bundle, &settings.trust_domain);
    let mut wrong: Vec<EnrolError> = bundle.err().into_iter().collect();
    let kept = match &settings.state {
        Some(folder) => keepsake::recall(folder, &settings.trust_domain),
        None => Ok(None),
    };
    match kept {
        // Who has an SVID from before needs no token any more.
        Ok(Some(_)) => {}
        Ok(None) => wrong.extend(settings.credential.look_at().err()),
        Err(error) => wrong.push(error),
    }
    wrong
}

/// The policy set that was kept, if the roots that were kept beside it, or else
/// those that are configured, vouch for it; nothing if none was kept.
///
/// # Errors
///
/// [`EnrolError`] says what is wrong with it, or with the roots.
pub fn look_at_kept_policy(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<SignedPolicy>>, EnrolError> {
    let kept = match &settings.state {
        Some(folder) => keepsake::recall(folder, &settings.trust_domain)?,
        None => None,
    };
    let bundles = match kept {
        Some(kept) => kept.bundles,
        None => Arc::new(keepsake::read_bundle(
            &settings.bundle,
            &settings.trust_domain,
        )?),
    };
    let settings = Arc::new(settings.clone());
    let news = Arc::new(News::new(Arc::clone(&settings)));
    let bulletin = Bulletin::new(settings, Arc::clone(&news), clock);
    news.recall()?;
    bulletin.recall()?;
    bulletin.kept(&bundles)
}

/// All that asking an authority takes.
#[derive(Debug)]
pub struct Enrolment {
    /// What is told of policies.
    pub bulletin: Arc<Bulletin>,
    /// Whoever must [run](Follower::run) beside the source.
    pub follower: Follower,
    /// The source of our identity.
    pub source: Enrolled,
}

impl Enrolment {
    /// Asks for nothing yet.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let settings = Arc::new(settings);
        let news = Arc::new(News::new(Arc::clone(&settings)));
        let bulletin = Bulletin::new(Arc::clone(&settings), Arc::clone(&news), Arc::clone(&clock));
        let bulletin = Arc::new(bulletin);
        let source = Enrolled::new(
            Arc::clone(&settings),
            Arc::clone(&news),
            Arc::clone(&bulletin),
            Arc::clone(&clock),
        );
        let follower = Follower::new(settings, news, Arc::clone(&bulletin), clock);
        Self {
            bulletin,
            follower,
            source,
        }
    }
}
