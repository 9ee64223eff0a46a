//! What a Workload API says, as an SVID and bundles of ours.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use spiffe::X509Bundle;
use spiffe::X509Context;

use crate::id::TrustDomain;
use crate::id::TrustDomainError;
use crate::identity::svid::Svid;
use crate::identity::svid::SvidError;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;

/// The first SVID, and the bundles of its own and of all foreign trust domains.
///
/// A foreign bundle that we would not believe is left out, which makes nobody
/// of its trust domain believed: it must not cost us our own identity.
pub(super) fn read_context(context: &X509Context) -> Result<(Svid, Bundles), ContextError> {
    let first = context.default_svid().ok_or(ContextError::NoSvid)?;
    let chain = first
        .cert_chain()
        .iter()
        .map(|certificate| CertificateDer::from(certificate.as_bytes().to_vec()))
        .collect();
    let key = PrivatePkcs8KeyDer::from(first.private_key().as_bytes().to_vec());
    let svid = Svid::new(chain, PrivateKeyDer::Pkcs8(key))
        .map_err(|cause| ContextError::BadSvid { cause })?;
    let mut bundles = Vec::new();
    for (name, bundle) in context.bundle_set().iter() {
        match read_bundle(name.as_str(), bundle) {
            Ok(bundle) => bundles.push(bundle),
            Err(error) if name.as_str() == svid.id().trust_domain().as_str() => return Err(error),
            Err(error) => tracing::warn!(
                error = &error as &(dyn std::error::Error + 'static),
                trust_domain = name.as_str(),
                "the bundle of a foreign trust domain is left out"
            ),
        }
    }
    let bundles = Bundles::new(bundles).map_err(|cause| ContextError::TwoBundles { cause })?;
    Ok((svid, bundles))
}

fn read_bundle(name: &str, bundle: &X509Bundle) -> Result<Bundle, ContextError> {
    let name: TrustDomain = name
        .parse()
        .map_err(|cause| ContextError::BadTrustDomain { cause })?;
    let roots = bundle.authorities().iter();
    let roots = roots.map(|root| CertificateDer::from(root.as_bytes().to_vec()));
    Bundle::new(name, roots).map_err(|cause| ContextError::BadBundle { cause })
}

/// Why what a Workload API says is no identity.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContextError {
    /// A bundle with a root that must not be one.
    #[error("a bundle is not one")]
    BadBundle {
        /// What is wrong with it.
        #[source]
        cause: BundleError,
    },
    /// Chain and key do not go together.
    #[error("certificate and key do not make an SVID")]
    BadSvid {
        /// Why not.
        #[source]
        cause: SvidError,
    },
    /// A bundle of what is no trust domain.
    #[error("a bundle's trust domain is not one")]
    BadTrustDomain {
        /// Why not.
        #[source]
        cause: TrustDomainError,
    },
    /// No identity at all.
    #[error("there is no SVID")]
    NoSvid,
    /// Two bundles of one trust domain.
    #[error("the bundles do not stand side by side")]
    TwoBundles {
        /// Which.
        #[source]
        cause: BundlesError,
    },
}
