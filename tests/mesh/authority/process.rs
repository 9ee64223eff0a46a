//! The program itself: what it says, and what it leaves on the disk.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::thread;

use aws_lc_rs::digest;
use portreeve::app::App;
use portreeve::config::Config;
use portreeve::time::SystemClock;
use tempfile::TempDir;

use crate::stage::DEADLINE;

#[test]
fn a_join_token_is_written_nowhere_but_its_digest_is() {
    let mut process = Process::start("");
    let address = process.says("serving: authority ");
    let made = process.order(&["token", "create", "--id", "spiffe://mesh.example/web"]);
    let token = made.trim();
    assert_eq!(token.len(), "portreeve_join_".len() + 64);

    let sidecar = tempfile::tempdir().unwrap();
    fs::create_dir(sidecar.path().join("policy")).unwrap();
    let policy = "@id(\"all\") permit (principal, action, resource);";
    fs::write(sidecar.path().join("policy/all.cedar"), policy).unwrap();
    fs::write(sidecar.path().join("token"), token).unwrap();
    let roots = process.path("roots.pem");
    let text = format!(
        "trust_domain: mesh.example
identity: {{ authority: {{ url: \"https://{address}\", bundle: \"{}\", join_token_file: token }} }}
outbound: [{{ listen: \"127.0.0.1:0\", to: \"127.0.0.1:1\", expect: \"spiffe://mesh.example/web\", service: web }}]
policy: {{ dir: policy }}
audit: {{ file: web.jsonl }}
",
        roots.display()
    );
    let config = Config::parse(&text, sidecar.path()).unwrap();
    let running = App::build(config, Arc::new(SystemClock)).unwrap();
    running.start().unwrap().stop().unwrap();

    let Left { folder, said } = process.end();
    assert!(said.contains("entry"), "nothing is logged: {said}");
    let secret = &token["portreeve_join_".len()..];
    assert!(!said.contains(secret), "it is logged");
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let digest: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut files = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        assert!(!has(&bytes, secret), "it is in {}", path.display());
        if has(&bytes, &digest) {
            files.push(path.file_name().unwrap().to_owned());
        }
    }
    assert!(!files.is_empty(), "the database was not looked at");
    let records = fs::read_to_string(folder.path().join("authority.jsonl")).unwrap();
    let events: Vec<_> = records
        .lines()
        .filter(|line| !line.contains("\"audit\":\"begins\""))
        .map(|line| line.contains("\"permit\""))
        .collect();
    assert_eq!(events, [true, true], "{records}");
}

#[test]
fn a_mistake_in_a_file_of_entries_is_logged_with_its_place() {
    let mut process = Process::start("entries: entries");
    process.says("serving: authority ");
    let file = process.path("entries/pods.yaml");
    let entry = |id| {
        format!("entries: [{{ name: one, selectors: [\"k8s:sa:web\"], spiffe_id: \"{id}\" }}]")
    };
    fs::write(&file, entry("spiffe://mesh.example/web")).unwrap();
    process.says("entries read again");
    fs::write(&file, entry("spiffe://other.example/web")).unwrap();
    let mistake = process.says(
        "entries/pods.yaml: entries[0].spiffe_id: it is in trust domain `other.example`, not `mesh.example`",
    );
    assert_eq!(mistake, "");
    fs::write(&file, "entries:\n  - { name: one, selector: [] }").unwrap();
    process.says("entries/pods.yaml: ");
    let listed = process.order(&["entry", "list"]);
    assert!(
        listed.starts_with("one  spiffe://mesh.example/web  k8s:sa:web  (file)"),
        "{listed}"
    );
}

#[test]
fn policies_and_groups_are_listed_and_checked_at_the_command_line() {
    let mut process =
        Process::start("entries: entries\npolicy: { dir: entries, services: { orders: {} } }");
    process.says("serving: authority ");
    let made = [
        "entry",
        "create",
        "staff",
        "--selector",
        "k8s:sa:staff",
        "--id",
        "spiffe://mesh.example/staff",
        "--group",
        "callers",
        "--group",
        "people",
    ];
    process.order(&made);
    let listed = process.order(&["entry", "list"]);
    let line = "staff  spiffe://mesh.example/staff  k8s:sa:staff  (api)  in callers people";
    assert_eq!(listed.trim(), line);
    let callers = "@id(\"a\") permit (principal in WorkloadGroup::\"callers\", action, resource in Service::\"orders\");";
    fs::write(process.path("entries/a.cedar"), callers).unwrap();
    process.says("the policies are published");
    let listed = process.order(&["authority", "policy"]);
    let versions: Vec<_> = listed.lines().map(|line| &line[..3]).collect();
    // The folder was empty at first.
    assert_eq!(versions, ["2  ", "1  "], "{listed}");

    let check = |process: &Process| {
        let mut command = program();
        command.args(["authority", "check", "--config"]);
        let done = command
            .arg(process.path("authority.yaml"))
            .output()
            .unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        (done.status.success(), said)
    };
    let (is_good, said) = check(&process);
    assert!(
        is_good && said.contains("group `callers` is in no file of entries"),
        "{said}"
    );
    let entry = "entries: [{ name: filed, selectors: [\"k8s:sa:x\"], spiffe_id: \"spiffe://mesh.example/x\", groups: [callers] }]";
    fs::write(process.path("entries/filed.yaml"), entry).unwrap();
    assert_eq!(check(&process), (true, String::new()));
    fs::write(
        process.path("entries/b.cedar"),
        callers.replace("orders", "ordres"),
    )
    .unwrap();
    let (is_good, said) = check(&process);
    assert!(!is_good && said.contains("b.cedar:1:"), "{said}");
    process.says("the policies are refused");
    process.end();
}

/// `portreeve authority`.
struct Process {
    child: Child,
    folder: TempDir,
    lines: Receiver<String>,
    said: String,
}

/// What is left of it.
struct Left {
    folder: TempDir,
    said: String,
}

impl Process {
    fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("entries")).unwrap();
        let text = format!(
            "trust_domain: mesh.example
listen: \"127.0.0.1:0\"
store: {{ sqlite: authority.db }}
sealing_key_file: sealing.key
bundle_file: roots.pem
audit: {{ file: authority.jsonl }}
log: {{ level: trace }}
{more}
"
        );
        fs::write(folder.path().join("authority.yaml"), text).unwrap();
        let mut child = program()
            .args(["authority", "--config"])
            .arg(folder.path().join("authority.yaml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (say, lines) = mpsc::sync_channel(1 << 16);
        thread::spawn(move || {
            for line in log.lines() {
                if say.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            folder,
            lines,
            said: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until it logs `words`, and returns the rest of that line.
    fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("it is not logged");
            self.said.push_str(&line);
            self.said.push('\n');
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    /// What the program prints that orders it to do something.
    fn order(&self, order: &[&str]) -> String {
        let mut command = program();
        command.args(order).arg("--socket");
        let done = command.arg(self.path("authority.sock")).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    /// Asks it to end, which it does in good order.
    fn end(mut self) -> Left {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        assert!(self.child.wait().unwrap().success());
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let said = std::mem::take(&mut self.said);
        Left { folder, said }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _either = self.child.kill();
        let _either = self.child.wait();
    }
}

fn program() -> Command {
    Command::new(Path::new(env!("CARGO_BIN_EXE_portreeve")))
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
