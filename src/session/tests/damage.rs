//! A store that somebody else wrote into.

use super::*;

#[tokio::test]
async fn what_was_changed_in_the_store_is_no_session() {
    let changes = [
        "UPDATE session SET sealed = ''",
        "UPDATE session SET sealed = 'zz' || sealed",
        "UPDATE session SET sealed = (SELECT sealed FROM session WHERE subject = 'bob')",
        "UPDATE session SET provider = 'other'",
        "UPDATE session SET subject = 'root'",
        "UPDATE session SET sid = 'sid-of-root'",
        "UPDATE session SET created_s = created_s + 1",
        "UPDATE session SET ends_s = ends_s + 1",
        "UPDATE session SET good_until_s = good_until_s + 1",
        "UPDATE session SET last_used_s = -1",
        "UPDATE session SET digest = 'x' || digest",
        "UPDATE session SET why = 'live'",
    ];
    for change in changes {
        let office = Office::open().await;
        let ids = [office.sign_in("alice").await, office.sign_in("bob").await];
        office.sql(change).await;
        let office = office.restarted().await;
        let is_copy = change.contains("'bob'");
        let believed = ids.iter().filter(|id| office.check(id).is_some()).count();
        assert_eq!(believed, usize::from(is_copy), "{change}");
    }
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office
        .sql("UPDATE session SET last_used_s = last_used_s")
        .await;
    let office = office.restarted().await;
    assert_eq!(office.check(&id), Some(Ok(())));
}

#[tokio::test]
async fn what_is_damaged_while_it_is_in_force_ends_and_is_told_of_once() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let twin = office.sign_in("bob").await;
    office
        .sql("UPDATE session SET sealed = 'x', version = 1000 WHERE subject = 'alice'")
        .await;
    for _ in 0..2 {
        office.sessions.catch_up().await.unwrap();
        office.sessions.reload().await.unwrap();
        assert_eq!(office.sessions.told.lock().unwrap().len(), 1);
    }
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::Damaged))));
    assert_eq!(office.check(&twin), Some(Ok(())));
}

#[tokio::test]
async fn another_key_opens_no_store() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    office.sessions.database.close().await;
    let Office {
        calendar,
        folder,
        limits,
        sessions,
    } = office;
    drop(sessions);
    let key = folder.path().join("session.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, "0".repeat(64)).unwrap();
    let refused = open(folder.path(), limits, Arc::clone(&calendar)).await;
    assert!(
        matches!(&refused, Err(OpenError::OtherKey { path }) if *path == key),
        "{refused:?}"
    );
    std::fs::write(&key, "not a key").unwrap();
    let refused = open(folder.path(), limits, Arc::clone(&calendar)).await;
    assert!(matches!(refused, Err(OpenError::Key { .. })), "{refused:?}");
    std::fs::write(&key, right).unwrap();
    let sessions = open(folder.path(), limits, Arc::clone(&calendar)).await;
    assert!(sessions.unwrap().board().find(&id.digest()).is_some());
}

#[tokio::test]
async fn a_key_is_replaced_step_by_step_without_an_end() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let key = office.folder.path().join("session.key");
    let old = std::fs::read_to_string(&key).unwrap();
    let new = "0".repeat(64);
    let steps = [
        format!("{old}{new}\n"),
        format!("{new}\n{old}"),
        format!("{new}\n"),
    ];
    let mut office = office;
    let mut other = None;
    for step in steps {
        std::fs::write(&key, &step).unwrap();
        office = office.restarted().await;
        if let Some(other) = &other {
            assert_eq!(office.check(other), Some(Ok(())));
        }
        let both = step.contains(old.trim());
        // What only the old one has sealed is over without it.
        assert_eq!(office.check(&id).is_some(), both, "{step}");
        if step.starts_with(&new) {
            other = Some(office.sign_in("bob").await);
        }
    }
}
