//! What a name costs: signing it, asking for it over the network, and taking it back.
//!
//! The authority, its database and whoever asks are in this process and share
//! its cores. Over the network everything counts: the room in the log, the
//! proof, the entry, the signature, and a commit that is on the disk before the
//! answer is sent; where the disk is slow, that is what the figure shows.

#![expect(
    clippy::unwrap_used,
    clippy::significant_drop_tightening,
    reason = "a benchmark stops where something is wrong, and exports nothing"
)]

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use futures_util::future::join_all;
use hyper_util::rt::TokioIo;
use portreeve::app::AuthorityApp;
use portreeve::app::AuthorityRunning;
use portreeve::authority::Settings;
use portreeve::ca::Signer;
use portreeve::ca::Wish;
use portreeve::ca::make_root;
use portreeve::config::AuthorityConfig;
use portreeve::id::TrustDomain;
use portreeve::identity::Svid;
use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::admin_client::AdminClient;
use portreeve::rpc::authority::authority_client::AuthorityClient;
use portreeve::time::Clock;
use portreeve::time::SystemClock;
use portreeve::tls;
use portreeve::tls::Approach;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::make_request;
use portreeve::x509::read_request;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

/// From the bytes of a request to a chain that was checked as a peer would.
fn sign(criterion: &mut Criterion) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
    let (root, key) = make_root(&domain(), Duration::from_secs(86_400), now).unwrap();
    let bundle = Bundle::new(domain(), [root.clone()]).unwrap();
    let bundles = Bundles::new([bundle]).unwrap();
    let signer = Signer::new(vec![root], key).unwrap();
    let request = make_request(&KeyPair::generate().unwrap()).unwrap();
    let id = "spiffe://bench.example/web".parse().unwrap();
    let wish = Wish {
        id: &id,
        lifetime: Duration::from_secs(3600),
        request: &request,
    };
    let mut group = criterion.benchmark_group("issue");
    group.throughput(Throughput::Elements(1));
    group.bench_function("read a request", |bencher| {
        bencher.iter(|| read_request(&request).unwrap());
    });
    group.bench_function("sign", |bencher| {
        bencher.iter(|| signer.sign(wish, &bundles, now).unwrap());
    });
}

