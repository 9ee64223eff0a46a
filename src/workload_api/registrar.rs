//! Whoever says who a caller is.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::id::SpiffeId;
use crate::identity::Identity;
use crate::identity::Svid;
use crate::jwt::Audience;
use crate::jwt::JwtBundles;
use crate::workload_api::caller::Caller;
use crate::x509::Bundles;

/// Says what callers get.
///
/// This is where an authority, or anything else that knows workloads, is
/// plugged in. The Workload API asks once for each call and carries what it is
/// told; it remembers nothing.
pub trait Registrar: Debug + Send + Sync {
    /// Who `caller` is and whom it should believe.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if it is nobody or cannot be told now.
    fn x509_contexts<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>>;

    /// The keys that `caller` should check tokens with.
    ///
    /// # Errors
    ///
    /// As for [`x509_contexts`](Self::x509_contexts).
    fn jwt_bundles<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>>;

    /// Tokens for `caller`: for the identity that it asks for, or for each that
    /// it has. At least one.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; [`Refusal::NoIdentity`] also if the identity that it asks
    /// for is not its own.
    fn mint<'a>(
        &'a self,
        caller: &'a Caller,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>>;
}

/// What is so now, at once; then what is so after each change. A refusal ends
/// it: the identity was taken away. A reader that is slow may miss states, but
/// never the latest.
pub type Updates<T> = BoxStream<'static, Result<Arc<T>, Refusal>>;

/// The SVIDs of a caller and the bundles of all trust domains that it should
/// believe.
#[derive(Clone, Debug)]
pub struct X509Context {
    /// The first is the caller's default. None is the same as
    /// [`Refusal::NoIdentity`].
    pub svids: Vec<HintedSvid>,
    /// With those of the SVIDs' own trust domains.
    pub bundles: Arc<Bundles>,
}

impl X509Context {
    /// Of a caller that is whoever `identity` says, and nobody else.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        Self {
            svids: vec![HintedSvid {
                svid: Arc::clone(identity.svid()),
                hint: None,
            }],
            bundles: Arc::clone(identity.bundles()),
        }
    }
}

/// An SVID, and what it is for.
#[derive(Clone, Debug)]
pub struct HintedSvid {
    /// With its key, which the caller gets.
    pub svid: Arc<Svid>,
    /// Unlike those of all others of the caller.
    pub hint: Option<Hint>,
}

/// A word by which a program that has several identities tells them apart.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Hint(String);

impl Hint {
    /// The longest hint in bytes (Workload API 5.2.1).
    pub const MAX_BYTES: usize = 1024;

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Hint {
    type Err = HintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.len() {
            0 => Err(HintError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(text.to_owned())),
            bytes => Err(HintError::TooLong { bytes }),
        }
    }
}

/// Why a text is not a hint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HintError {
    /// No text at all, which would say that there is no hint.
    #[error("the hint is empty")]
    Empty,
    /// More than [`Hint::MAX_BYTES`].
    #[error("the hint has {bytes} bytes, more than {}", Hint::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// What tokens a caller asks for.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Who may accept them.
    pub audience: Audience,
    /// Which of its identities; all, if it does not say.
    pub id: Option<SpiffeId>,
}

/// A JWT-SVID.
#[derive(Clone)]
pub struct Token {
    /// Whom it names.
    pub id: SpiffeId,
    /// What that identity is for.
    pub hint: Option<Hint>,
    /// The token itself: whoever has it can use it.
    pub text: String,
}

impl Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("hint", &self.hint)
            .field("text", &"…")
            .finish()
    }
}

/// Why a caller gets nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It is nobody, or nobody any more. It may ask again later.
    NoIdentity,
    /// Nobody can tell now, for this reason. It should ask again.
    NotReady(&'static str),
}
