//! A trust domain with a real authority: its folder, its calendar, its records.

use std::error::Error;
use std::fmt::Debug;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::app::AuthorityApp;
use portreeve::app::AuthorityBuildError;
use portreeve::app::AuthorityRunning;
use portreeve::config::AuthorityConfig;
use portreeve::time::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::Status;

use crate::records::Record;
use crate::records::Records;
use crate::stage::Calendar;
use crate::stage::DEADLINE;
use crate::stage::window;

/// A trust domain whose authority serves.
pub(crate) struct Town {
    pub(crate) address: SocketAddr,
    /// The file of the roots that sidecars are given.
    pub(crate) bundle: String,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) folder: TempDir,
    /// Where the sidecars' policies come from.
    pub(crate) policy: String,
    pub(crate) records: Records,
    running: Option<AuthorityRunning>,
    pub(crate) runtime: Runtime,
    pub(crate) settings: String,
    /// How long those hold that are named by what is made here, in seconds.
    pub(crate) svid_ttl_s: u64,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With `settings` added to the authority's own.
    pub(crate) fn with(settings: &str) -> Self {
        Self::on(tempfile::tempdir().unwrap(), settings)
    }

    /// In a folder that has something in it already.
    pub(crate) fn on(folder: TempDir, settings: &str) -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        let calendar = Arc::new(Calendar::new(start));
        let pipe = Records::make_pipe(&folder.path().join("authority.jsonl"));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let app = build(folder.path(), address, settings, &calendar).unwrap();
        let running = app.start().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            address: running.address(),
            bundle: "roots.pem".to_owned(),
            calendar,
            folder,
            policy: "dir: policy".to_owned(),
            records: Records::read(pipe),
            running: Some(running),
            runtime,
            settings: settings.to_owned(),
            svid_ttl_s: 3600,
        }
    }

    /// Its trust domain.
    pub(crate) fn domain(&self) -> &str {
        let first = self.settings.strip_prefix("trust_domain: ");
        let first = first.and_then(|rest| rest.lines().next());
        first.unwrap_or("mesh.example")
    }

    /// Where other trust domains ask for its bundle.
    pub(crate) fn bundle_endpoint(&self) -> SocketAddr {
        let running = self.running.as_ref().unwrap();
        running.bundle_endpoint().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.calendar.pass(Duration::from_secs(seconds));
    }

    /// Stops the authority. Its port stays its own.
    pub(crate) fn stop(&mut self) {
        self.running.take().unwrap().stop().unwrap();
    }

    /// Tries to start it again.
    pub(crate) fn try_build(&self) -> Result<AuthorityApp, AuthorityBuildError> {
        let log = self.path("authority.jsonl");
        // Whoever opens a pipe waits for a reader; a refused start has none.
        let _none = fs::remove_file(log);
        build(
            self.folder.path(),
            self.address,
            &self.settings,
            &self.calendar,
        )
    }

    /// Starts it again, where it was.
    pub(crate) fn start(&mut self) {
        let log = self.path("authority.jsonl");
        let _none = fs::remove_file(&log);
        let pipe = Records::make_pipe(&log);
        let app = build(
            self.folder.path(),
            self.address,
            &self.settings,
            &self.calendar,
        );
        self.running = Some(app.unwrap().start().unwrap());
        self.records = Records::read(pipe);
    }

    /// What becomes of `work`, which must end.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let ended = async { tokio::time::timeout(DEADLINE, work).await };
        self.runtime.block_on(ended).expect("it takes for ever")
    }

    /// The next record of `event`; those of others are passed over.
    pub(crate) fn record_of(&self, event: &str) -> Record {
        loop {
            let record = self.records.next();
            if record.text("event") == event {
                return record;
            }
        }
    }

    /// Waits until the authority's metrics have `line`.
    pub(crate) fn shows(&self, line: &str) {
        let admin = self.running.as_ref().unwrap().admin().unwrap();
        until(|| window(admin, "/metrics").lines().any(|found| found == line));
    }

    /// Opens the audit file again.
    pub(crate) fn reopen_log(&self) {
        self.running.as_ref().unwrap().reopen_log();
    }

    /// Waits until the authority's window shows `word` at `path`.
    pub(crate) fn says(&self, path: &str, word: &str) {
        until(|| self.window(path).contains(word));
    }

    /// What the authority's window shows at `path`.
    pub(crate) fn window(&self, path: &str) -> String {
        window(self.running.as_ref().unwrap().admin().unwrap(), path)
    }
}

/// Builds the authority whose folder this is.
pub(crate) fn build(
    folder: &Path,
    address: SocketAddr,
    settings: &str,
    calendar: &Arc<Calendar>,
) -> Result<AuthorityApp, AuthorityBuildError> {
    // The authority's own SVID is not to end whenever the calendar is moved.
    let ttl = if settings.contains("svid_ttl_s") {
        ""
    } else {
        "svid_ttl_s: 2592000"
    };
    // Another trust domain comes first in its town's settings.
    let domain = if settings.starts_with("trust_domain: ") {
        ""
    } else {
        "trust_domain: mesh.example"
    };
    let text = format!(
        "{domain}
listen: \"{address}\"
store: {{ sqlite: authority.db }}
sealing_key_file: sealing.key
bundle_file: roots.pem
audit: {{ file: authority.jsonl }}
admin: {{ listen: \"127.0.0.1:0\" }}
{ttl}
{settings}
"
    );
    let config = AuthorityConfig::parse(&text, folder).unwrap();
    let clock: Arc<dyn Clock> = Arc::<Calendar>::clone(calendar);
    AuthorityApp::build(config, &clock)
}

/// Looks until `it_is_so`, which must come.
pub(crate) fn until(mut it_is_so: impl FnMut() -> bool) {
    let began = tokio::time::Instant::now();
    while !it_is_so() {
        assert!(began.elapsed() < DEADLINE, "it does not come");
        thread::yield_now();
    }
}

/// `error` with all its causes.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What `status` says: its code and its text.
pub(crate) fn refused<T: Debug>(outcome: Result<T, Status>) -> String {
    let status = outcome.unwrap_err();
    format!("{:?}: {}", status.code(), status.message())
}
