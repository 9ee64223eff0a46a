//! A public key that tokens are checked with.

use aws_lc_rs::digest;
use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::jwt::algorithm::Algorithm;

/// A public key as a JWK describes it: RSA, or a point on a NIST curve.
///
/// Its numbers have the lengths that their kind needs; whether they are a good
/// key shows when a signature is checked with them.
#[derive(Clone, Eq, PartialEq)]
pub enum PublicKey {
    /// A point on a curve.
    Ec {
        /// Which curve.
        curve: Curve,
        /// `0x04`, x and y, as long as the curve's field.
        point: Vec<u8>,
    },
    /// An RSA key.
    Rsa {
        /// The modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The public exponent, likewise.
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads the members of a JWK that describe the key.
    ///
    /// # Errors
    ///
    /// All of [`KeyError`].
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        match text(jwk, "kty")? {
            "EC" => {
                let name = text(jwk, "crv")?;
                let curve = Curve::named(name).ok_or_else(|| KeyError::UnknownKind {
                    member: "crv",
                    found: name.to_owned(),
                })?;
                let mut point = vec![UNCOMPRESSED];
                for member in ["x", "y"] {
                    let number = bytes(jwk, member)?;
                    if number.len() != curve.field_bytes() {
                        return Err(KeyError::BadLength {
                            member,
                            bytes: number.len(),
                        });
                    }
                    point.extend(number);
                }
                Ok(Self::Ec { curve, point })
            }
            "RSA" => {
                let number = |member, most| {
                    let number = bytes(jwk, member)?;
                    let number = trimmed(&number);
                    if number.is_empty() || number.len() > most {
                        return Err(KeyError::BadLength {
                            member,
                            bytes: number.len(),
                        });
                    }
                    Ok(number.to_vec())
                };
                Ok(Self::Rsa {
                    modulus: number("n", MOST_MODULUS_BYTES)?,
                    exponent: number("e", MOST_EXPONENT_BYTES)?,
                })
            }
            found => Err(KeyError::UnknownKind {
                member: "kty",
                found: found.to_owned(),
            }),
        }
    }

    /// Its name everywhere (RFC 7638): SHA-256 of its members in the order of their names.
    #[must_use]
    pub(crate) fn thumbprint(&self) -> String {
        let members: std::collections::BTreeMap<String, Value> =
            self.to_jwk().into_iter().collect();
        let text = json!(members).to_string();
        encoded(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    /// The members of a JWK that describe the key.
    pub(crate) fn to_jwk(&self) -> Map<String, Value> {
        let jwk = match self {
            Self::Ec { curve, point } => {
                let numbers = point.get(1..).unwrap_or_default();
                let (x, y) = numbers.split_at(numbers.len() / 2);
                json!({"kty": "EC", "crv": curve.name(), "x": encoded(x), "y": encoded(y)})
            }
            Self::Rsa { modulus, exponent } => {
                json!({"kty": "RSA", "n": encoded(modulus), "e": encoded(exponent)})
            }
        };
        match jwk {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// Whether `signature` is this key's on `message`, made with `algorithm`.
    /// An algorithm for keys of another kind is a no.
    pub(super) fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point } => algorithm.ecdsa().is_some_and(|how| {
                curve.algorithm() == algorithm
                    && UnparsedPublicKey::new(how, point)
                        .verify(message, signature)
                        .is_ok()
            }),
            Self::Rsa { modulus, exponent } => algorithm.rsa().is_some_and(|how| {
                let key = PublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(how, message, signature).is_ok()
            }),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec { curve, .. } => write!(f, "PublicKey({})", curve.name()),
            Self::Rsa { modulus, .. } => write!(f, "PublicKey(RSA, {} bits)", modulus.len() * 8),
        }
    }
}

/// A NIST curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

impl Curve {
    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    /// The curve whose points have so many bytes, `0x04` included.
    pub(super) fn of_point(bytes: usize) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| 1 + 2 * curve.field_bytes() == bytes)
    }

    const fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// RFC 7518 3.4: each curve has one.
    const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }
}

/// Why a JWK is not a key that tokens could be checked with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// A number that is not as long as its kind needs, or absurdly long.
    #[error("`{member}` has {bytes} bytes, which its key cannot have")]
    BadLength {
        /// The member.
        member: &'static str,
        /// Its length, decoded.
        bytes: usize,
    },
    /// A member that is missing, no text, or not base64url where it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// A key of a kind that we do not know.
    #[error("`{member}` is `{}`, which is unknown", found.escape_default())]
    UnknownKind {
        /// The member.
        member: &'static str,
        /// What it says.
        found: String,
    },
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// `number` without leading zeros.
pub(super) fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn text<'a>(jwk: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, KeyError> {
    jwk.get(member)
        .and_then(Value::as_str)
        .ok_or(KeyError::Malformed { member })
}

fn bytes(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    // A decoder's complaint says no more than that it is not base64url.
    BASE64_URL_SAFE_NO_PAD
        .decode(text(jwk, member)?)
        .ok()
        .ok_or(KeyError::Malformed { member })
}

/// SEC 1, 2.3.3.
const UNCOMPRESSED: u8 = 4;
/// 8192 bits.
const MOST_MODULUS_BYTES: usize = 1024;
/// A longer one only makes checking slow.
const MOST_EXPONENT_BYTES: usize = 5;
