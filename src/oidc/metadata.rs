//! What a provider says of itself (OpenID Connect Discovery 3).

use serde_json::Map;
use serde_json::Value;

use crate::https::Url;
use crate::https::UrlError;
use crate::jwt::JsonError;
use crate::jwt::parse_object;
use crate::oidc::issuer::Issuer;

/// Where a provider's endpoints are.
///
/// Only one of the issuer's own name is read, so that nobody speaks for another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// Where people are sent.
    pub authorization_endpoint: Option<Url>,
    /// Where programs without a browser ask to be let in (RFC 8628).
    pub device_authorization_endpoint: Option<Url>,
    /// Where people are sent to sign out.
    pub end_session_endpoint: Option<Url>,
    /// Where its keys are.
    pub jwks_uri: Url,
    /// Whether it says who it is when people come back (RFC 9207).
    pub says_issuer: bool,
    /// Where codes become tokens.
    pub token_endpoint: Option<Url>,
    /// Where more is said of people.
    pub userinfo_endpoint: Option<Url>,
}

impl Metadata {
    /// The largest document that is read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads what was found at `issuer`'s place.
    ///
    /// # Errors
    ///
    /// All of [`MetadataError`].
    pub fn parse(text: &[u8], issuer: &Issuer) -> Result<Self, MetadataError> {
        if text.len() > Self::MAX_BYTES {
            return Err(MetadataError::TooLong { bytes: text.len() });
        }
        let members = parse_object(text).map_err(|cause| MetadataError::NotJson { cause })?;
        match members.get("issuer").and_then(Value::as_str) {
            Some(found) if found == issuer.as_str() => {}
            Some(found) => {
                return Err(MetadataError::OtherIssuer {
                    found: found.to_owned(),
                });
            }
            None => return Err(MetadataError::Missing { member: "issuer" }),
        }
        let place = |member| place(&members, member, issuer);
        Ok(Self {
            authorization_endpoint: place("authorization_endpoint")?,
            device_authorization_endpoint: place("device_authorization_endpoint")?,
            end_session_endpoint: place("end_session_endpoint")?,
            jwks_uri: place("jwks_uri")?.ok_or(MetadataError::Missing { member: "jwks_uri" })?,
            says_issuer: says_issuer(&members)?,
            token_endpoint: place("token_endpoint")?,
            userinfo_endpoint: place("userinfo_endpoint")?,
        })
    }
}

/// Why a document is not what the provider says of itself.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// A place that nobody can be asked or sent to.
    #[error("`{member}` is not an `https` URL")]
    BadUrl {
        /// The member.
        member: &'static str,
        /// Why not.
        #[source]
        cause: UrlError,
    },
    /// A member of another type than it must have.
    #[error("`{member}` is malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// A member that is needed.
    #[error("`{member}` is missing")]
    Missing {
        /// The member.
        member: &'static str,
    },
    /// It is no JSON object.
    #[error("the document cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// It is somebody else's.
    #[error("it is of the issuer `{}`: write it so in the configuration, or correct the provider", found.escape_default())]
    OtherIssuer {
        /// Whose it is.
        found: String,
    },
    /// More than [`Metadata::MAX_BYTES`].
    #[error("the document has {bytes} bytes, more than {}", Metadata::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

fn place(
    members: &Map<String, Value>,
    member: &'static str,
    issuer: &Issuer,
) -> Result<Option<Url>, MetadataError> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => issuer
            .url(text)
            .map(Some)
            .map_err(|cause| MetadataError::BadUrl { member, cause }),
        Some(_) => Err(MetadataError::Malformed { member }),
    }
}

fn says_issuer(members: &Map<String, Value>) -> Result<bool, MetadataError> {
    let member = "authorization_response_iss_parameter_supported";
    match members.get(member) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(says)) => Ok(*says),
        Some(_) => Err(MetadataError::Malformed { member }),
    }
}
