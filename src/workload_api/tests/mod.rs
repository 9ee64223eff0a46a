//! A server, and a client that speaks what the standard's `.proto` says.

mod own;
mod told;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use hyper_util::rt::TokioIo;
use rcgen::Issuer;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::Code;
use tonic::Request;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic::transport::Endpoint;
use tonic::transport::Uri;
use tower::service_fn;

use crate::drain;
use crate::id::SpiffeId;
use crate::identity::Identity;
use crate::identity::Svid;
use crate::rpc::workload::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use crate::time::Clock;
use crate::workload_api::Metrics;
use crate::workload_api::Registrar;
use crate::workload_api::Server;
use crate::workload_api::Settings;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::CaTemplate;
use crate::x509::Limits;
use crate::x509::SvidTemplate;
use crate::x509::make_request;
use crate::x509::read_request;

type Client = SpiffeWorkloadApiClient<Channel>;

/// A trust domain that lasts as long as the test.
struct Domain {
    folder: tempfile::TempDir,
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Domain {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let template = CaTemplate {
            trust_domain: &name.parse().unwrap(),
            not_before: Noon.now() - HOUR,
            not_after: Noon.now() + 24 * HOUR,
            serial: [1; 16],
        };
        let root = template.sign_itself(&key).unwrap().der().clone();
        Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: Issuer::from_ca_cert_der(&root, key).unwrap(),
            root,
        }
    }

    /// A new certificate for a new key.
    fn identity(&self, id: &str) -> Identity {
        let id: SpiffeId = id.parse().unwrap();
        let key = KeyPair::generate().unwrap();
        let public = read_request(&make_request(&key).unwrap()).unwrap();
        let template = SvidTemplate {
            id: &id,
            not_before: Noon.now(),
            not_after: Noon.now() + HOUR,
            serial: [2; 16],
        };
        let leaf = template.sign(&public, &self.issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let svid = Svid::new(vec![leaf.der().clone()], key.into()).unwrap();
        let bundle = Bundle::new(id.trust_domain().clone(), [self.root.clone()]).unwrap();
        let bundles = Arc::new(Bundles::new([bundle]).unwrap());
        Identity::new(svid, bundles, Noon.now(), &Limits::default()).unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }
}

/// A server that serves while `test` runs, and drains after it.
async fn serving(path: &Path, registrar: Arc<dyn Registrar>, test: impl Future<Output = ()>) {
    let settings = Settings::new(path.to_owned(), "0600".parse().unwrap());
    serving_with(settings, registrar, test).await;
}

async fn serving_with(
    settings: Settings,
    registrar: Arc<dyn Registrar>,
    test: impl Future<Output = ()>,
) {
    let server = Server::bind(settings, registrar, Arc::new(Noon), metrics()).unwrap();
    let (trigger, watch) = drain::channel();
    let test = async {
        test.await;
        trigger.drain();
    };
    let both = async { tokio::join!(server.serve(watch), test) };
    let (served, ()) = timeout(PATIENCE, both).await.unwrap();
    served.unwrap();
}

fn metrics() -> Metrics {
    Metrics::register(&prometheus::Registry::new()).unwrap()
}

async fn client(path: &Path) -> Client {
    let path = path.to_owned();
    let connect = service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://localhost")
        .connect_with_connector(connect)
        .await
        .unwrap();
    Client::new(channel)
}

/// A request as the standard wants it.
fn meant<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("workload.spiffe.io", "true".parse().unwrap());
    request
}

async fn next<T>(stream: &mut Streaming<T>) -> Result<T, Status> {
    timeout(PATIENCE, stream.message())
        .await
        .unwrap()
        .map(|message| message.expect("the stream ends with a status"))
}

fn code<T>(outcome: Result<T, Status>) -> Code {
    outcome.map(|_| ()).unwrap_err().code()
}

/// A clock that stands still.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
    }
}

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);
