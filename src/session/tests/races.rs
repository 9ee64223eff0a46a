//! What happens at the same time.

use tokio::task::JoinSet;

use super::*;

/// However a sign-out and a refresh fall together, the session is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_out_beats_a_refresh_whichever_comes_first() {
    let office = Office::open().await;
    let office = Arc::new(office);
    let mut ids = Vec::new();
    for number in 0..20 {
        let signed = Signed {
            good_until: Some(date(NOON + 300)),
            ..signed(&format!("person-{number}"))
        };
        ids.push(office.sessions.create(signed, None).await.unwrap());
    }
    office.calendar.advance(300);
    let due = office.sessions.due_for_refresh(|_| 20).await.unwrap();
    assert_eq!(due.len(), 20);
    let mut both = JoinSet::new();
    for Due { claim, session, .. } in due {
        let digest = session.digest();
        let signed = Signed {
            good_until: Some(date(NOON + 900)),
            ..signed(session.person().subject.as_str())
        };
        let (one, other) = (Arc::clone(&office), Arc::clone(&office));
        both.spawn(async move {
            // Either may win the race; both are right.
            drop(one.sessions.renew(claim, signed).await);
        });
        both.spawn(async move {
            let ended = other.sessions.end(&digest, Why::SignedOut).await;
            assert!(ended.unwrap());
        });
    }
    while let Some(done) = both.join_next().await {
        done.unwrap();
    }
    for id in &ids {
        let found = office.check(id);
        assert_eq!(found, Some(Err(Over::Ended(Why::SignedOut))));
        let tokens = office.sessions.tokens(&id.digest()).await.unwrap();
        assert!(
            tokens.refresh_token.is_none(),
            "a token outlived its session"
        );
    }
    office.sessions.reload().await.unwrap();
    assert!(office.sessions.list().is_empty());
    let office = Arc::into_inner(office).unwrap().restarted().await;
    assert!(office.sessions.list().is_empty(), "a session revived");
}

/// Workers look while the control thread ends: none sees it in force afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_worker_finds_a_session_in_force_after_its_end() {
    let office = Arc::new(Office::open().await);
    let id = office.sign_in("alice").await;
    let mut workers = JoinSet::new();
    for _ in 0..3 {
        let (office, cookie) = (Arc::clone(&office), id.cookie());
        workers.spawn(async move {
            let mut desk = Desk::new(Arc::clone(office.sessions.board()));
            let now = office.calendar.now();
            let mut looks = 0_u64;
            while matches!(desk.look(cookie.as_bytes(), now), Found::Session(_)) {
                looks += 1;
                tokio::task::yield_now().await;
            }
            for _ in 0..100 {
                let found = desk.look(cookie.as_bytes(), now);
                assert!(matches!(found, Found::Over(_, Over::Ended(Why::Revoked))));
            }
            looks
        });
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    office
        .sessions
        .end(&id.digest(), Why::Revoked)
        .await
        .unwrap();
    while let Some(looks) = workers.join_next().await {
        assert!(looks.unwrap() > 0, "it never looked");
    }
}
