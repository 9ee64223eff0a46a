//! `certs/make-demo-trust-domain.sh` makes what sidecars take.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use portreeve::identity::FilePaths;
use portreeve::identity::Files;
use portreeve::identity::Live;
use portreeve::identity::Source as _;
use portreeve::time::Clock;
use portreeve::time::SystemClock;
use portreeve::tls::Acceptor;
use portreeve::tls::Connector;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::Protocol;
use portreeve::tls::Settings;
use portreeve::x509::Limits;

use crate::parties::meet;

#[tokio::test]
async fn its_workloads_believe_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let made = make(dir.path(), &["example.org", "a", "b"]);
    assert!(made.status.success(), "{made:?}");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (a, b) = (live(dir.path(), "a").await, live(dir.path(), "b").await);
    let slots = HandshakeSlots::new(1);
    let settings = Settings::default();
    let acceptor = Acceptor::new(b, Arc::clone(&clock), settings, slots);
    let expected = vec!["spiffe://example.org/b".parse().unwrap()];
    let connector = Connector::new(a, clock, expected, settings);
    let (connected, accepted) = meet(&connector, &acceptor, Protocol::Http1).await;
    let (connected, accepted) = (connected.unwrap(), accepted.unwrap());
    assert_eq!(connected.peer.id().as_str(), "spiffe://example.org/b");
    assert_eq!(accepted.peer.id().as_str(), "spiffe://example.org/a");
}

#[test]
fn it_never_replaces_a_root() {
    let dir = tempfile::tempdir().unwrap();
    assert!(make(dir.path(), &[]).status.success());
    let again = make(dir.path(), &[]);
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("ca.pem is there already"), "{said}");
}

fn make(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/make-demo-trust-domain.sh");
    Command::new(script)
        .arg(directory)
        .args(arguments)
        .output()
        .unwrap()
}

async fn live(directory: &Path, name: &str) -> Arc<Live> {
    let paths = FilePaths {
        certificate: directory.join(format!("{name}.crt")),
        key: directory.join(format!("{name}.key")),
        bundle: directory.join("ca.pem"),
    };
    let trust_domain = "example.org".parse().unwrap();
    let mut files = Files::new(
        paths,
        trust_domain,
        Limits::default(),
        Arc::new(SystemClock),
    );
    Arc::new(Live::new(files.fetch().await.unwrap()))
}
