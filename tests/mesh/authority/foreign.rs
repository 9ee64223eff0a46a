//! Another trust domain, whose bundle a town asks for.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use portreeve::ca::Authority;
use portreeve::identity::Issuer as _;
use portreeve::jwt::BundleDocument;
use portreeve::time::Clock;
use portreeve::x509::certificates_to_pem;
use portreeve::x509::make_request;
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use crate::authority::cluster::NOON;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::site::Site;
use crate::authority::town::Town;
use crate::stage::Calendar;
use crate::strangers::Shown;

/// A trust domain with a CA of its own.
pub(crate) struct Foreign {
    authority: Authority,
    _folder: TempDir,
}

impl Foreign {
    pub(crate) fn new(domain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        let clock: Arc<dyn Clock> = Arc::new(Calendar::new(start));
        let domain = domain.parse().unwrap();
        Self {
            authority: Authority::open(folder.path(), domain, clock).unwrap(),
            _folder: folder,
        }
    }

    /// Its root, PEM.
    pub(crate) fn pem(&self) -> String {
        certificates_to_pem([self.authority.root()])
    }

    /// What it says of itself.
    pub(crate) fn document(&self, sequence: u64) -> String {
        document(sequence, &[self])
    }

    /// Its workload `name`.
    pub(crate) fn svid(&self, name: &str) -> Shown {
        let pair = KeyPair::generate().unwrap();
        let request = make_request(&pair).unwrap();
        let domain = self.authority.trust_domain();
        let id = format!("spiffe://{domain}/{name}").parse().unwrap();
        let month = Duration::from_secs(30 * 86_400);
        let chain = self.authority.issue(&request, &id, month).unwrap();
        (
            chain,
            PrivateKeyDer::try_from(pair.serialize_der()).unwrap(),
        )
    }
}

/// A document with the roots of all of `trust_domains`, which is honest for one.
pub(crate) fn document(sequence: u64, trust_domains: &[&Foreign]) -> String {
    let roots = trust_domains
        .iter()
        .map(|foreign| foreign.authority.root().clone());
    let document = BundleDocument {
        sequence: Some(sequence),
        roots: roots.collect(),
        ..BundleDocument::default()
    };
    document.to_json().unwrap()
}

/// A town that federates with `other.example`, whose bundle is at `site`.
pub(crate) fn town(site: &Site, other: &Foreign) -> Town {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
    Town::on(folder, &settings(site))
}

/// How it does so.
pub(crate) fn settings(site: &Site) -> String {
    let address = site.address;
    format!(
        "federation: {{ with: [ {{ trust_domain: other.example, url: \"https://{address}/\",
  profile: https_spiffe, spiffe_id: \"spiffe://other.example/bundle\", bundle: other.pem }} ] }}"
    )
}

/// Whom a workload of `town` is told to believe, and by how many roots and keys.
pub(crate) fn told(town: &Town) -> String {
    let token = town.token("web");
    let csr = make_request(&key()).unwrap();
    let given = town.newcomer().ask(&csr, by_token(&token), "").unwrap();
    let bundles = given.state.unwrap().bundles;
    let told = bundles.iter().map(|bundle| {
        let keys = BundleDocument::parse(&bundle.jwt_keys).unwrap().jwt_keys;
        let (roots, keys) = (bundle.x509_authorities.len(), keys.iter().count());
        format!("{} {roots}+{keys}", bundle.trust_domain)
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Waits until the bundle was asked for so often with this outcome.
pub(crate) fn fetched(town: &Town, result: &str, times: u32) {
    town.shows(&format!(
        "portreeve_authority_bundle_fetches_total{{result=\"{result}\",trust_domain=\"other.example\"}} {times}"
    ));
}
