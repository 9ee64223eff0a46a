//! The key that an authority signs tokens with.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::id::SpiffeId;
use crate::jwt::key::Curve;
use crate::jwt::key::PublicKey;
use crate::jwt::key::encoded;
use crate::time::seconds;

/// A P-256 key that signs JWT-SVIDs with ES256.
///
/// Its name in bundles and headers is its RFC 7638 thumbprint, so that one key
/// has one name everywhere. The key never shows in `Debug`.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    kid: String,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// [`SigningError::NotMade`] if the system gives no random numbers.
    pub fn generate() -> Result<Self, SigningError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map(Self::new)
            .ok()
            .ok_or(SigningError::NotMade)
    }

    /// Reads a key that [`to_pkcs8`](Self::to_pkcs8) wrote.
    ///
    /// # Errors
    ///
    /// [`SigningError::NotAKey`] if `der` is no P-256 key in PKCS #8.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SigningError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::new)
            .ok()
            .ok_or(SigningError::NotAKey)
    }

    /// The private key in PKCS #8, DER: for keeping it at rest, and for nothing
    /// else.
    ///
    /// # Errors
    ///
    /// [`SigningError::NotWritten`] if there is no memory for it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SigningError> {
        self.pair
            .to_pkcs8v1()
            .map(|der| Zeroizing::new(der.as_ref().to_vec()))
            .ok()
            .ok_or(SigningError::NotWritten)
    }

    /// What it is called in headers and bundles.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What its tokens are checked with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        public_key(&self.pair)
    }

    /// A JWT-SVID that says what `claims` say.
    ///
    /// # Errors
    ///
    /// All of [`SigningError`] but those about the key's form.
    pub fn sign(&self, claims: &Claims<'_>) -> Result<String, SigningError> {
        if claims.audience.is_empty() || claims.audience.iter().any(String::is_empty) {
            return Err(SigningError::NoAudience);
        }
        let audience = match claims.audience {
            [only] => json!(only),
            several => json!(several),
        };
        let body = json!({
            "sub": claims.id.as_str(),
            "aud": audience,
            "iat": seconds(claims.issued_at),
            "exp": seconds(claims.issued_at).saturating_add(claims.lifetime.as_secs()),
        });
        self.sign_body(&body)
    }

    /// A token with `body`, a JSON object, which is as whoever calls made it.
    ///
    /// # Errors
    ///
    /// [`SigningError::NotSigned`].
    pub fn sign_body(&self, body: &Value) -> Result<String, SigningError> {
        let header = json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"});
        let mut token = format!("{}.{}", part(&header), part(body));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .ok()
            .ok_or(SigningError::NotSigned)?;
        token.push('.');
        token.push_str(&encoded(signature.as_ref()));
        Ok(token)
    }

    fn new(pair: EcdsaKeyPair) -> Self {
        let kid = public_key(&pair).thumbprint();
        Self { pair, kid }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("pair", &"…")
            .finish()
    }
}

/// What a token is to say.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// Whom it names.
    pub id: &'a SpiffeId,
    /// Who may accept it: at least one, none of them empty. One is best.
    pub audience: &'a [String],
    /// From when it holds.
    pub issued_at: SystemTime,
    /// For how long; five minutes are usual. Part seconds are cut off.
    pub lifetime: Duration,
}

/// Why there is no key, or no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SigningError {
    /// A token for nobody, or for a nameless one.
    #[error("a token must name its audience")]
    NoAudience,
    /// Not a P-256 key in PKCS #8.
    #[error("it is not a P-256 key in PKCS #8")]
    NotAKey,
    /// The system gave no random numbers.
    #[error("no key could be made")]
    NotMade,
    /// The system gave no random numbers.
    #[error("the token could not be signed")]
    NotSigned,
    /// There was no memory for the key.
    #[error("the key could not be written")]
    NotWritten,
}

fn public_key(pair: &EcdsaKeyPair) -> PublicKey {
    PublicKey::Ec {
        curve: Curve::P256,
        point: pair.public_key().as_ref().to_vec(),
    }
}

fn part(value: &Value) -> String {
    encoded(value.to_string().as_bytes())
}
