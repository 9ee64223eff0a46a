//! A server, and a client that speaks what the standard's `.proto` says.

mod own;
mod told;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use hyper_util::rt::TokioIo;
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

use crate::ca::Authority;
use crate::drain;
use crate::identity::Embedded;
use crate::identity::Identity;
use crate::identity::Source as _;
use crate::rpc::workload::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use crate::time::Clock;
use crate::workload_api::Registrar;
use crate::workload_api::Server;
use crate::workload_api::Settings;
use crate::x509::Limits;

type Client = SpiffeWorkloadApiClient<Channel>;

/// A trust domain that lasts as long as the test.
struct Domain {
    folder: tempfile::TempDir,
    authority: Arc<Authority>,
}

impl Domain {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = name.parse().unwrap();
        let authority = Authority::open(&folder.path().join("ca"), name, Arc::new(Noon)).unwrap();
        Self {
            folder,
            authority: Arc::new(authority),
        }
    }

    fn identity(&self, id: &str) -> Identity {
        let id = id.parse().unwrap();
        let authority = Arc::clone(&self.authority);
        let hour = Duration::from_secs(3600);
        let mut source = Embedded::new(authority, id, hour, Limits::default(), Arc::new(Noon));
        source.fetch().now_or_never().unwrap().unwrap()
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
    let server = Server::bind(settings, registrar, Arc::new(Noon)).unwrap();
    let (trigger, watch) = drain::channel();
    let test = async {
        test.await;
        trigger.drain();
    };
    let both = async { tokio::join!(server.serve(watch), test) };
    let (served, ()) = timeout(PATIENCE, both).await.unwrap();
    served.unwrap();
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
