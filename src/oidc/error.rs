//! How asking a provider ends without what was asked for.

use crate::https::CredentialsError;
use crate::https::HttpsError;
use crate::https::TrustError;
use crate::jwt::KeySetError;
use crate::oidc::claims::ClaimsFault;
use crate::oidc::device::DeviceAnswerError;
use crate::oidc::fault::TokenFault;
use crate::oidc::metadata::MetadataError;
use crate::oidc::token_answer::Refusal;
use crate::oidc::token_answer::TokenAnswerError;
use crate::oidc::userinfo::UserinfoError;
use crate::store::StoreError;

/// Why a provider cannot be asked, or says nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Its keys are none.
    #[error("its keys cannot be used")]
    BadKeys {
        /// Why not.
        #[source]
        cause: KeySetError,
    },
    /// What it says of itself cannot be used.
    #[error("what it says of itself cannot be used")]
    BadMetadata {
        /// Why not.
        #[source]
        cause: MetadataError,
    },
    /// It does not answer as it should.
    #[error("it does not answer as it should")]
    Https {
        /// How it fails.
        #[source]
        cause: HttpsError,
    },
    /// It has no such endpoint.
    #[error("it has no `{endpoint}`")]
    NoEndpoint {
        /// The member of its metadata.
        endpoint: &'static str,
    },
    /// Our secret cannot be read.
    #[error("the client's secret cannot be read")]
    NoSecret {
        /// Why not.
        #[source]
        cause: StoreError,
    },
    /// It was asked in vain a moment ago.
    #[error("it was asked in vain a moment ago ({reason})")]
    NotAskedAgain {
        /// What happened then.
        reason: &'static str,
    },
    /// We are nobody to it.
    #[error("no client is configured for it")]
    NotAClient,
    /// Our secret's file holds none.
    #[error("the file of the client's secret does not hold one")]
    NotASecret,
    /// There is nothing to believe it by.
    #[error("there is nothing to believe it by")]
    Trust {
        /// Why not.
        #[source]
        cause: TrustError,
    },
}

impl ProviderError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadKeys { .. } => "bad_keys",
            Self::BadMetadata { .. } => "bad_metadata",
            Self::Https { cause } => cause.reason(),
            Self::NoEndpoint { .. } => "no_endpoint",
            Self::NoSecret { .. } | Self::NotASecret => "no_secret",
            Self::NotAskedAgain { reason } => reason,
            Self::NotAClient => "not_a_client",
            Self::Trust { .. } => "no_trust",
        }
    }

    /// Whether it is something of our own that is not as it should be.
    #[must_use]
    pub const fn is_our_mistake(&self) -> bool {
        matches!(
            self,
            Self::NoSecret { .. } | Self::NotAClient | Self::NotASecret | Self::Trust { .. }
        )
    }
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// What the provider says of the person cannot be taken.
    #[error("what the provider says of the person cannot be taken")]
    BadClaims {
        /// What is wrong.
        #[source]
        cause: ClaimsFault,
    },
    /// The answer with what to show to a person is none.
    #[error("the provider's answer cannot be used")]
    BadDeviceAnswer {
        /// Why not.
        #[source]
        cause: DeviceAnswerError,
    },
    /// What came back is from another provider, or does not say from which
    /// though this one always does (RFC 9207).
    #[error("what came back is not from this provider (`iss`)")]
    BadIssuerParameter,
    /// The answer with the tokens is none.
    #[error("the provider's answer cannot be used")]
    BadTokenAnswer {
        /// Why not.
        #[source]
        cause: TokenAnswerError,
    },
    /// The ID token is not believed.
    #[error("the ID token is not believed")]
    IdToken {
        /// Why not.
        #[source]
        cause: TokenFault,
    },
    /// The provider does not take us for a client that may ask this.
    #[error(
        "the provider does not take our client: look at `client_id`, `client_secret_file`, `client_secret_by` and `scopes`, and at what the provider has of it"
    )]
    Misconfigured {
        /// How it says so.
        #[source]
        cause: Refusal,
    },
    /// There is no ID token, so nobody is named.
    #[error("the provider's answer has no ID token")]
    NoIdToken,
    /// The provider could not be asked.
    #[error("the provider cannot be asked")]
    Provider {
        /// Why not.
        #[source]
        cause: ProviderError,
    },
    /// The provider says no.
    #[error("the provider says no")]
    Refused {
        /// How it says so.
        #[source]
        cause: Refusal,
    },
    /// The provider fails.
    #[error("the provider fails")]
    Unwell {
        /// How.
        #[source]
        cause: Refusal,
    },
    /// What the userinfo endpoint says cannot be taken.
    #[error("what the userinfo endpoint says cannot be taken")]
    Userinfo {
        /// Why not.
        #[source]
        cause: UserinfoError,
    },
}

