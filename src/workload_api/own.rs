//! The identity of the process itself, for programs that act for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;
use tokio_stream::wrappers::WatchStream;

use crate::identity::Live;
use crate::jwt::JwtBundles;
use crate::workload_api::caller::Caller;
use crate::workload_api::process::Process;
use crate::workload_api::registrar::Refusal;
use crate::workload_api::registrar::Registrar;
use crate::workload_api::registrar::Token;
use crate::workload_api::registrar::TokenRequest;
use crate::workload_api::registrar::Updates;
use crate::workload_api::registrar::X509Context;
use crate::workload_api::tokens::Tokens;

/// A [`Registrar`] by which every caller of some users is whoever we are.
#[derive(Debug)]
pub struct OwnIdentity {
    live: Arc<Live>,
    uids: BTreeSet<u32>,
    tokens: Option<Arc<dyn Tokens>>,
}

impl OwnIdentity {
    /// Gives the identity that is in force in `live` to programs of `uids`, and
    /// `tokens` that name it, if there are any.
    #[must_use]
    pub const fn new(
        live: Arc<Live>,
        uids: BTreeSet<u32>,
        tokens: Option<Arc<dyn Tokens>>,
    ) -> Self {
        Self { live, uids, tokens }
    }

    /// The user that this process runs as.
    #[must_use]
    pub fn our_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn admit(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.uids.contains(&caller.uid()) {
            return Ok(());
        }
        tracing::warn!(
            uid = caller.uid(),
            pid = caller.process().map(Process::pid),
            "a program of a user that `workload_api.uids` does not name asked for our identity"
        );
        Err(Refusal::NoIdentity)
    }
}

impl OwnIdentity {
    fn tokens_for(&self, caller: &Caller) -> Result<&Arc<dyn Tokens>, Refusal> {
        self.admit(caller)?;
        self.tokens.as_ref().ok_or(NO_TOKENS)
    }
}

impl Registrar for OwnIdentity {
    fn x509_contexts<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>> {
        let contexts = self.admit(caller).map(|()| {
            WatchStream::new(self.live.changed())
                .map(|identity| Ok(Arc::new(X509Context::of(&identity))))
                .boxed()
        });
        ready(contexts).boxed()
    }

    fn jwt_bundles<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>> {
        let keys = self.tokens_for(caller).and_then(|tokens| tokens.keys());
        ready(keys).boxed()
    }

    fn mint<'a>(
        &'a self,
        caller: &'a Caller,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>> {
        async {
            let tokens = self.tokens_for(caller)?;
            let id = self.live.current().svid().id().clone();
            if request.id.as_ref().is_some_and(|wished| *wished != id) {
                return Err(Refusal::NoIdentity);
            }
            let text = tokens.mint(&id, &request.audience).await?;
            let hint = None;
            Ok(vec![Token { id, hint, text }])
        }
        .boxed()
    }
}

const NO_TOKENS: Refusal = Refusal::NotReady("there are no JWT-SVIDs here without an authority");
