//! How long sessions last, and how many there are.

use std::num::NonZeroUsize;

use super::*;
use crate::session::settings::Limits;

fn few(most: usize, most_per_person: usize) -> Limits {
    Limits {
        most: NonZeroUsize::new(most).unwrap(),
        most_per_person: NonZeroUsize::new(most_per_person).unwrap(),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_session_ends_at_its_time_however_much_it_is_used() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let session = office.sessions.board().find(&id.digest()).unwrap();
    for _ in 0..24 {
        session.touch(office.calendar.now());
        assert_eq!(office.check(&id), Some(Ok(())));
        office.calendar.advance(HOUR / 2);
    }
    let expired = Some(Err(Over::Ended(Why::Expired)));
    assert_eq!(office.check(&id), expired);
    office.calendar.go_back(60);
    assert_eq!(office.check(&id), expired, "it revived");
    office.sweep().await;
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None, "it revived");
}

#[tokio::test]
async fn whoever_signs_in_anew_at_the_limit_loses_only_what_that_replaces() {
    let office = Office::with(few(10, 2)).await;
    let oldest = office.sign_in("alice").await;
    office.calendar.advance(1);
    let other = office.sign_in("alice").await;
    office.calendar.advance(1);
    let signed = signed("alice");
    let anew = office.sessions.create(signed, Some(other.digest()));
    let anew = anew.await.unwrap();
    let replaced = Some(Err(Over::Ended(Why::Replaced)));
    assert_eq!(office.check(&other), replaced);
    for id in [&oldest, &anew] {
        assert_eq!(office.check(id), Some(Ok(())));
    }
    // Without anything to replace, the oldest makes room.
    office.calendar.advance(1);
    let next = office.sign_in("alice").await;
    assert_eq!(office.check(&oldest), replaced);
    for id in [&anew, &next] {
        assert_eq!(office.check(id), Some(Ok(())));
    }
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office.calendar.advance(HOUR - 1);
    assert_eq!(office.check(&id), Some(Ok(())));
    let session = office.sessions.board().find(&id.digest()).unwrap();
    session.touch(office.calendar.now());
    office.calendar.advance(HOUR - 1);
    assert_eq!(office.check(&id), Some(Ok(())));
    office.calendar.advance(1);
    let idle = Some(Err(Over::Ended(Why::Idle)));
    assert_eq!(office.check(&id), idle);
    // The store knows of no later use, and is told.
    let found = office.sessions.find(&id.digest()).await.unwrap().unwrap();
    assert!(found.life().is_written());
    office.calendar.go_back(HOUR);
    assert_eq!(office.check(&id), idle, "it revived");
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None, "it revived");
}

#[tokio::test]
async fn a_session_that_was_used_at_another_sidecar_goes_on() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office.calendar.advance(HOUR);
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::Idle))));
    office
        .sql("UPDATE session SET last_used_s = last_used_s + 10")
        .await;
    let found = office.sessions.find(&id.digest()).await.unwrap().unwrap();
    assert_eq!(found.check(office.calendar.now()), Ok(()));
    office.calendar.advance(10);
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::Idle))));
    office.sweep().await;
    let found = office.sessions.find(&id.digest()).await.unwrap().unwrap();
    assert_eq!(found.life().over(), Some(Why::Idle));
    assert!(found.life().is_written());
}

#[tokio::test]
async fn a_clock_that_stands_before_the_last_use_is_not_believed() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office.calendar.go_back(60);
    assert_eq!(office.check(&id), Some(Ok(())));
    office.calendar.go_back(1);
    assert_eq!(office.check(&id), Some(Err(Over::ClockBack)));
    assert!(office.sessions.list().is_empty());
    // It is not over: the clock may have been set right.
    office.calendar.advance(1);
    assert_eq!(office.check(&id), Some(Ok(())));
}

#[tokio::test]
async fn the_oldest_of_too_many_ends() {
    let office = Office::with(few(100, 2)).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(office.sign_in("alice").await);
    }
    let other = office.sign_in("bob").await;
    let replaced = Some(Err(Over::Ended(Why::Replaced)));
    let checks: Vec<_> = ids.iter().map(|id| office.check(id)).collect();
    assert_eq!(checks, [replaced, Some(Ok(())), Some(Ok(()))]);
    assert_eq!(office.check(&other), Some(Ok(())));
}

#[tokio::test]
async fn there_are_no_more_sessions_than_there_may_be() {
    let office = Office::with(few(2, 2)).await;
    let first = office.sign_in("alice").await;
    let second = office.sign_in("bob").await;
    let full = office.sessions.create(signed("carol"), None).await;
    assert!(
        matches!(full, Err(CreateError::Full { most: 2 })),
        "{full:?}"
    );
    assert_eq!(office.check(&first), Some(Ok(())));
    // Who signs in again in the same browser takes no more room.
    let again = office.sessions.create(signed("bob"), Some(second.digest()));
    let again = again.await.unwrap();
    assert_eq!(office.check(&again), Some(Ok(())));
    office
        .sessions
        .end(&first.digest(), Why::SignedOut)
        .await
        .unwrap();
    office.sign_in("carol").await;
    assert_eq!(office.sessions.list().len(), 2);
}

#[tokio::test]
async fn a_person_of_whom_too_much_is_said_gets_no_session() {
    let office = Office::open().await;
    let mut huge = signed("alice");
    let groups = (0..10_000).map(|number| format!("group-{number}").into());
    huge.person.groups = groups.collect();
    let refused = office.sessions.create(huge, None).await;
    let too_large = CreateError::Store {
        cause: KeepError::TooLarge,
    };
    let said = refused.unwrap_err();
    assert_eq!(format!("{said:?}"), format!("{too_large:?}"));
    assert!(office.sessions.list().is_empty());
}
