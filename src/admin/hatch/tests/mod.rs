//! Orders through a real socket.

mod sessions;
mod signals;

use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::SystemTime;

use hyper_util::rt::TokioIo;
use rustix::process::geteuid;
use serde_json::Value;
use tokio::net::UnixStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use super::*;
use crate::admin::hatch::operator::Operator;
use crate::admin::hatch::orders::Asked;
use crate::audit;
use crate::audit::Log;
use crate::drain;
use crate::policy::Person;
use crate::policy::PushError;
use crate::policy::Pushed;
use crate::policy::PushedSignal;
use crate::policy::SignalType;
use crate::rpc::sidecar as rpc;
use crate::rpc::sidecar::operations_client::OperationsClient;
use crate::rpc::sidecar::revoke_sessions_request::Whose;
use crate::session;
use crate::session::Limits;
use crate::session::SessionId;
use crate::session::Sessions;
use crate::session::Signed;
use crate::store::DatabaseSettings;
use crate::time::SystemClock;

/// What operators say of callers, where one signal is declared.
#[derive(Debug)]
struct Said(Mutex<Pushed>);

impl Default for Said {
    fn default() -> Self {
        let declared = [("risk".parse().unwrap(), SignalType::Long)].into();
        Self(Mutex::new(Pushed::new(declared)))
    }
}

impl Signals for Said {
    fn set(&self, caller: &str, said: (&str, &str), until: SystemTime) -> Result<(), PushError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set(caller, said, until)
    }

    fn clear(&self, caller: &str, name: &str) -> Result<bool, PushError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear(caller, name)
    }

    fn pushed(&self) -> Vec<PushedSignal> {
        self.0.lock().unwrap().all()
    }
}

/// A hatch in a folder of its own, and what stands behind it.
struct House {
    folder: tempfile::TempDir,
    log: Log,
    said: Arc<Said>,
    sessions: Arc<Sessions>,
    writer: thread::JoinHandle<()>,
}

impl House {
    async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = audit::Settings::new(audit::Sink::File(folder.path().join("audit.log")));
        let (log, writer) = Log::open(&settings, NonZeroUsize::MIN, Arc::new(SystemClock)).unwrap();
        let settings = session::Settings {
            database: DatabaseSettings::Sqlite {
                path: folder.path().join("sessions.db"),
            },
            key_file: folder.path().join("session.key"),
            limits: Limits::default(),
        };
        let sessions = Sessions::open(settings, Arc::new(SystemClock)).await;
        Self {
            folder,
            log,
            said: Arc::default(),
            sessions: Arc::new(sessions.unwrap()),
            writer: thread::spawn(move || writer.run().unwrap()),
        }
    }

    fn orders(&self) -> Orders {
        Orders {
            clock: Arc::new(SystemClock),
            log: self.log.shard(0).unwrap(),
            sessions: Some(Arc::clone(&self.sessions)),
            signals: Arc::<Said>::clone(&self.said),
        }
    }

    async fn sign_in(&self, subject: &str) -> SessionId {
        let signed = Signed {
            good_until: None,
            host: "app.example".to_owned(),
            id_token: None,
            person: person(subject),
            refresh_token: None,
            sid: None,
        };
        self.sessions.create(signed, None).await.unwrap()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    /// Does `work` at the socket.
    async fn ask<T>(&self, work: impl AsyncFnOnce(OperationsClient<Channel>) -> T) -> T {
        let hatch = Hatch::bind(&self.path(), self.orders()).unwrap();
        let (stop, until) = drain::channel();
        let work = async {
            let done = work(client(&self.path()).await).await;
            stop.drain();
            done
        };
        let (served, done) = tokio::join!(hatch.serve(until), work);
        served.unwrap();
        assert!(!self.path().exists(), "the socket's file is left");
        done
    }

    /// What is recorded, each line whole.
    fn records(self) -> Vec<Value> {
        self.log.stop();
        self.writer.join().unwrap();
        let text = std::fs::read_to_string(self.folder.path().join("audit.log")).unwrap();
        let lines = text
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).unwrap() });
        // What the log says of itself is no record.
        lines.filter(|line| line.get("audit").is_none()).collect()
    }
}

fn person(subject: &str) -> Person {
    Person {
        acr: None,
        amr: [].into(),
        authenticated_at: None,
        claims: [].into(),
        email: Some(format!("{subject}@corp.example").into()),
        email_verified: false,
        groups: [].into(),
        name: None,
        provider: "corp".parse().unwrap(),
        roles: [].into(),
        subject: subject.parse().unwrap(),
    }
}

async fn client(path: &Path) -> OperationsClient<Channel> {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    OperationsClient::new(channel)
}
