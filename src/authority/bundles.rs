//! Whom the authority says to believe, as values again.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::jwt::BundleDocument;
use crate::jwt::JwtBundles;
use crate::jwt::JwtKeys;
use crate::rpc::authority as rpc;
use crate::x509::Bundle;
use crate::x509::Bundles;

/// The roots and the keys for tokens of all trust domains in `state`: what every
/// sidecar reads in it. One that cannot be read makes nobody believed.
pub(super) fn bundles_of(state: &rpc::State) -> (Arc<Bundles>, Arc<JwtBundles>) {
    let read: Vec<_> = state.bundles.iter().filter_map(read).collect();
    let keys = read
        .iter()
        .map(|(bundle, keys)| (bundle.trust_domain().clone(), keys.clone()));
    let keys = Arc::new(keys.collect());
    let bundles = Bundles::new(read.into_iter().map(|(bundle, _)| bundle));
    (Arc::new(bundles.unwrap_or_default()), keys)
}

fn read(told: &rpc::Bundle) -> Option<(Bundle, JwtKeys)> {
    let trust_domain = told.trust_domain.parse().ok()?;
    let roots = told.x509_authorities.iter().cloned();
    let bundle = Bundle::new(trust_domain, roots.map(CertificateDer::from)).ok()?;
    let keys = match told.jwt_keys.as_slice() {
        [] => JwtKeys::default(),
        text => BundleDocument::parse(text).ok()?.jwt_keys,
    };
    Some((bundle, keys))
}