/// The same through gRPC and TLS on loopback, by whoever has an SVID already.
fn ask(criterion: &mut Criterion) {
    let town = Town::start();
    let client = town.workload();
    let mut group = criterion.benchmark_group("issue");
    for at_once in [1, 16] {
        group.throughput(Throughput::Elements(at_once));
        group.bench_function(format!("ask, {at_once} at once"), |bencher| {
            bencher.iter(|| town.ask(&client, at_once));
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("ask on a new connection", |bencher| {
        bencher.iter(|| town.ask(&town.workload(), 1));
    });
    group.finish();
    town.running.stop().unwrap();
}

/// From an operator's revocation until the last of 200 sidecars has heard of it.
fn tell(criterion: &mut Criterion) {
    let town = Town::start();
    let clients: Vec<_> = (0..FOLLOWERS).map(|_| town.workload()).collect();
    let mut states: Vec<_> = clients
        .into_iter()
        .map(|client| town.runtime.block_on(follow(client)))
        .collect();
    let mut admin = town.admin.clone();
    let mut is_revoked = false;
    let mut group = criterion.benchmark_group("revoke");
    group.bench_function(format!("told to {FOLLOWERS}"), |bencher| {
        bencher.iter(|| {
            is_revoked = !is_revoked;
            town.runtime.block_on(async {
                let serial = SOMEBODYS.to_owned();
                if is_revoked {
                    let what = Some(rpc::revoke_request::What::Serial(serial));
                    let reason = String::new();
                    admin
                        .revoke(rpc::RevokeRequest { reason, what })
                        .await
                        .unwrap();
                } else {
                    let what = Some(rpc::unrevoke_request::What::Serial(serial));
                    admin.unrevoke(rpc::UnrevokeRequest { what }).await.unwrap();
                }
                let told = join_all(states.iter_mut().map(tonic::Streaming::message)).await;
                for state in told {
                    let revoked = state.unwrap().unwrap().revocations.len();
                    assert_eq!(revoked, usize::from(is_revoked));
                }
            });
        });
    });
    group.finish();
    town.running.stop().unwrap();
}

/// What the authority tells, from the second message on.
async fn follow(mut client: AuthorityClient<Channel>) -> tonic::Streaming<rpc::State> {
    let mut states = client
        .follow(rpc::FollowRequest { policy: None })
        .await
        .unwrap()
        .into_inner();
    states.message().await.unwrap().unwrap();
    states
}

struct Town {
    admin: AdminClient<Channel>,
    csr: Vec<u8>,
    _folder: TempDir,
    running: AuthorityRunning,
    runtime: Runtime,
    svid: Arc<Svid>,
    bundles: Arc<Bundles>,
}

impl Town {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AuthorityConfig::parse(CONFIG, folder.path()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let app = AuthorityApp::build(config, &clock).unwrap();
        let running = app.start().unwrap();
        let runtime = Runtime::new().unwrap();
        let bundles = Arc::new(roots(&folder.path().join("roots.pem")));
        let key = KeyPair::generate().unwrap();
        let csr = make_request(&key).unwrap().to_vec();
        let (admin, svid) = runtime.block_on(async {
            let mut admin = operator(folder.path().join("authority.sock")).await;
            let token = token(&mut admin).await;
            let client = connect(&running, Arc::clone(&bundles), None).await;
            let proof = rpc::issue_request::Proof::JoinToken(token);
            let request = rpc::IssueRequest {
                csr: csr.clone(),
                spiffe_id: String::new(),
                proof: Some(proof),
                policy: None,
            };
            let given = issue(client, request).await;
            let chain = given.chain.into_iter().map(CertificateDer::from).collect();
            let key = key.serialize_der().try_into().unwrap();
            (admin, Svid::new(chain, key).unwrap())
        });
        Self {
            admin,
            csr,
            _folder: folder,
            running,
            runtime,
            svid: Arc::new(svid),
            bundles,
        }
    }

    /// Asks so many times at once, on one connection.
    fn ask(&self, client: &AuthorityClient<Channel>, at_once: u64) {
        let asked = (0..at_once).map(|_| {
            let request = rpc::IssueRequest {
                csr: self.csr.clone(),
                spiffe_id: String::new(),
                proof: None,
                policy: None,
            };
            issue(client.clone(), request)
        });
        self.runtime.block_on(join_all(asked));
    }

    /// A connection on which our SVID was shown.
    fn workload(&self) -> AuthorityClient<Channel> {
        let shows = Some(Arc::clone(&self.svid));
        let connected = connect(&self.running, Arc::clone(&self.bundles), shows);
        self.runtime.block_on(connected)
    }
}

async fn issue(
    mut client: AuthorityClient<Channel>,
    request: rpc::IssueRequest,
) -> rpc::IssueResponse {
    client.issue(request).await.unwrap().into_inner()
}

async fn connect(
    running: &AuthorityRunning,
    bundles: Arc<Bundles>,
    shows: Option<Arc<Svid>>,
) -> AuthorityClient<Channel> {
    let approach = Approach {
        bundles,
        clock: Arc::new(SystemClock),
        expected: Settings::own_id(&domain()).unwrap(),
        revoked: Arc::default(),
        settings: tls::Settings::default(),
        shows,
    };
    let stream = TcpStream::connect(running.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let approached = approach.connect(stream).await.unwrap();
    let mut only = Some(TokioIo::new(approached.stream));
    let connector = tower::service_fn(move |_| {
        let stream = only.take().ok_or(std::io::ErrorKind::NotConnected);
        std::future::ready(stream.map_err(std::io::Error::from))
    });
    let endpoint = Endpoint::from_static("http://authority");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    AuthorityClient::new(channel)
}

async fn operator(socket: PathBuf) -> AdminClient<Channel> {
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    AdminClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

async fn token(admin: &mut AdminClient<Channel>) -> String {
    let request = rpc::CreateJoinTokenRequest {
        spiffe_id: "spiffe://bench.example/web".to_owned(),
        ttl_s: 0,
        svid_ttl_s: 0,
    };
    let made = admin.create_join_token(request).await;
    made.unwrap().into_inner().token
}

fn roots(path: &Path) -> Bundles {
    let text = std::fs::read(path).unwrap();
    let roots = certificates_from_pem(&text, "roots.pem").unwrap();
    Bundles::new([Bundle::new(domain(), roots).unwrap()]).unwrap()
}

fn domain() -> TrustDomain {
    "bench.example".parse().unwrap()
}

const CONFIG: &str = "trust_domain: bench.example
listen: 127.0.0.1:0
store: { sqlite: authority.db }
sealing_key_file: sealing.key
bundle_file: roots.pem
issues_per_second: 1000000
audit: { file: authority.jsonl }
";

/// As many as a large cluster has on one authority.
const FOLLOWERS: usize = 200;

/// A certificate of nobody who follows here.
const SOMEBODYS: &str = "4f0a";

criterion_group!(benches, sign, ask, tell);
criterion_main!(benches);
