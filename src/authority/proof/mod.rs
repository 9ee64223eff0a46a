//! Who asks for a name, as far as it can be proved.
//!
//! A proof becomes selectors: plain facts, of which entries say what they are
//! worth. No proof names anybody by itself.

mod join_token;
mod kubernetes;
mod possession;

use std::borrow::Cow;
use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::authority::ledger::LedgerError;
use crate::authority::selector::Selector;

pub(super) use join_token::JoinToken;
pub(super) use join_token::digest_of;
pub(super) use kubernetes::named_issuer;
pub use kubernetes::{
    Cluster, ClusterError, KubernetesError, ServerError, read_claims, read_review,
};
pub(super) use possession::Possession;
pub use possession::{PossessionError, PossessionRoots};

/// What a caller shows.
#[derive(Debug)]
pub(super) enum Proof {
    JoinToken(Secret),
    Kubernetes(Secret),
    Possession(Possession),
    /// The certificate of the handshake.
    Svid,
}

/// A text that nobody else may see.
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Proof {
    /// The word for records and metrics.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::JoinToken(_) => "join_token",
            Self::Kubernetes(_) => "kubernetes",
            Self::Possession(_) => "x509_possession",
            Self::Svid => "svid",
        }
    }
}

/// What a proof proves.
#[derive(Clone, Debug)]
pub(super) struct Proved {
    pub(super) selectors: BTreeSet<Selector>,
    /// The digest of the join token that is to be spent.
    pub(super) token: Option<String>,
}

impl Proved {
    pub(super) const fn by(selectors: BTreeSet<Selector>) -> Self {
        Self {
            selectors,
            token: None,
        }
    }
}

/// Why a proof proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The Kubernetes token is not believed.
    #[error("the Kubernetes token is refused")]
    Kubernetes {
        /// Why not.
        #[source]
        cause: KubernetesError,
    },
    /// The database did not answer.
    #[error("proofs cannot be looked up")]
    Ledger {
        /// Why not.
        #[source]
        cause: LedgerError,
    },
    /// Neither a proof nor an SVID was shown.
    #[error("there is no proof: neither a token nor an SVID was shown")]
    None,
    /// This authority's configuration takes no such proofs.
    #[error("this authority takes no proofs of this kind: its configuration names nobody for them")]
    NotTaken,
    /// The certificate or the signature is not believed.
    #[error("the proof of possession is refused")]
    Possession {
        /// Why not.
        #[source]
        cause: PossessionError,
    },
    /// The SVID in the handshake is not one that we issued, or not recently.
    #[error("the SVID that was shown is not one that this authority renews")]
    SvidUnknown,
    /// The token's time is over.
    #[error("the join token has expired")]
    TokenExpired,
    /// There is no such token.
    #[error("the join token is unknown")]
    TokenUnknown,
    /// Another workload has used the token.
    #[error("the join token was used before")]
    TokenUsed,
}

impl ProofError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        let word = match self {
            Self::Kubernetes { cause } => cause.reason(),
            Self::Ledger { .. } => "store_unavailable",
            Self::None => "no_proof",
            Self::NotTaken => "proof_not_taken",
            Self::Possession { cause } => cause.reason(),
            Self::SvidUnknown => "svid_unknown",
            Self::TokenExpired => "join_token_expired",
            Self::TokenUnknown => "join_token_unknown",
            Self::TokenUsed => "join_token_used",
        };
        word.into()
    }
}

impl ProofError {
    /// Whether it was not found out what the proof is worth.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Kubernetes { cause } => cause.may_pass(),
            Self::Ledger { .. } => true,
            _ => false,
        }
    }
}

impl From<LedgerError> for ProofError {
    fn from(cause: LedgerError) -> Self {
        Self::Ledger { cause }
    }
}
