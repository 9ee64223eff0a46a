//! Sidecars that get their names from a town's authority.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use portreeve::app::App;
use portreeve::config::Config;

use crate::authority::town::Town;
use crate::authority::town::in_full;
use crate::records::Records;
use crate::stage::Calendar;
use crate::stage::DEADLINE;
use crate::stage::Sidecar;

impl Town {
    /// The sidecar beside `orders`, which proves itself by `proof`.
    pub(crate) fn orders(&self, app: SocketAddr, proof: &str) -> Sidecar {
        let door =
            format!("inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\" }}");
        self.sidecar("orders", &door, proof)
    }

    /// The sidecar beside `web`, which calls `orders` at `to`.
    pub(crate) fn web(&self, to: SocketAddr, proof: &str) -> Sidecar {
        let door = format!(
            "outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: orders }}]"
        );
        self.sidecar("web", &door, proof)
    }

    pub(crate) fn sidecar(&self, name: &str, door: &str, proof: &str) -> Sidecar {
        let folder = self.folder.path();
        fs::create_dir_all(folder.join("policy")).unwrap();
        if !folder.join("policy/mesh.cedar").exists() {
            fs::write(folder.join("policy/mesh.cedar"), POLICY).unwrap();
        }
        let log = folder.join(format!("{name}.jsonl"));
        let _none = fs::remove_file(&log);
        let pipe = Records::make_pipe(&log);
        let config = self.configuration(name, door, proof);
        let clock: Arc<Calendar> = Arc::clone(&self.calendar);
        // It asks again and again while nobody answers.
        let (started, running) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let running = App::build(config, clock).unwrap().start().unwrap();
            assert!(started.send(running).is_ok(), "it is too late");
        });
        let running = running.recv_timeout(DEADLINE).expect("it does not start");
        Sidecar {
            records: Records::read(pipe),
            running,
        }
    }

    /// Why the sidecar beside `web`, which proves itself by `proof`, does not start.
    pub(crate) fn failure_of_web(&self, proof: &str) -> String {
        let door = "outbound: [{ listen: \"127.0.0.1:0\", to: \"127.0.0.1:1\", expect: \"spiffe://mesh.example/orders\", service: orders }]";
        let _none = fs::remove_file(self.path("web.jsonl"));
        let config = self.configuration("web", door, proof);
        let clock: Arc<Calendar> = Arc::clone(&self.calendar);
        let Err(error) = App::build(config, clock) else {
            panic!("it starts");
        };
        in_full(&error)
    }

    fn configuration(&self, name: &str, door: &str, proof: &str) -> Config {
        let Self {
            address,
            bundle,
            policy,
            ..
        } = self;
        let domain = self.domain();
        let text = format!(
            "trust_domain: {domain}
identity: {{ authority: {{ url: \"https://{address}\", bundle: {bundle}, {proof} }} }}
workers: 1
{door}
policy: {{ {policy} }}
audit: {{ file: {name}.jsonl }}
admin: {{ listen: \"127.0.0.1:0\" }}
"
        );
        Config::parse(&text, self.folder.path()).unwrap()
    }

    /// Writes a token's file, and says how a sidecar proves itself by it.
    pub(crate) fn by_token(&self, name: &str) -> String {
        let token = self.token(name);
        fs::write(self.path(&format!("{name}.token")), token).unwrap();
        format!("join_token_file: {name}.token")
    }
}

const POLICY: &str = r#"
@id("web-calls-orders")
permit (
  principal == Workload::"spiffe://mesh.example/web",
  action in Action::"http",
  resource in Service::"orders"
);
"#;
