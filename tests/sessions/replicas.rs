//! Two sidecars on one PostgreSQL.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use portreeve::session::Claim;
use portreeve::session::Desk;
use portreeve::session::Found;
use portreeve::session::Holder;
use portreeve::session::Limits;
use portreeve::session::OpenError;
use portreeve::session::Over;
use portreeve::session::Program;
use portreeve::session::ProvidersCode;
use portreeve::session::SessionId;
use portreeve::session::Sessions;
use portreeve::session::Settings;
use portreeve::session::Turn;
use portreeve::session::Waiting;
use portreeve::session::Whose;
use portreeve::session::Why;
use portreeve::store::DatabaseSettings;
use portreeve::store::SealingKeyError;
use portreeve::time::Clock as _;
use tokio::task::JoinSet;

use crate::calendar::Calendar;
use crate::calendar::NOON;
use crate::calendar::date;
use crate::calendar::signed;
use crate::postgresql::Postgresql;

/// Two sidecars' sessions, which follow each other.
struct Two {
    calendar: Arc<Calendar>,
    database: Postgresql,
    _folder: tempfile::TempDir,
    _follow: JoinSet<()>,
    here: Arc<Sessions>,
    there: Arc<Sessions>,
}

impl Two {
    async fn open(limits: Limits) -> Self {
        let database = Postgresql::start();
        let calendar = Arc::new(Calendar::at_noon());
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("session.key");
        std::fs::write(&key, "7".repeat(64)).unwrap();
        let open = async || {
            let clock = Arc::clone(&calendar);
            // As long as it takes: the port may be open before the server is.
            eventually(async || open(database.settings(), &key, limits, &clock).await.ok()).await
        };
        let here = Arc::new(open().await);
        let there = Arc::new(open().await);
        let mut follow = JoinSet::new();
        for sessions in [&here, &there] {
            let sessions = Arc::clone(sessions);
            follow.spawn(async move { sessions.follow().await });
        }
        Self {
            calendar,
            database,
            _folder: folder,
            _follow: follow,
            here,
            there,
        }
    }

    /// What a worker of `sessions` says of the cookie.
    fn check(&self, sessions: &Sessions, id: &SessionId) -> Option<Result<(), Over>> {
        let mut desk = Desk::new(Arc::clone(sessions.board()));
        match desk.look(id.cookie().as_bytes(), self.calendar.now()) {
            Found::Session(_) => Some(Ok(())),
            Found::Over(_, over) => Some(Err(over)),
            Found::Unknown(_) => None,
            Found::Malformed => panic!("malformed"),
        }
    }

    /// Waits until a worker of `sessions` says so of the cookie.
    async fn is(&self, sessions: &Sessions, id: &SessionId, expected: Result<(), Over>) {
        eventually(async || (self.check(sessions, id) == Some(expected)).then_some(())).await;
    }
}

async fn open(
    database: DatabaseSettings,
    key: &Path,
    limits: Limits,
    clock: &Arc<Calendar>,
) -> Result<Sessions, OpenError> {
    let settings = Settings {
        database,
        key_file: key.to_owned(),
        limits,
    };
    let clock = Arc::clone(clock);
    Sessions::open(settings, clock).await
}

