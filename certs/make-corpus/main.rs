//! Makes the corpus of good and bad SVIDs in `certs/corpus`.
//!
//! Run it with `cargo run --example make-svid-corpus`. Keys that are there are
//! kept; all certificates are made anew. Every bad SVID has one thing wrong,
//! and names a good one that differs from it in that thing.

#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it runs on a developer's machine, and stops where something is wrong"
)]

use std::fs;
use std::path::Path;

use rustls_pki_types::CertificateDer;

use portreeve::x509::certificates_to_pem;

use crate::keys::Keys;

mod certificate;
mod chains;
mod der;
mod forms;
mod identities;
mod keys;
mod usages;

/// One chain of the corpus.
pub(crate) struct Case {
    /// The file's name, without its ending.
    pub(crate) slug: &'static str,
    /// The reason for which it must be refused; nothing, if it must pass.
    pub(crate) reason: Option<&'static str>,
    /// The good one that differs in the one thing that is wrong.
    pub(crate) twin: &'static str,
    /// Whose key the leaf has.
    pub(crate) key: &'static str,
    /// Leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn good(slug: &'static str, chain: Vec<Vec<u8>>) -> Self {
        Self {
            slug,
            reason: None,
            twin: "",
            key: "leaf",
            chain,
        }
    }

    pub(crate) fn bad(
        slug: &'static str,
        reason: &'static str,
        twin: &'static str,
        chain: Vec<Vec<u8>>,
    ) -> Self {
        Self {
            reason: Some(reason),
            twin,
            ..Self::good(slug, chain)
        }
    }

    pub(crate) fn with_key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }
}

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
    let keys = Keys::open(&corpus.join("keys"));
    let mut cases = identities::cases(&keys);
    cases.extend(usages::cases(&keys));
    cases.extend(forms::cases(&keys));
    cases.extend(chains::cases(&keys));

    for kind in ["good", "bad"] {
        drop(fs::remove_dir_all(corpus.join(kind)));
        fs::create_dir_all(corpus.join(kind)).unwrap();
    }
    let mut manifest = String::from("file\tkey\treason\ttwin\n");
    for case in &cases {
        let file = file(case);
        let twin = cases.iter().find(|other| other.slug == case.twin);
        let twin = match (case.reason, twin) {
            (None, _) => String::new(),
            (Some(_), Some(twin)) => self::file(twin),
            (Some(_), None) => panic!("{}: no twin {}", case.slug, case.twin),
        };
        fs::write(corpus.join(&file), pem(&case.chain)).unwrap();
        let reason = case.reason.unwrap_or("-");
        manifest += &format!("{file}\t{}\t{reason}\t{twin}\n", case.key);
    }
    fs::write(corpus.join("corpus.tsv"), manifest).unwrap();
    for (name, roots) in chains::bundles(&keys) {
        fs::write(corpus.join(format!("{name}.bundle.pem")), pem(&roots)).unwrap();
    }
}

fn file(case: &Case) -> String {
    let kind = if case.reason.is_some() { "bad" } else { "good" };
    format!("{kind}/{}.pem", case.slug)
}

fn pem(chain: &[Vec<u8>]) -> String {
    let chain: Vec<_> = chain.iter().cloned().map(CertificateDer::from).collect();
    certificates_to_pem(&chain)
}
