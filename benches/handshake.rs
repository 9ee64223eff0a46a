//! What a handshake costs, beside one that checks less.
//!
//! Both ends and the loopback between them are on one thread. The bare pair is
//! the TLS library with its own verifiers and the same key exchange; neither
//! pair resumes.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong, and exports nothing"
)]

use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use portreeve::ca::Authority;
use portreeve::identity::Embedded;
use portreeve::identity::Live;
use portreeve::identity::Source as _;
use portreeve::time::Clock;
use portreeve::time::SystemClock;
use portreeve::tls::Acceptor;
use portreeve::tls::Connector;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::Protocol;
use portreeve::tls::Settings;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::Limits;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::verify;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;

fn judge(criterion: &mut Criterion) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
    let read = |file: &str| {
        let text = fs::read(corpus.join(file)).unwrap();
        certificates_from_pem(&text, file).unwrap()
    };
    let roots = read("prod.example.bundle.pem");
    let bundle = Bundle::new("prod.example".parse().unwrap(), roots).unwrap();
    let bundles = Bundles::new([bundle]).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
    let limits = Limits::default();
    for (name, file) in [
        ("leaf", "good/plain.pem"),
        (
            "leaf and three intermediates",
            "good/chain-has-four-certificates.pem",
        ),
        (
            "ten of one name, refused",
            "bad/chain-has-ten-certificates-of-one-name.pem",
        ),
    ] {
        let chain = read(file);
        criterion.bench_function(&format!("verify/{name}"), |bencher| {
            bencher.iter(|| verify(&chain, &bundles, now, &limits));
        });
    }
}

fn shake_hands(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (acceptor, connector) = ours(&runtime);
    criterion.bench_function("handshake/ours", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let (caller, called) = wire().await;
                let (connected, accepted) = tokio::join!(
                    connector.connect(caller, Protocol::Http2),
                    acceptor.accept(called, HERE)
                );
                (connected.unwrap(), accepted.unwrap())
            })
        });
    });
    let (acceptor, connector) = bare();
    let name = ServerName::try_from("localhost").unwrap();
    criterion.bench_function("handshake/bare", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let (caller, called) = wire().await;
                let (connected, accepted) = tokio::join!(
                    Box::pin(connector.connect(name.clone(), caller)),
                    Box::pin(acceptor.accept(called))
                );
                (connected.unwrap(), accepted.unwrap())
            })
        });
    });
}

/// Where both ends are.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn wire() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (caller, called) = tokio::join!(TcpStream::connect(address), listener.accept());
    (caller.unwrap(), called.unwrap().0)
}

fn ours(runtime: &Runtime) -> (Acceptor, Connector) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let directory = tempfile::tempdir().unwrap();
    let trust_domain = "bench.example".parse().unwrap();
    let authority = Authority::open(directory.path(), trust_domain, Arc::clone(&clock)).unwrap();
    let id: portreeve::id::SpiffeId = "spiffe://bench.example/web".parse().unwrap();
    let mut source = Embedded::new(
        Arc::new(authority),
        id.clone(),
        Authority::SVID_LIFETIME,
        Limits::default(),
        Arc::clone(&clock),
    );
    let identity = runtime.block_on(source.fetch()).unwrap();
    let live = Arc::new(Live::new(identity));
    let slots = HandshakeSlots::new(HandshakeSlots::DEFAULT);
    let settings = Settings::default();
    (
        Acceptor::new(Arc::clone(&live), Arc::clone(&clock), settings, slots),
        Connector::new(live, clock, vec![id], settings),
    )
}

fn bare() -> (TlsAcceptor, TlsConnector) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let roots = Arc::new(roots);
    let leaf = || -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &root).unwrap();
        (vec![leaf.der().clone()], key.into())
    };
    let provider = || Arc::new(default_provider());
    let versions = &[&rustls::version::TLS13];

    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider());
    let (chain, key) = leaf();
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;

    let (chain, key) = leaf();
    let mut client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    client.resumption = Resumption::disabled();
    (
        TlsAcceptor::from(Arc::new(server)),
        TlsConnector::from(Arc::new(client)),
    )
}

criterion_group!(benches, judge, shake_hands);
criterion_main!(benches);