/// Waits until it is so.
async fn eventually<T, F: Future<Output = Option<T>>>(mut is_so: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = is_so().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it never was so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_at_one_sidecar_is_known_at_the_other() {
    let two = Two::open(Limits::default()).await;
    for _ in 0..20 {
        let id = two.here.create(signed("alice"), None).await.unwrap();
        // As the browser's next request, which a balancer sends there.
        let found = two.there.find(&id.digest()).await.unwrap();
        assert_eq!(found.unwrap().person().subject.as_str(), "alice");
        assert_eq!(two.check(&two.there, &id), Some(Ok(())));
    }
    let stranger = SessionId::generate().unwrap().digest();
    assert!(two.there.find(&stranger).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_began_at_one_sidecar_is_let_in_by_the_other_and_known_at_both() {
    let two = Two::open(Limits::default()).await;
    let source = [192, 0, 2, 7].into();
    let waiting = Waiting {
        code: ProvidersCode::new("the provider's"),
        host: "app.example".to_owned(),
        program: Program::new("tool/1", source),
        provider: "corp".to_owned(),
    };
    let code = two.here.take_place(source).await.unwrap();
    let times = (Duration::from_secs(5), date(NOON + 300));
    let waits = two.here.let_wait(&code, &waiting, times).await;
    waits.unwrap();
    let turn = async |at: &Sessions| at.take_turn(&code, "app.example").await.unwrap();
    assert_eq!(turn(&two.there).await, Turn::TooSoon);
    two.calendar.advance(10);
    // Of two questions at once, one is passed on.
    let turns = tokio::join!(turn(&two.here), turn(&two.there));
    let mut turns = [turns.0, turns.1];
    turns.sort_by_key(|turn| *turn == Turn::TooSoon);
    assert_eq!(turns, [Turn::Ask(waiting.clone()), Turn::TooSoon]);
    let ends = tokio::join!(two.here.end_wait(&code), two.there.end_wait(&code));
    assert!(ends.0.unwrap() != ends.1.unwrap());
    assert_eq!(turn(&two.here).await, Turn::Unknown);

    let created = two.there.create_for(waiting.program, signed("alice"));
    let id = created.await.unwrap();
    let found = two.here.find(&id.digest()).await.unwrap().unwrap();
    assert_eq!(found.program().unwrap().name(), "tool/1");
    let known = |sessions: &Sessions| {
        let mut desk = Desk::new(Arc::clone(sessions.board()));
        let found = desk.look_as(Holder::Program, id.token().as_bytes(), two.calendar.now());
        matches!(found, Found::Session(_))
    };
    assert!(known(&two.here) && known(&two.there));
    two.here.end(&id.digest(), Why::Revoked).await.unwrap();
    eventually(async || (!known(&two.here) && !known(&two.there)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_at_either_sidecar_is_one_at_both() {
    let two = Two::open(Limits::default()).await;
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let (one, other) = match number % 2 {
            0 => (&two.here, &two.there),
            _ => (&two.there, &two.here),
        };
        let id = one.create(signed("alice"), None).await.unwrap();
        let twin = one.create(signed("bob"), None).await.unwrap();
        two.is(other, &id, Ok(())).await;
        let mut changed = other.board().changed();
        changed.borrow_and_update();
        let begun = Instant::now();
        assert!(one.end(&id.digest(), Why::Revoked).await.unwrap());
        assert_eq!(two.check(one, &id), Some(REVOKED));
        two.is(other, &id, REVOKED).await;
        slowest = slowest.max(begun.elapsed());
        assert!(
            changed.has_changed().unwrap(),
            "what is in flight is not told"
        );
        two.is(other, &twin, Ok(())).await;
        assert!(!other.end(&id.digest(), Why::SignedOut).await.unwrap());
    }
    println!("the slowest of 20 ends took {slowest:?} to the other sidecar");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_sessions_end_wherever_they_began() {
    let two = Two::open(Limits::default()).await;
    let ids = [
        two.here.create(signed("alice"), None).await.unwrap(),
        two.there.create(signed("alice"), None).await.unwrap(),
    ];
    let provider = "corp".parse().unwrap();
    let subject = "alice".parse().unwrap();
    let whose = Whose::Person(&provider, &subject);
    let ended = two.here.end_of(whose, Why::ProviderLogout).await.unwrap();
    assert_eq!(ended.len(), 2);
    for id in &ids {
        for sessions in [&two.here, &two.there] {
            eventually(async || match two.check(sessions, id) {
                Some(Ok(())) => None,
                ended_or_never_known => Some(ended_or_never_known),
            })
            .await;
        }
    }
    assert!(two.here.list().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_sidecars_asks_the_provider_again_and_both_learn_what_it_says() {
    let two = Two::open(Limits::default()).await;
    let id = two.here.create(signed("alice"), None).await.unwrap();
    two.there.find(&id.digest()).await.unwrap().unwrap();
    two.calendar.advance(300);
    let (one, other) = tokio::join!(
        two.here.due_for_refresh(|_| 9),
        two.there.due_for_refresh(|_| 9)
    );
    let mut due = one.unwrap();
    due.extend(other.unwrap());
    assert_eq!(due.len(), 1, "both ask");
    let claimed = due.pop().unwrap();
    let mut renewed = signed("alice");
    renewed.person.groups = ["interns".into()].into();
    renewed.good_until = Some(date(NOON + 900));
    let renewer = [&two.here, &two.there]
        .into_iter()
        .find(|sessions| {
            let found = sessions.board().find(&id.digest()).unwrap();
            Arc::ptr_eq(&found, &claimed.session)
        })
        .unwrap();
    renewer.renew(claimed.claim, renewed).await.unwrap();
    for sessions in [&two.here, &two.there] {
        eventually(async || {
            let found = sessions.board().find(&id.digest()).unwrap();
            found.person().groups.contains("interns").then_some(())
        })
        .await;
    }
    two.calendar.advance(Claim::LASTS.as_secs());
    let (one, other) = tokio::join!(
        two.here.due_for_refresh(|_| 9),
        two.there.due_for_refresh(|_| 9)
    );
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spent_at_one_sidecar_is_spent_at_the_other() {
    let two = Two::open(Limits::default()).await;
    let until = date(NOON + 600);
    for number in 0..20 {
        let id = format!("flow-{number}");
        let (one, other) = tokio::join!(
            two.here.spend("flow", &id, until),
            two.there.spend("flow", &id, until)
        );
        assert!(one.unwrap() ^ other.unwrap(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_used_at_one_sidecar_is_not_idle_at_the_other() {
    let limits = Limits {
        idle: Duration::from_secs(8),
        ..Limits::default()
    };
    let two = Two::open(limits).await;
    let id = two.here.create(signed("alice"), None).await.unwrap();
    two.there.find(&id.digest()).await.unwrap().unwrap();
    two.calendar.advance(5);
    let session = two.here.board().find(&id.digest()).unwrap();
    session.touch(two.calendar.now());
    // It is written down, and read, within a quarter of the time.
    eventually(async || {
        let found = two.there.board().find(&id.digest()).unwrap();
        (found.last_used_at() == date(NOON + 5)).then_some(())
    })
    .await;
    two.calendar.advance(5);
    assert_eq!(two.check(&two.there, &id), Some(Ok(())));
    two.calendar.advance(3);
    let idle = Err(Over::Ended(Why::Idle));
    assert_eq!(two.check(&two.there, &id), Some(idle));
    two.is(&two.here, &id, idle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_believed_while_the_database_is_away_for_too_long() {
    let limits = Limits {
        blind: Duration::from_secs(3),
        ..Limits::default()
    };
    let mut two = Two::open(limits).await;
    let kept = two.here.create(signed("alice"), None).await.unwrap();
    let ended = two.here.create(signed("bob"), None).await.unwrap();
    // Who never heard of a session could not say how it ended.
    for id in [&kept, &ended] {
        two.there.find(&id.digest()).await.unwrap().unwrap();
    }
    two.database.stop();
    // At once here, and told to the store when it is back.
    assert!(two.here.end(&ended.digest(), Why::SignedOut).await.is_err());
    let signed_out = Err(Over::Ended(Why::SignedOut));
    assert_eq!(two.check(&two.here, &ended), Some(signed_out));
    for sessions in [&two.here, &two.there] {
        eventually(async || (two.check(sessions, &kept) == Some(Err(Over::Unsure))).then_some(()))
            .await;
    }
    two.database.serve();
    for sessions in [&two.here, &two.there] {
        two.is(sessions, &kept, Ok(())).await;
    }
    two.is(&two.there, &ended, signed_out).await;
}

#[tokio::test]
async fn a_shared_store_wants_a_key_that_is_there_and_the_right_one() {
    let two = Two::open(Limits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("session.key");
    let clock = Arc::clone(&two.calendar);
    let open = async || open(two.database.settings(), &key, Limits::default(), &clock).await;
    let refused = open().await;
    let is_missing = matches!(
        &refused,
        Err(OpenError::Key {
            cause: SealingKeyError::File { .. }
        })
    );
    assert!(is_missing && !key.exists(), "{refused:?}");
    std::fs::write(&key, "8".repeat(64)).unwrap();
    let refused = open().await;
    assert!(
        matches!(refused, Err(OpenError::OtherKey { .. })),
        "{refused:?}"
    );
    std::fs::write(&key, "7".repeat(64)).unwrap();
    open().await.unwrap();
}

const REVOKED: Result<(), Over> = Err(Over::Ended(Why::Revoked));

const PATIENCE: Duration = Duration::from_secs(60);
