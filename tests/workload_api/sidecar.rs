//! A whole sidecar in this process.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use portreeve::app::App;
use portreeve::app::Running;
use portreeve::config::Config;
use portreeve::time::SystemClock;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// A sidecar that is `spiffe://example.org/web`, with a Workload API.
pub(crate) struct Sidecar {
    folder: TempDir,
    running: Running,
}

impl Sidecar {
    /// With certificates that live for `svid_ttl_s` seconds.
    pub(crate) async fn start(svid_ttl_s: u64) -> Self {
        Self::again(tempfile::tempdir().unwrap(), svid_ttl_s).await
    }

    /// In a folder where there was one before, whose CA it goes on with.
    pub(crate) async fn again(folder: TempDir, svid_ttl_s: u64) -> Self {
        let identity = embedded(svid_ttl_s);
        // It has runtimes of its own, which may not be made on one.
        spawn_blocking(move || Self::start_here(folder, &identity))
            .await
            .unwrap()
    }

    /// With the identity that the Workload API at `socket` gives.
    pub(crate) async fn that_asks(socket: &Path) -> Self {
        let identity = format!("{{ workload_api: \"unix://{}\" }}", socket.display());
        let folder = tempfile::tempdir().unwrap();
        spawn_blocking(move || Self::start_here(folder, &identity))
            .await
            .unwrap()
    }

    fn start_here(folder: TempDir, identity: &str) -> Self {
        std::fs::create_dir_all(folder.path().join("policy")).unwrap();
        let written = format!(
            r#"
trust_domain: example.org
identity: {identity}
workers: 1
outbound: [{{ listen: "127.0.0.1:0", to: "127.0.0.1:1", expect: "spiffe://example.org/b", service: b }}]
policy: {{ dir: policy }}
audit: {{ file: decisions.jsonl }}
workload_api: {{ socket: api.sock }}
"#
        );
        let config = Config::parse(&written, folder.path()).unwrap();
        let app = App::build(config, Arc::new(SystemClock)).unwrap();
        Self {
            running: app.start().unwrap(),
            folder,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it, and gives its folder back.
    pub(crate) async fn stop(self) -> TempDir {
        spawn_blocking(|| {
            self.running.stop().unwrap();
            self.folder
        })
        .await
        .unwrap()
    }
}

fn embedded(svid_ttl_s: u64) -> String {
    let id = "spiffe://example.org/web";
    format!("{{ embedded: {{ dir: ca, id: \"{id}\", svid_ttl_s: {svid_ttl_s} }} }}")
}
