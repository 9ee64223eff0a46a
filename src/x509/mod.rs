//! Certificates as values: what they say, and whether to believe them.
//!
//! Nothing here touches a file, a socket or a clock. A [`Leaf`] can only come
//! from parsing a certificate that keeps every rule of the X.509-SVID standard,
//! and [`verify`] is the one question that both ends of every connection, and
//! our own issuer, ask about a chain. The path itself is built by `webpki`,
//! which lets most malformed SVIDs through: the rules it does not know are the
//! reason for this module.

mod bundle;
mod ca_certificate;
mod certificate;
mod chain;
mod csr;
mod issue;
mod key;
mod leaf;
mod path_error;
mod pem;
mod pkcs8;
mod signature;

pub use bundle::{Bundle, BundleError, Bundles, BundlesError};
pub use ca_certificate::{CaCertificate, CaCertificateError};
pub use certificate::CertificateError;
pub use chain::{ChainError, Limits, verify};
pub use csr::{CsrError, PublicKey, make_request, read_request};
pub use issue::{CaTemplate, Serial, SvidTemplate, TemplateError};
pub use key::KeyError;
pub use leaf::{Leaf, LeafError};
pub use path_error::PathError;
pub use pem::{
    PemError, certificates_from_pem, certificates_to_pem, private_key_from_pem, private_key_to_pem,
    request_from_pem,
};
pub use pkcs8::to_pkcs8;
pub use signature::{SIGNATURE_SCHEMES, SignatureError, verify_signature};
