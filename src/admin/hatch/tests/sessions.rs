//! Who is in is listed, and let out.

use super::*;

async fn list(client: &mut OperationsClient<Channel>, user: &str) -> Vec<rpc::Session> {
    let user = user.to_owned();
    let request = rpc::ListSessionsRequest { user };
    let mut told = client.list_sessions(request).await.unwrap().into_inner();
    let mut sessions = Vec::new();
    while let Some(session) = told.message().await.unwrap() {
        sessions.push(session);
    }
    sessions
}

async fn revoke(
    client: &mut OperationsClient<Channel>,
    whose: Option<Whose>,
) -> Result<Vec<String>, (Code, String)> {
    let request = rpc::RevokeSessionsRequest { whose };
    match client.revoke_sessions(request).await {
        Ok(ended) => Ok(ended.into_inner().handles),
        Err(status) => Err((status.code(), status.message().to_owned())),
    }
}

#[tokio::test]
async fn a_list_tells_who_is_in_and_nothing_that_stands_for_a_session() {
    let house = House::build().await;
    let alice = house.sign_in("alice").await;
    let bob = house.sign_in("bob").await;
    let all = house
        .ask(async |mut client| {
            let mode = std::fs::metadata(house.path()).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
            let only = list(&mut client, "corp/alice").await;
            assert_eq!(only.len(), 1);
            assert!(list(&mut client, "other/alice").await.is_empty());
            list(&mut client, "").await
        })
        .await;
    let said = |subject: &str| all.iter().find(|one| one.subject == subject).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(said("alice").handle, alice.digest().handle().as_str());
    assert_eq!(said("alice").provider, "corp");
    assert_eq!(said("alice").email, "alice@corp.example");
    assert_eq!(said("alice").host, "app.example");
    assert!(said("bob").since_s > 0 && said("bob").last_used_s >= said("bob").since_s);
    assert!(said("bob").until_s > said("bob").last_used_s);
    let text = format!("{all:?}");
    for id in [alice, bob] {
        assert!(!text.contains(id.cookie().as_str()));
        assert!(!text.contains(&id.digest().to_string()));
    }
}

#[tokio::test]
async fn only_those_that_are_meant_end_and_it_is_recorded_who_wanted_it() {
    let house = House::build().await;
    for subject in ["alice", "alice", "bob", "carol"] {
        house.sign_in(subject).await;
    }
    let bob = house.sign_in("bob").await.digest().handle().to_string();
    house
        .ask(async |mut client| {
            let handle = Some(Whose::Handle(bob.clone()));
            let ended = revoke(&mut client, handle.clone()).await;
            assert_eq!(ended, Ok(vec![bob.clone()]));
            let again = revoke(&mut client, handle).await.unwrap_err();
            assert_eq!(again.0, Code::NotFound);
            let alice = Some(Whose::User("corp/alice".to_owned()));
            assert_eq!(revoke(&mut client, alice.clone()).await.unwrap().len(), 2);
            assert_eq!(revoke(&mut client, alice).await, Ok(Vec::new()));
            assert_eq!(list(&mut client, "").await.len(), 2);
            let everybody = Some(Whose::Everybody(rpc::Everybody {}));
            assert_eq!(revoke(&mut client, everybody).await.unwrap().len(), 2);
            assert!(list(&mut client, "").await.is_empty());
        })
        .await;
    let records = house.records();
    let said = |at: usize, key: &str| records[at][key].as_str().unwrap_or_default().to_owned();
    let own = format!("uid:{} ", geteuid().as_raw());
    for record in &records {
        assert_eq!(record["event"], "session_revoke");
        assert!(record["operator"].as_str().unwrap().starts_with(&own));
    }
    assert_eq!(records.len(), 5);
    assert_eq!(
        (said(0, "session"), said(0, "ended")),
        (bob, "1".to_owned())
    );
    assert_eq!(said(1, "decision"), "refused");
    assert_eq!(
        (said(2, "user"), said(2, "ended")),
        ("corp/alice".to_owned(), "2".to_owned())
    );
    assert_eq!(
        (said(4, "everybody"), said(4, "ended")),
        ("true".to_owned(), "2".to_owned())
    );
}

#[tokio::test]
async fn an_order_that_says_nothing_clear_ends_nothing() {
    let house = House::build().await;
    house.sign_in("alice").await;
    house
        .ask(async |mut client| {
            for (whose, why) in [
                (None, "say whose"),
                (
                    Some(Whose::Handle(String::new())),
                    "is not a session's handle",
                ),
                (
                    Some(Whose::Handle("%".repeat(12))),
                    "is not a session's handle",
                ),
                (Some(Whose::User(String::new())), "is not a user"),
                (Some(Whose::User("corp".to_owned())), "is not a user"),
                (Some(Whose::User("corp/".to_owned())), "is not a user"),
                (Some(Whose::User("/alice".to_owned())), "is not a user"),
                (Some(Whose::User("CORP/alice".to_owned())), "is not a user"),
            ] {
                let (code, text) = revoke(&mut client, whose.clone()).await.unwrap_err();
                assert_eq!(code, Code::InvalidArgument, "{whose:?}");
                assert!(text.contains(why), "{whose:?}: {text}");
            }
            assert_eq!(list(&mut client, "").await.len(), 1);
        })
        .await;
    assert!(
        house
            .records()
            .iter()
            .all(|one| one["decision"] == "refused")
    );
}

#[tokio::test]
async fn another_user_is_refused_and_that_is_recorded() {
    let house = House::build().await;
    house.sign_in("alice").await;
    let orders = house.orders();
    let own = geteuid().as_raw();
    let stranger = Operator {
        pid: Some(7),
        uid: own + 1,
    };
    let refused = orders.revoke(stranger, Asked::Everybody).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = orders.sessions(stranger, "").unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(house.sessions.list().len(), 1);
    let twin = Operator {
        pid: Some(7),
        uid: own,
    };
    assert_eq!(
        orders.revoke(twin, Asked::Everybody).await.unwrap().len(),
        1
    );
    drop(orders);
    let records = house.records();
    assert_eq!(records[0]["decision"], "refused");
    assert_eq!(records[0]["operator"], format!("uid:{} pid:7", own + 1));
    assert_eq!(records[1]["decision"], "permit");
    assert_eq!(records.len(), 2);
}

#[tokio::test]
async fn a_sidecar_without_people_says_so() {
    let house = House::build().await;
    let orders = Orders {
        sessions: None,
        ..house.orders()
    };
    let own = Operator {
        pid: None,
        uid: geteuid().as_raw(),
    };
    let refused = orders.revoke(own, Asked::Everybody).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("it has no `edge`"));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let house = House::build().await;
    house.sign_in("alice").await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = audit::Settings::new(audit::Sink::File(folder.path().join("audit.log")));
    settings.queue_records = NonZeroUsize::MIN;
    let (log, _writer) = Log::open(&settings, NonZeroUsize::MIN, Arc::new(SystemClock)).unwrap();
    let orders = Orders {
        log: log.shard(0).unwrap(),
        ..house.orders()
    };
    let own = Operator {
        pid: None,
        uid: geteuid().as_raw(),
    };
    let room = log.shard(0).unwrap().begin().unwrap();
    let refused = orders.revoke(own, Asked::Everybody).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(house.sessions.list().len(), 1);
    drop(room);
    assert_eq!(orders.revoke(own, Asked::Everybody).await.unwrap().len(), 1);
}
