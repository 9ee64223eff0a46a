//! Sessions that somebody ends.

use super::*;

#[tokio::test]
async fn a_new_sign_in_ends_the_session_of_the_same_browser() {
    let office = Office::open().await;
    let old = office.sign_in("alice").await;
    let generation = office.sessions.board().generation();
    let new = office.sessions.create(signed("bob"), Some(old.digest()));
    let new = new.await.unwrap();
    assert_ne!(new.digest(), old.digest());
    assert_eq!(office.check(&old), Some(Err(Over::Ended(Why::Replaced))));
    assert_eq!(office.check(&new), Some(Ok(())));
    assert!(office.sessions.board().generation() > generation);
    let tokens = office.sessions.tokens(&old.digest()).await.unwrap();
    assert!(tokens.id_token.is_none() && tokens.refresh_token.is_none());
}

#[tokio::test]
async fn an_end_is_told_at_once_and_only_the_first_counts() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let twin = office.sign_in("bob").await;
    let mut changed = office.sessions.board().changed();
    changed.borrow_and_update();
    let in_flight = office.sessions.board().find(&id.digest()).unwrap();
    let now = office.calendar.now();
    assert_eq!(in_flight.check(now), Ok(()));
    assert!(
        office
            .sessions
            .end(&id.digest(), Why::SignedOut)
            .await
            .unwrap()
    );
    assert!(changed.has_changed().unwrap());
    let signed_out = Err(Over::Ended(Why::SignedOut));
    assert_eq!(in_flight.check(now), signed_out);
    assert!(
        !office
            .sessions
            .end(&id.digest(), Why::Revoked)
            .await
            .unwrap()
    );
    assert_eq!(office.check(&id), Some(signed_out));
    assert_eq!(office.check(&twin), Some(Ok(())));
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None);
    assert_eq!(office.check(&twin), Some(Ok(())));
}

#[tokio::test]
async fn only_those_that_are_meant_end() {
    let corp = "corp".parse().unwrap();
    let other = "other".parse().unwrap();
    let alice = "alice".parse().unwrap();
    let bob = "bob".parse().unwrap();
    let nobody = "AAAAAAAAAAAA".parse().unwrap();
    let cases = [
        (Whose::All, 3),
        (Whose::Person(&corp, &alice), 2),
        (Whose::Person(&other, &alice), 0),
        (Whose::ProviderSession(&corp, "sid-of-alice", None), 2),
        (Whose::ProviderSession(&corp, "sid-of-bob", Some(&bob)), 1),
        // A logout token must not end somebody else's session.
        (Whose::ProviderSession(&corp, "sid-of-alice", Some(&bob)), 0),
        (Whose::ProviderSession(&other, "sid-of-alice", None), 0),
        (Whose::ProviderSession(&corp, "", None), 0),
        (Whose::Handle(&nobody), 0),
    ];
    for (whose, ended) in cases {
        let office = Office::open().await;
        for subject in ["alice", "alice", "bob"] {
            office.sign_in(subject).await;
        }
        let why = Why::ProviderLogout;
        let found = office.sessions.end_of(whose, why).await.unwrap();
        assert_eq!(found.len(), ended, "{whose:?}");
        assert_eq!(office.sessions.list().len(), 3 - ended, "{whose:?}");
    }
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office.sign_in("alice").await;
    let handle = id.digest().handle();
    let found = office.sessions.end_of(Whose::Handle(&handle), Why::Revoked);
    assert_eq!(found.await.unwrap(), [id.digest()]);
    assert_eq!(office.sessions.list().len(), 1);
}

#[tokio::test]
async fn an_end_counts_here_even_if_the_store_does_not_answer() {
    let office = Office::open().await;
    let one = office.sign_in("alice").await;
    let other = office.sign_in("bob").await;
    office.sessions.database.close().await;
    let told = office.sessions.end(&one.digest(), Why::SignedOut).await;
    assert!(matches!(told, Err(KeepError::Database { .. })), "{told:?}");
    assert_eq!(office.check(&one), Some(Err(Over::Ended(Why::SignedOut))));
    let told = office.sessions.end_of(Whose::All, Why::Revoked).await;
    assert!(matches!(told, Err(KeepError::Database { .. })), "{told:?}");
    assert_eq!(office.check(&other), Some(Err(Over::Ended(Why::Revoked))));
}

#[tokio::test]
async fn an_end_that_could_not_be_written_is_written_later() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    // As an end is whose writing failed.
    office.sessions.board().end(&id.digest(), Why::Revoked);
    office.sweep().await;
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None);
}

#[tokio::test]
async fn what_is_removed_by_hand_is_over() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let twin = office.sign_in("bob").await;
    office
        .sql("DELETE FROM session WHERE subject = 'alice'")
        .await;
    office.sessions.reload().await.unwrap();
    let found = office.check(&id);
    assert!(
        matches!(found, None | Some(Err(Over::Ended(_)))),
        "{found:?}"
    );
    assert_eq!(office.check(&twin), Some(Ok(())));
}

#[tokio::test]
async fn what_is_over_is_forgotten_after_a_while() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let until = date(NOON);
    assert!(office.sessions.spend("flow", "one", until).await.unwrap());
    office
        .sessions
        .end(&id.digest(), Why::SignedOut)
        .await
        .unwrap();
    for (wait, rows) in [(HOUR, 1_i64), (1, 0)] {
        office.calendar.advance(wait);
        office.sessions.reload().await.unwrap();
        for table in ["SELECT COUNT(*) FROM session", "SELECT COUNT(*) FROM spent"] {
            let pool = office.sessions.database.pool();
            let count: i64 = sqlx::query_scalar(table).fetch_one(pool).await.unwrap();
            assert_eq!(count, rows, "{table}");
        }
    }
    assert!(office.sessions.board().all().is_empty());
}

#[tokio::test]
async fn whoever_finds_a_session_over_by_the_clock_tells_all() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let session = office.sessions.board().find(&id.digest()).unwrap();
    let mut changed = office.sessions.board().changed();
    changed.borrow_and_update();
    office.calendar.advance(office.limits.idle.as_secs());
    // A worker that is shown its cookie, not the one that looks each second.
    assert!(session.check(office.calendar.now()).is_err());
    assert!(changed.has_changed().unwrap());
}
