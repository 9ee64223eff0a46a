//! The key of a root as a JWK shows it beside the certificate.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;
use x509_parser::public_key::PublicKey as Parsed;

use crate::jwt::key::Curve;
use crate::jwt::key::PublicKey;
use crate::jwt::key::encoded;
use crate::jwt::key::trimmed;

/// The members of a JWK that describe the key of `root`, a certificate in DER.
pub(super) fn root_to_jwk(root: &[u8]) -> Result<Map<String, Value>, RootError> {
    let (rest, certificate) = X509Certificate::from_der(root)
        .ok()
        .ok_or(RootError::Malformed)?;
    if !rest.is_empty() {
        return Err(RootError::Malformed);
    }
    let info = certificate.public_key();
    if info.algorithm.algorithm == OID_SIG_ED25519 {
        let mut jwk = Map::new();
        jwk.insert("kty".to_owned(), json!("OKP"));
        jwk.insert("crv".to_owned(), json!("Ed25519"));
        let x = encoded(&info.subject_public_key.data);
        jwk.insert("x".to_owned(), json!(x));
        return Ok(jwk);
    }
    match info.parsed().ok().ok_or(RootError::Malformed)? {
        Parsed::EC(point) => {
            let point = point.data();
            let curve = Curve::of_point(point.len()).ok_or(RootError::UnknownKey)?;
            let point = point.to_vec();
            Ok(PublicKey::Ec { curve, point }.to_jwk())
        }
        Parsed::RSA(key) => Ok(PublicKey::Rsa {
            modulus: trimmed(key.modulus).to_vec(),
            exponent: trimmed(key.exponent).to_vec(),
        }
        .to_jwk()),
        _ => Err(RootError::UnknownKey),
    }
}

/// Why a root cannot be shown as a JWK.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RootError {
    /// It is not a certificate.
    #[error("it is not a certificate")]
    Malformed,
    /// Neither RSA, nor Ed25519, nor on P-256, P-384 or P-521.
    #[error("its key is of an unknown kind")]
    UnknownKey,
}
