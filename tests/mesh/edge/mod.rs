//! The door for people.

pub(crate) mod forwarded;
mod in_flight;
mod mix_up;
mod operators;
pub(crate) mod origins;
pub(crate) mod own_places;
mod programs;
mod provider;
mod provider_errors;
mod rate;
mod refreshed;
mod said;
mod slow_provider;
pub(crate) mod who;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portreeve::policy::Person;
use portreeve::session;
use portreeve::session::Sessions;
use portreeve::session::Signed;
use portreeve::store::DatabaseSettings;
use portreeve::time::Clock;
use rcgen::CertificateParams;
use rcgen::KeyPair;

use crate::application::Application;
use crate::caller::Answer;
use crate::caller::Caller;
use crate::stage::Calendar;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;

/// What an edge has besides what all have.
struct Plan {
    application: Application,
    /// Where people have signed in.
    host: &'static str,
    /// More of its section.
    more: &'static str,
    /// Where the door of `orders` is.
    orders: SocketAddr,
    providers: String,
    /// More of its routes, a line each.
    routes: String,
    /// Who else has signed in before it began.
    signed: Vec<Signed>,
}

impl Plan {
    fn new() -> Self {
        let nobody = "corp: { issuer: \"https://127.0.0.1:9/\", client_id: edge }";
        Self::with_providers(nobody.to_owned())
    }

    fn with_providers(providers: String) -> Self {
        Self {
            application: Application::start(),
            host: "apps.example",
            more: "",
            orders: SocketAddr::from(([127, 0, 0, 1], 9)),
            providers,
            routes: String::new(),
            signed: Vec::new(),
        }
    }
}

/// An edge before an application, with people who have signed in before it began.
struct Edge {
    application: Application,
    door: Sidecar,
    /// What alice's browser shows.
    alice: String,
    /// What mallory's browser shows, who is in no group.
    mallory: String,
    /// What others' browsers show.
    others: Vec<String>,
    stage: Stage,
}

impl Edge {
    fn new() -> Self {
        Self::with_policy(POLICY)
    }

    fn with_policy(policy: &str) -> Self {
        let stage = Stage::new();
        stage.rule(policy);
        Self::planned(stage, Plan::new())
    }

    /// On `stage`.
    fn planned(stage: Stage, plan: Plan) -> Self {
        let Plan {
            application,
            host,
            more,
            orders,
            providers,
            routes,
            mut signed,
        } = plan;
        let folder = stage.log_of("edge").parent().unwrap().to_owned();
        let key = KeyPair::generate().unwrap();
        let names = vec!["apps.example".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        stage.say("web.crt", &certificate.pem());
        stage.say("web.key", &key.serialize_pem());
        let ours = ["mallory", "alice"].map(|name| signed_in(person(name, &stage.calendar), host));
        signed.extend(ours);
        let mut others = sign_in(&folder, &stage.calendar, signed);
        let [alice, mallory] = [(); 2].map(|()| others.pop().unwrap());
        let app = application.address();
        let text = format!(
            "outbound: [{{ listen: \"127.0.0.1:0\", to: \"{orders}\", expect: \"spiffe://mesh.example/orders\", service: orders }}]
edge:
  listen: \"127.0.0.1:0\"
  certificate: {{ certificate: web.crt, key: web.key }}
  providers: {{ {providers} }}
  {more}
  sessions: {{ store: {{ sqlite: sessions.db }}, key_file: sessions.key }}
  routes:
    - {{ host: apps.example, app: \"{app}\", service: web }}
    - {{ host: apps.example, path: /semicolons, app: \"{app}\", service: web, allow_semicolons: true }}
    - {{ host: apps.example, path: /slashes, app: \"{app}\", service: web, allow_encoded_slashes: true }}
    - {{ host: other.example, path: /only, app: \"{app}\", service: other }}
    - {{ host: far.example, outbound: orders }}
{routes}"
        );
        let window = "admin: { listen: \"127.0.0.1:0\", socket: admin.sock }";
        let door = stage.sidecar("edge", [&text, ""], window);
        Self {
            application,
            door,
            alice,
            mallory,
            others,
            stage,
        }
    }

    /// A browser's connection, in HTTP/1.
    fn browser(&self) -> Caller {
        let door = self.door.running.addresses().edge.unwrap();
        Caller::secure(door, strangers::client(None, &[b"http/1.1"]))
    }

    /// What is answered to a request with these lines after the first.
    fn ask(&self, first: &str, lines: &[&str]) -> Answer {
        let mut browser = self.browser();
        browser.send(request(first, lines));
        browser.answer()
    }

    /// What arrives at the application of such a request.
    fn passes(&self, first: &str, lines: &[&str]) -> String {
        let mut browser = self.browser();
        browser.send(request(first, lines));
        let mut call = self.application.call();
        let head = call.head();
        call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(browser.answer().text(), "ok", "{first} {lines:?}");
        head
    }
}

/// `first` is method and path; of the lines, a host comes first where none names another.
fn request(first: &str, lines: &[&str]) -> String {
    let mut text = format!("{first} HTTP/1.1\r\n");
    if !lines.iter().any(|line| line.starts_with("host:")) {
        text.push_str("host: apps.example\r\n");
    }
    for line in lines {
        text.push_str(&format!("{line}\r\n"));
    }
    text + "\r\n"
}

/// What a provider said that nobody asks again.
fn signed_in(person: Person, host: &str) -> Signed {
    Signed {
        good_until: None,
        host: host.to_owned(),
        id_token: None,
        person,
        refresh_token: None,
        sid: None,
    }
}

/// Sessions of people who `signed` in, by what their browsers show.
fn sign_in(folder: &Path, calendar: &Arc<Calendar>, signed: Vec<Signed>) -> Vec<String> {
    let settings = session::Settings {
        database: DatabaseSettings::Sqlite {
            path: folder.join("sessions.db"),
        },
        key_file: folder.join("sessions.key"),
        limits: session::Limits::default(),
    };
    let clock: Arc<dyn Clock> = Arc::<Calendar>::clone(calendar);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let sessions = Sessions::open(settings, clock).await.unwrap();
        let mut cookies = Vec::new();
        for one in signed {
            let id = sessions.create(one, None).await.unwrap();
            cookies.push(format!("__Host-portreeve-session={}", *id.cookie()));
        }
        cookies
    })
}

fn person(name: &str, calendar: &Calendar) -> Person {
    let groups: &[&str] = if name == "alice" {
        &["eng", "a,b", "ops"]
    } else {
        &[]
    };
    Person {
        acr: None,
        amr: BTreeSet::from(["pwd".into()]),
        authenticated_at: Some(calendar.now() - Duration::from_secs(1_000)),
        claims: [].into(),
        email: Some(format!("{name}@example.org").into()),
        email_verified: name == "alice",
        groups: groups.iter().map(|&group| group.into()).collect(),
        name: Some("<b>Älice</b>".into()),
        provider: "corp".parse().unwrap(),
        roles: BTreeSet::new(),
        subject: name.parse().unwrap(),
    }
}

/// Engineers may do anything but administrate; anybody may see what is public.
const POLICY: &str = r#"
@id("engineers")
permit (principal in Group::"corp/eng", action in Action::"http", resource in Service::"web")
unless { context.path == "/secret" };

@id("public")
permit (principal, action in Action::"read", resource in Service::"web")
when { context.path == "/public" };

@id("nobody-administrates")
@advice("Ask the <administrators>.")
@owner("admins@example.org")
forbid (principal, action in Action::"http", resource in Route::"web:/admin/**");
"#;
