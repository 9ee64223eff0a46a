//! Reads `certs/corpus`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::id::SpiffeId;
use portreeve::identity::Identity;
use portreeve::identity::Live;
use portreeve::identity::Svid;
use portreeve::time::Clock;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::Limits;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::private_key_from_pem;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;

/// A calendar that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct Calendar(Mutex<SystemTime>);

impl Calendar {
    /// The date for which the corpus was made.
    pub(crate) fn new() -> Arc<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        Arc::new(Self(Mutex::new(now)))
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Calendar {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// One line of `corpus.tsv`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) file: String,
    pub(crate) key: String,
    /// Nothing, if it must pass.
    pub(crate) reason: Option<String>,
    pub(crate) twin: String,
}

impl Case {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        chain(&self.file)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    text("corpus.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let [file, key, reason, twin] = line
                .split('\t')
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .try_into()
                .unwrap();
            let reason = Some(reason).filter(|reason| reason != "-");
            Case {
                file,
                key,
                reason,
                twin,
            }
        })
        .collect()
}

pub(crate) fn chain(file: &str) -> Vec<CertificateDer<'static>> {
    certificates_from_pem(text(file).as_bytes(), file).unwrap()
}

pub(crate) fn key(name: &str) -> PrivateKeyDer<'static> {
    let file = format!("keys/{name}.key.pem");
    private_key_from_pem(text(&file).as_bytes(), &file).unwrap()
}

pub(crate) fn bundles() -> Arc<Bundles> {
    let bundles = ["prod.example", "other.example"].map(|name| {
        let roots = chain(&format!("{name}.bundle.pem"));
        Bundle::new(name.parse().unwrap(), roots).unwrap()
    });
    Arc::new(Bundles::new(bundles).unwrap())
}

/// A good chain of the corpus, with the corpus's bundles, as our own identity.
pub(crate) fn identity(file: &str, key_name: &str) -> Identity {
    let svid = Svid::new(chain(file), key(key_name)).unwrap();
    Identity::new(svid, bundles(), Calendar::new().now(), &Limits::default()).unwrap()
}

pub(crate) fn live() -> Arc<Live> {
    Arc::new(Live::new(identity("good/plain.pem", "leaf")))
}

pub(crate) fn web() -> SpiffeId {
    "spiffe://prod.example/ns/shop/sa/web".parse().unwrap()
}

fn text(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("certs/corpus")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
