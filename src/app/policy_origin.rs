//! Where the configuration says that policies come from.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::app::build_error::BuildError;
use crate::app::policies::Good;
use crate::app::policies::Policies;
use crate::app::policy_feed::PolicyFeed;
use crate::app::policy_folder::PolicyFolder;
use crate::config::Config;
use crate::config::PolicySource;
use crate::enrol::Bulletin;
use crate::enrol::EnrolError;
use crate::enrol::Follower;
use crate::identity::Live;
use crate::policy::Groups;

/// What is in force, and where it comes from.
#[derive(Debug)]
pub(super) struct PolicyKeeper {
    pub(super) origin: PolicyOrigin,
    pub(super) policies: Arc<Policies>,
}

impl PolicyKeeper {
    /// Keeps what is in force up to date, for ever; looks at once when `asked`.
    pub(super) async fn watch(&self, asked: &Notify) {
        let policies = self.policies.as_ref();
        let sets = async {
            match &self.origin {
                PolicyOrigin::Feed(feed) => feed.watch(policies, asked).await,
                PolicyOrigin::Folder(folder) => folder.watch(policies, asked).await,
            }
        };
        tokio::join!(sets, policies.follow_groups(), policies.forget());
    }
}

/// Where policies come from.
#[derive(Debug)]
pub(super) enum PolicyOrigin {
    Feed(PolicyFeed),
    Folder(PolicyFolder),
}

impl PolicyOrigin {
    /// Reads nothing that is in force yet; but what cannot ever be is told before
    /// anybody is asked for a name.
    pub(super) fn open(
        config: &Config,
        bulletin: Option<&Arc<Bulletin>>,
    ) -> Result<Self, BuildError> {
        let settings = config.policy.clone();
        match &config.policy_source {
            PolicySource::Authority => {
                let bulletin = bulletin.ok_or(BuildError::Enrol {
                    cause: EnrolError::NoAuthority,
                })?;
                Ok(Self::Feed(PolicyFeed::new(Arc::clone(bulletin), settings)))
            }
            PolicySource::Folder(dir) => {
                let folder = PolicyFolder::new(dir.clone(), settings);
                if bulletin.is_some() {
                    folder
                        .look()
                        .map_err(|cause| BuildError::Policy { cause })?;
                }
                Ok(Self::Folder(folder))
            }
        }
    }

    /// The set to begin with.
    pub(super) async fn first(
        &self,
        bulletin: Option<&Bulletin>,
        follower: Option<&Follower>,
        live: &Live,
    ) -> Result<Good, BuildError> {
        match (self, follower) {
            (Self::Feed(feed), Some(follower)) => feed
                .first(follower, live)
                .await
                .map_err(|cause| BuildError::NoPolicy { cause }),
            (Self::Feed(_), None) => Err(BuildError::Enrol {
                cause: EnrolError::NoAuthority,
            }),
            (Self::Folder(folder), _) => {
                let told = bulletin.map(|bulletin| Groups::clone(&bulletin.groups().borrow()));
                let good = folder.load(&told.unwrap_or_default());
                good.map_err(|cause| BuildError::Policy { cause })
            }
        }
    }
}
