//! Asking an authority for a name, and hearing from it.
//!
//! [`Enrolled`] is the source of our identity: it makes a key, shows a proof
//! and comes back with an SVID. [`Follower`] listens to what the authority says
//! to all: which roots to believe, who has to renew at once, who is believed no
//! longer. The key never leaves this process, but for a folder of our own if
//! one is configured.

mod answer;
mod channel;
mod credential;
mod error;
mod federated;
mod follower;
mod keepsake;
mod minter;
mod news;
mod settings;
mod slot;
mod source;

pub use credential::Credential;
pub use error::EnrolError;
pub use follower::Follower;
pub use minter::Minter;
pub use settings::Settings;
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

/// A source of identities, and whoever must [run](Follower::run) beside it.
#[must_use]
pub fn enrol(settings: Settings, clock: Arc<dyn Clock>) -> (Enrolled, Follower) {
    let settings = Arc::new(settings);
    let news = Arc::new(News::default());
    let source = Enrolled::new(Arc::clone(&settings), Arc::clone(&news), Arc::clone(&clock));
    let follower = Follower::new(settings, news, clock);
    (source, follower)
}
