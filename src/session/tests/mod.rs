//! Sessions against their promises, on SQLite.

mod damage;
mod devices;
mod ends;
mod limits;
mod memory;
mod model;
mod races;
mod refreshing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::*;
use crate::policy::ClaimValue;
use crate::policy::Person;
use crate::session::calendar::date;
use crate::store::DatabaseSettings;
use crate::time::Clock;

/// A clock that tests set.
#[derive(Debug)]
struct Calendar(AtomicU64);

impl Clock for Calendar {
    fn now(&self) -> SystemTime {
        date(self.0.load(Ordering::Relaxed))
    }
}

impl Calendar {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn go_back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::Relaxed);
    }
}

/// Sessions in a folder of their own.
struct Office {
    calendar: Arc<Calendar>,
    folder: tempfile::TempDir,
    limits: Limits,
    sessions: Arc<Sessions>,
}

impl Office {
    async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let calendar = Arc::new(Calendar(AtomicU64::new(NOON)));
        let clock = Arc::clone(&calendar);
        let sessions = open(folder.path(), limits, clock).await.unwrap();
        Self {
            calendar,
            folder,
            limits,
            sessions: Arc::new(sessions),
        }
    }

    /// Stops, and begins again with what is in the store.
    async fn restarted(self) -> Self {
        self.sessions.database.close().await;
        drop(self.sessions);
        let clock = Arc::clone(&self.calendar);
        let sessions = open(self.folder.path(), self.limits, clock).await.unwrap();
        Self {
            sessions: Arc::new(sessions),
            ..self
        }
    }

    async fn sign_in(&self, subject: &str) -> SessionId {
        let created = self.sessions.create(signed(subject), None).await;
        created.unwrap()
    }

    /// What happens each second.
    async fn sweep(&self) {
        self.sessions.end_by_the_clock();
        self.sessions.write_ends().await.unwrap();
    }

    /// What a worker that remembers nothing says of the cookie.
    fn check(&self, id: &SessionId) -> Option<Result<(), Over>> {
        let mut desk = Desk::new(Arc::clone(self.sessions.board()));
        match desk.look(id.cookie().as_bytes(), self.calendar.now()) {
            Found::Session(_) => Some(Ok(())),
            Found::Over(_, over) => Some(Err(over)),
            Found::Unknown(_) => None,
            Found::Malformed => panic!("malformed"),
        }
    }

    async fn sql(&self, sql: &'static str) {
        let mut change = self.sessions.begin().await.unwrap();
        let done = sqlx::query(sql).execute(change.connection()).await;
        done.unwrap();
        change.commit().await.unwrap();
    }
}

async fn open(folder: &Path, limits: Limits, clock: Arc<Calendar>) -> Result<Sessions, OpenError> {
    let settings = Settings {
        database: DatabaseSettings::Sqlite {
            path: folder.join("sessions.db"),
        },
        key_file: folder.join("session.key"),
        limits,
    };
    Sessions::open(settings, clock).await
}

fn person(subject: &str) -> Person {
    Person {
        acr: Some("urn:example:gold".into()),
        amr: ["otp".into(), "pwd".into()].into(),
        authenticated_at: Some(date(NOON)),
        claims: [
            ("level".into(), ClaimValue::Long(-3)),
            ("staff".into(), ClaimValue::Bool(true)),
            ("team".into(), ClaimValue::Text("é".into())),
            ("tags".into(), ClaimValue::Texts(["a".into()].into())),
        ]
        .into(),
        email: Some("a@example.org".into()),
        email_verified: true,
        groups: ["ops".into()].into(),
        name: None,
        provider: "corp".parse().unwrap(),
        roles: ["admin".into()].into(),
        subject: subject.parse().unwrap(),
    }
}

fn signed(subject: &str) -> Signed {
    Signed {
        good_until: None,
        host: "grafana.example.org".to_owned(),
        id_token: Some(Zeroizing::new("an-id-token".to_owned())),
        person: person(subject),
        refresh_token: Some(Zeroizing::new("a-refresh-token".to_owned())),
        sid: Some(format!("sid-of-{subject}")),
    }
}

const NOON: u64 = 1_800_000_000;
const HOUR: u64 = 3600;
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_session_is_found_by_its_cookie_and_by_nothing_else() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let mut desk = Desk::new(Arc::clone(office.sessions.board()));
    let now = office.calendar.now();
    for _ in 0..2 {
        let Found::Session(session) = desk.look(id.cookie().as_bytes(), now) else {
            panic!("not found");
        };
        assert_eq!(**session.person(), person("alice"));
        assert_eq!(session.host(), "grafana.example.org");
        assert_eq!(session.digest(), id.digest());
    }
    let stranger = SessionId::generate().unwrap();
    let found = desk.look(stranger.cookie().as_bytes(), now);
    assert!(matches!(found, Found::Unknown(digest) if digest == stranger.digest()));
    let found = office.sessions.find(&stranger.digest()).await.unwrap();
    assert!(found.is_none());
    for cookie in [&b""[..], b"x", &id.cookie().as_bytes()[..42]] {
        assert!(matches!(desk.look(cookie, now), Found::Malformed));
    }
    // What is in the store is no cookie.
    let digest = id.digest().to_string();
    let found = desk.look(digest.as_bytes(), now);
    assert!(matches!(found, Found::Unknown(_)));
}

#[tokio::test]
async fn a_session_is_there_after_a_restart_as_it_was() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let session = office.sessions.board().find(&id.digest()).unwrap();
    office.calendar.advance(60);
    session.touch(office.calendar.now());
    office.sessions.write_uses(SECOND).await.unwrap();
    let office = office.restarted().await;
    let again = office.sessions.board().find(&id.digest()).unwrap();
    assert_eq!(again.facts(), session.facts());
    assert_eq!(again.person(), session.person());
    assert_eq!(again.last_used_at(), date(NOON + 60));
    let tokens = office.sessions.tokens(&id.digest()).await.unwrap();
    assert_eq!(tokens.id_token.unwrap().as_str(), "an-id-token");
    assert_eq!(tokens.refresh_token.unwrap().as_str(), "a-refresh-token");
}

#[tokio::test]
async fn no_secret_is_in_the_store_or_shown() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let cookie = id.cookie();
    let session = office.sessions.board().find(&id.digest()).unwrap();
    let tokens = office.sessions.tokens(&id.digest()).await.unwrap();
    let shown = format!("{id:?} {session:?} {tokens:?} {:?}", signed("alice"));
    office.sessions.database.close().await;
    let mut files = shown.into_bytes();
    for file in std::fs::read_dir(office.folder.path()).unwrap() {
        files.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let has = |secret: &str| {
        let mut places = files.windows(secret.len());
        places.any(|place| place == secret.as_bytes())
    };
    assert!(has(&id.digest().to_string()), "not what is looked for");
    for secret in [cookie.as_str(), "an-id-token", "a-refresh-token"] {
        assert!(!has(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_is_spent_is_spent_for_good() {
    let office = Office::open().await;
    let until = date(NOON + 600);
    let spend = async |office: &Office, kind, id| {
        let spent = office.sessions.spend(kind, id, until).await;
        spent.unwrap()
    };
    assert!(spend(&office, "flow", "one").await);
    assert!(!spend(&office, "flow", "one").await);
    assert!(spend(&office, "flow", "two").await);
    assert!(spend(&office, "logout_token", "one").await);
    let office = office.restarted().await;
    assert!(!spend(&office, "flow", "one").await);
    let both = tokio::join!(spend(&office, "flow", "3"), spend(&office, "flow", "3"));
    assert!(both.0 ^ both.1, "{both:?}");
}
