//! The authority's own SVID.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::authority::keyring::Keyring;
use crate::authority::keyring::Keys;
use crate::id::SpiffeId;
use crate::identity::Embedded;
use crate::identity::Identity;
use crate::identity::Renews;
use crate::identity::Source;
use crate::identity::SourceError;
use crate::time::Clock;
use crate::x509::Limits;

/// Names ourselves, again whenever the keys change: whoever calls must find us
/// under a root that is published, and we must believe whom the new one names.
#[derive(Debug)]
pub(super) struct OwnName {
    inner: Embedded,
    keys: watch::Receiver<Arc<Keys>>,
}

impl OwnName {
    pub(super) fn new(
        keyring: Arc<Keyring>,
        id: SpiffeId,
        lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keys = keyring.follow();
        Self {
            inner: Embedded::new(keyring, id, lifetime, Limits::default(), clock),
            keys,
        }
    }
}

impl Source for OwnName {
    fn name(&self) -> &'static str {
        "authority"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        self.keys.mark_unchanged();
        self.inner.fetch()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async {
            if self.keys.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }

    fn renews(&self) -> Renews {
        Renews::AtHalfLife
    }
}
