//! A sidecar whose identity is from a Workload API, asked at its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;
use futures_util::stream::BoxStream;
use portreeve::drain;
use portreeve::identity::AgentError;
use portreeve::identity::Metrics;
use portreeve::identity::Renewal;
use portreeve::identity::Source;
use portreeve::identity::SourceError;
use portreeve::identity::WorkloadApi;
use portreeve::jwt::JwtBundles;
use portreeve::time::SystemClock;
use portreeve::workload_api::Caller;
use portreeve::workload_api::Refusal;
use portreeve::workload_api::Registrar;
use portreeve::workload_api::Server;
use portreeve::workload_api::Settings;
use portreeve::workload_api::Token;
use portreeve::workload_api::TokenRequest;
use portreeve::workload_api::Updates;
use portreeve::workload_api::X509Context;
use portreeve::x509::Limits;
use prometheus::Registry;
use spiffe::WorkloadApiClient;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_stream::wrappers::WatchStream;

use crate::sidecar::Sidecar;

#[tokio::test]
async fn a_sidecar_is_whom_its_agent_says_and_stays_so_through_an_outage() {
    let agent = Sidecar::start(4).await;
    let socket = agent.socket();
    let sidecar = Sidecar::that_asks(&socket).await;
    let mut told = told_at(&sidecar.socket()).await;
    let first = next(&mut told).await;
    // The agent renews, and the sidecar with it.
    let second = next(&mut told).await;
    assert_ne!(first, second);

    let folder = agent.stop().await;
    let mut told = told_at(&sidecar.socket()).await;
    let in_force = next(&mut told).await;
    let agent = Sidecar::again(folder, 3600).await;
    let own = next(&mut told_at(&agent.socket()).await).await;
    assert_ne!(in_force, own);
    while next(&mut told).await != own {}
    sidecar.stop().await;
    agent.stop().await;
}

#[tokio::test]
async fn an_identity_that_is_taken_away_stays_in_force_until_there_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let agent = Agent::new(folder.path()).await;
    let settings = Settings::new(socket.clone(), "0600".parse().unwrap());
    let clock = Arc::new(SystemClock);
    let server = Server::bind(settings, Arc::new(agent.registrar()), clock, counts()).unwrap();
    let (trigger, watch) = drain::channel();
    let test = async {
        let renewal = Renewal::start(source(&socket), Arc::new(SystemClock), metrics()).await;
        let renewal = renewal.unwrap();
        let live = renewal.live();
        let serial = || live.current().svid().leaf().serial().to_owned();
        let first = serial();
        let mut changed = live.changed();
        changed.mark_unchanged();
        let story = async {
            agent.say(Err(Refusal::NoIdentity));
            // The source asks again after half a second at the least.
            agent.asked_again().await;
            assert_eq!(serial(), first);
            agent.renew().await;
            timeout(PATIENCE, changed.changed()).await.unwrap().unwrap();
            assert_ne!(serial(), first);
        };
        tokio::select! {
            () = story => {}
            () = renewal.run() => {}
        }
        trigger.drain();
    };
    let (served, ()) = tokio::join!(server.serve(watch), test);
    served.unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_agent_the_error_says_where_and_what_to_look_at() {
    let error = source(Path::new("/nowhere/agent.sock")).fetch().await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            &error,
            SourceError::WorkloadApi {
                cause: AgentError::Refused { .. }
            }
        ),
        "{error:?}"
    );
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("`unix:///nowhere/agent.sock`"), "{cause}");
}

/// An agent whose answers the test makes.
struct Agent {
    identities: tokio::sync::Mutex<Embedded>,
    state: watch::Sender<State>,
    asked: watch::Sender<u32>,
}

type State = Result<Arc<X509Context>, Refusal>;
type Embedded = portreeve::identity::Embedded;

impl Agent {
    async fn new(folder: &Path) -> Self {
        let clock = Arc::new(SystemClock);
        let authority = portreeve::ca::Authority::open(
            &folder.join("ca"),
            "example.org".parse().unwrap(),
            Arc::<SystemClock>::clone(&clock),
        );
        let embedded = Embedded::new(
            Arc::new(authority.unwrap()),
            "spiffe://example.org/web".parse().unwrap(),
            Duration::from_secs(3600),
            Limits::default(),
            clock,
        );
        let agent = Self {
            identities: tokio::sync::Mutex::new(embedded),
            state: watch::Sender::new(Err(Refusal::NoIdentity)),
            asked: watch::Sender::new(0),
        };
        agent.renew().await;
        agent
    }

    fn registrar(&self) -> Told {
        Told {
            state: self.state.subscribe(),
            asked: self.asked.clone(),
        }
    }

    fn say(&self, state: State) {
        drop(self.state.send_replace(state));
    }

    async fn renew(&self) {
        let identity = self.identities.lock().await.fetch().await.unwrap();
        self.say(Ok(Arc::new(X509Context::of(&identity))));
    }

    async fn asked_again(&self) {
        let mut asked = self.asked.subscribe();
        asked.mark_unchanged();
        timeout(PATIENCE, asked.changed()).await.unwrap().unwrap();
    }
}

/// What its server is told.
#[derive(Debug)]
struct Told {
    state: watch::Receiver<State>,
    asked: watch::Sender<u32>,
}

impl Registrar for Told {
    fn x509_contexts<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>> {
        self.asked.send_modify(|asked| *asked += 1);
        ready(Ok(WatchStream::new(self.state.clone()).boxed())).boxed()
    }

    fn jwt_bundles<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>> {
        ready(Err(Refusal::NoIdentity)).boxed()
    }

    fn mint<'a>(
        &'a self,
        _caller: &'a Caller,
        _request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>> {
        ready(Err(Refusal::NoIdentity)).boxed()
    }
}

fn source(socket: &Path) -> Box<dyn Source> {
    let endpoint = format!("unix://{}", socket.display()).parse().unwrap();
    Box::new(WorkloadApi::new(
        endpoint,
        Limits::default(),
        Arc::new(SystemClock),
    ))
}

fn counts() -> portreeve::workload_api::Metrics {
    portreeve::workload_api::Metrics::register(&Registry::new()).unwrap()
}

fn metrics() -> Metrics {
    Metrics::register(&Registry::new()).unwrap()
}

/// The certificates that are told at `socket`, as they change.
async fn told_at(socket: &Path) -> BoxStream<'static, Vec<u8>> {
    let endpoint = format!("unix://{}", socket.display());
    let client = WorkloadApiClient::connect_to(endpoint).await.unwrap();
    let contexts = client.stream_x509_contexts().await.unwrap();
    contexts
        .map(|context| {
            let context = context.unwrap();
            context.default_svid().unwrap().leaf().as_bytes().to_vec()
        })
        .boxed()
}

async fn next(told: &mut BoxStream<'static, Vec<u8>>) -> Vec<u8> {
    timeout(PATIENCE, told.next()).await.unwrap().unwrap()
}

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
