//! A sidecar in this process, and callers with an SVID of its trust domain.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portreeve::app::App;
use portreeve::app::RunError;
use portreeve::app::Running;
use portreeve::ca::Authority;
use portreeve::config::Config;
use portreeve::identity::Embedded;
use portreeve::identity::Live;
use portreeve::identity::Source as _;
use portreeve::time::Clock;
use portreeve::time::SystemClock;
use portreeve::tls::Connector;
use portreeve::tls::Protocol;
use portreeve::tls::Settings;
use portreeve::x509::Limits;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Nothing takes as long, on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running sidecar that lets everybody do everything.
pub(crate) struct Sidecar {
    dir: tempfile::TempDir,
    running: Running,
}

impl Sidecar {
    /// `more` goes into the configuration as it is.
    pub(crate) fn start(app: SocketAddr, app_protocol: &str, more: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), app, app_protocol, more)
    }

    /// In a folder in which something may be already.
    pub(crate) fn start_in(
        dir: tempfile::TempDir,
        app: SocketAddr,
        app_protocol: &str,
        more: &str,
    ) -> Self {
        let text = format!(
            "trust_domain: example.org\n\
             identity: {{ embedded: {{ dir: ca, id: 'spiffe://example.org/orders' }} }}\n\
             workers: 1\n\
             inbound: {{ listen: '127.0.0.1:0', service: orders, app: '{app}', app_protocol: {app_protocol} }}\n\
             policy: {{ dir: . }}\n\
             audit: {{ file: records.jsonl }}\n\
             drain_deadline_ms: 0\n\
             {more}\n"
        );
        fs::write(
            dir.path().join("all.cedar"),
            "@id(\"all\") permit (principal, action, resource);",
        )
        .unwrap();
        let config = Config::parse(&text, dir.path()).unwrap();
        // Building waits for its own runtime, which this thread's must not see.
        let start = || App::build(config, Arc::new(SystemClock)).unwrap().start();
        let running = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
        Self {
            dir,
            running: running.unwrap(),
        }
    }

    /// A connection of a peer that speaks `protocol`.
    pub(crate) async fn call(&self, protocol: Protocol) -> TlsStream<TcpStream> {
        let expected = vec!["spiffe://example.org/orders".parse().unwrap()];
        let live = web(&self.dir.path().join("ca")).await;
        let connector = Connector::new(live, Arc::new(SystemClock), expected, Settings::default());
        let stream = TcpStream::connect(self.running.addresses().inbound.unwrap());
        let connected = connector.connect(stream.await.unwrap(), protocol).await;
        connected.unwrap().stream
    }

    /// Ends it.
    pub(crate) fn stop(self) -> Result<(), RunError> {
        self.running.stop()
    }

    /// Ends it, and tells what it recorded.
    pub(crate) fn records(self) -> Vec<serde_json::Value> {
        self.running.stop().unwrap();
        let text = fs::read_to_string(self.dir.path().join("records.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

async fn web(authority: &Path) -> Arc<Live> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let trust_domain = "example.org".parse().unwrap();
    let authority = Authority::open(authority, trust_domain, Arc::clone(&clock)).unwrap();
    let mut source = Embedded::new(
        Arc::new(authority),
        "spiffe://example.org/web".parse().unwrap(),
        Authority::SVID_LIFETIME,
        Limits::default(),
        clock,
    );
    Arc::new(Live::new(source.fetch().await.unwrap()))
}
