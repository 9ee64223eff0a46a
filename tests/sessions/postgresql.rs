//! A PostgreSQL server of the test's own, from Debian's package.

use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use portreeve::store::DatabaseSettings;
use portreeve::store::Url;
use rustix::process::Pid;
use rustix::process::Signal;

/// A running server. It refuses to run as root, so root lends it Debian's own user.
pub(crate) struct Postgresql {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgresql {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            done(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let data = folder.path().join("data");
        done(
            program("initdb")
                .arg("-D")
                .arg(&data)
                .args(["-A", "trust", "-U", "portreeve", "-N"]),
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let mut server = Self {
            folder,
            port,
            server: None,
        };
        server.serve();
        server
    }

    pub(crate) fn settings(&self) -> DatabaseSettings {
        let url = format!("postgres://portreeve@127.0.0.1:{}/postgres", self.port);
        DatabaseSettings::Postgres { url: Url::new(url) }
    }

    /// Begins, or begins again with what it has on disk.
    pub(crate) fn serve(&mut self) {
        let folder = self.folder.path();
        let server = program("postgres")
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.display()))
            .args(["-p", &self.port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PostgreSQL is not installed: see tests/setup");
        self.server = Some(server);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once: connections break.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let pid = Pid::from_child(&server);
            rustix::process::kill_process(pid, Signal::QUIT).unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// One of its programs. Debian keeps each version's apart, and off every path.
fn program(name: &str) -> Command {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: see tests/setup")
        .map(|version| version.unwrap().path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    let path = found
        .pop()
        .expect("PostgreSQL is not installed: see tests/setup");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        command.arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(Path::new("/"));
    command
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

const PATIENCE: Duration = Duration::from_secs(30);
