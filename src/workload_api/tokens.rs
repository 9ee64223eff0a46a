//! Where tokens in our own name come from.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::id::SpiffeId;
use crate::jwt::Audience;
use crate::jwt::JwtBundles;
use crate::workload_api::registrar::Refusal;
use crate::workload_api::registrar::Updates;

/// Whoever gets us tokens, and knows what tokens are checked with.
///
/// An authority that we ask is one; without one there are none.
pub trait Tokens: Debug + Send + Sync {
    /// The keys of all trust domains that we believe.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotReady`], if they are not known yet.
    fn keys(&self) -> Result<Updates<JwtBundles>, Refusal>;

    /// A token that names us, who are `id`, for `audience`.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if we are believed no longer, nobody can tell now, or we have
    /// become another.
    fn mint<'a>(
        &'a self,
        id: &'a SpiffeId,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<String, Refusal>>;
}