impl SignInError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadClaims { cause } => cause.reason(),
            Self::BadDeviceAnswer { .. } => "bad_device_answer",
            Self::BadIssuerParameter => "bad_issuer_parameter",
            Self::BadTokenAnswer { .. } => "bad_token_answer",
            Self::IdToken { cause } => cause.reason(),
            Self::Misconfigured { .. } => "client_not_taken",
            Self::NoIdToken => "no_id_token",
            Self::Provider { cause } => cause.reason(),
            Self::Refused { .. } => "refused",
            Self::Unwell { .. } => "unwell",
            Self::Userinfo { cause } => cause.reason(),
        }
    }

    /// Whether it was not found out who asks: it may pass, and says nothing of
    /// the person.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::BadDeviceAnswer { .. }
            | Self::BadTokenAnswer { .. }
            | Self::Provider { .. }
            | Self::Unwell { .. } => true,
            Self::Misconfigured { cause } => cause.may_pass(),
            Self::Userinfo { cause } => cause.may_pass(),
            Self::BadClaims { .. }
            | Self::BadIssuerParameter
            | Self::IdToken { .. }
            | Self::NoIdToken
            | Self::Refused { .. } => false,
        }
    }

    /// Whether the operator has to do something about it, and nobody else can.
    #[must_use]
    pub const fn is_our_mistake(&self) -> bool {
        match self {
            Self::Misconfigured { .. } => true,
            Self::Provider { cause } => cause.is_our_mistake(),
            _ => false,
        }
    }
}

impl From<Refusal> for SignInError {
    fn from(cause: Refusal) -> Self {
        if cause.is_of_us() {
            Self::Misconfigured { cause }
        } else if cause.may_pass() {
            Self::Unwell { cause }
        } else {
            Self::Refused { cause }
        }
    }
}

impl From<TokenError> for SignInError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Fault { cause } => Self::IdToken { cause },
            TokenError::Provider { cause } => Self::Provider { cause },
        }
    }
}

/// Why a session is not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The provider vouches for the person no more, or for somebody else: the
    /// session ends.
    #[error("the session is not renewed")]
    Refused {
        /// Why not.
        #[source]
        cause: SignInError,
    },
    /// The provider is away: the session lasts until its own limit.
    #[error("the session cannot be renewed now")]
    Unavailable {
        /// Why not.
        #[source]
        cause: SignInError,
    },
}

impl RefreshError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.cause().reason()
    }

    /// What it comes from.
    #[must_use]
    pub const fn cause(&self) -> &SignInError {
        match self {
            Self::Refused { cause } | Self::Unavailable { cause } => cause,
        }
    }
}

impl From<SignInError> for RefreshError {
    fn from(cause: SignInError) -> Self {
        if cause.may_pass() {
            Self::Unavailable { cause }
        } else {
            Self::Refused { cause }
        }
    }
}

/// Why a token that was brought to us is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not believed.
    #[error("the token is not believed")]
    Fault {
        /// Why not.
        #[source]
        cause: TokenFault,
    },
    /// It was not found out whether it is to be believed.
    #[error("the token cannot be checked")]
    Provider {
        /// Why not.
        #[source]
        cause: ProviderError,
    },
}

impl TokenError {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Fault { cause } => cause.reason(),
            Self::Provider { cause } => cause.reason(),
        }
    }

    /// Whether it was not found out what the token is worth.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Provider { .. })
    }
}

impl From<TokenFault> for TokenError {
    fn from(cause: TokenFault) -> Self {
        Self::Fault { cause }
    }
}

impl From<ProviderError> for TokenError {
    fn from(cause: ProviderError) -> Self {
        Self::Provider { cause }
    }
}

impl From<ProviderError> for SignInError {
    fn from(cause: ProviderError) -> Self {
        Self::Provider { cause }
    }
}

/// Where an error of the transport belongs.
impl From<HttpsError> for ProviderError {
    fn from(cause: HttpsError) -> Self {
        Self::Https { cause }
    }
}

impl From<TrustError> for ProviderError {
    fn from(cause: TrustError) -> Self {
        Self::Trust { cause }
    }
}

/// An access token that no header could hold is not one.
impl From<CredentialsError> for UserinfoError {
    fn from(_not_a_token: CredentialsError) -> Self {
        Self::BadAccessToken
    }
}
