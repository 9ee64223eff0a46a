//! Providers that are asked again.

use super::*;
use crate::policy::ProviderName;

fn good_for(seconds: u64, subject: &str) -> Signed {
    Signed {
        good_until: Some(date(NOON + seconds)),
        ..signed(subject)
    }
}

async fn due(office: &Office) -> Vec<Due> {
    office.sessions.due_for_refresh(|_| 10).await.unwrap()
}

#[tokio::test]
async fn a_provider_is_asked_again_before_the_end_and_by_one_only() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office.sign_in("bob").await;
    assert!(due(&office).await.is_empty(), "too early");
    office.calendar.advance(299);
    let (one, other) = tokio::join!(due(&office), due(&office));
    let mut all: Vec<Due> = one.into_iter().chain(other).collect();
    assert_eq!(all.len(), 1);
    let claimed = all.pop().unwrap();
    assert_eq!(claimed.session.digest(), id.digest());
    let token = claimed.tokens.refresh_token.unwrap();
    assert_eq!(token.as_str(), "a-refresh-token");
    office.calendar.advance(Claim::LASTS.as_secs() - 1);
    assert!(due(&office).await.is_empty(), "claimed");
    office.calendar.advance(1);
    assert_eq!(due(&office).await.len(), 1, "whoever had it is gone");
}

#[tokio::test]
async fn no_provider_takes_the_room_of_another() {
    let office = Office::open().await;
    for nth in 0..9 {
        let one = good_for(300, &format!("a{nth}"));
        office.sessions.create(one, None).await.unwrap();
    }
    let mut bob = good_for(300, "bob");
    bob.person.provider = "other".parse().unwrap();
    office.sessions.create(bob, None).await.unwrap();
    office.calendar.advance(299);
    let due = async |corp: usize| {
        let room = |provider: &ProviderName| match provider.as_str() {
            "corp" => corp,
            _ => 5,
        };
        let due = office.sessions.due_for_refresh(room).await.unwrap();
        let of = |name: &str| {
            let of = due.iter().map(|one| &one.session.person().provider);
            of.filter(|provider| provider.as_str() == name).count()
        };
        [of("corp"), of("other")]
    };
    assert_eq!(due(0).await, [0, 1]);
    assert_eq!(due(2).await, [2, 0]);
    assert_eq!(due(9).await, [7, 0]);
}

#[tokio::test]
async fn a_renewed_session_says_what_the_provider_says_now() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    let mut desk = Desk::new(Arc::clone(office.sessions.board()));
    let in_flight = match desk.look(id.cookie().as_bytes(), office.calendar.now()) {
        Found::Session(session) => Arc::clone(session),
        found => panic!("{found:?}"),
    };
    office.calendar.advance(300);
    let claimed = due(&office).await.pop().unwrap();
    let mut renewed = good_for(900, "alice");
    renewed.person.groups = ["interns".into()].into();
    renewed.refresh_token = Some(Zeroizing::new("the-next".to_owned()));
    renewed.id_token = None;
    let mut changed = office.sessions.board().changed();
    changed.borrow_and_update();
    office.sessions.renew(claimed.claim, renewed).await.unwrap();
    assert!(changed.has_changed().unwrap());
    let now = office.calendar.now();
    assert_eq!(in_flight.check(now), Err(Over::Renewed));
    let newer = office.sessions.board().find(&id.digest()).unwrap();
    assert_eq!(newer.check(now), Ok(()));
    assert!(newer.person().groups.contains("interns"));
    let Found::Session(session) = desk.look(id.cookie().as_bytes(), now) else {
        panic!("not found");
    };
    assert!(session.person().groups.contains("interns"));
    assert_eq!(session.created_at(), date(NOON));
    let tokens = office.sessions.tokens(&id.digest()).await.unwrap();
    assert_eq!(tokens.refresh_token.unwrap().as_str(), "the-next");
    assert_eq!(tokens.id_token.unwrap().as_str(), "an-id-token");
    assert!(due(&office).await.is_empty());
    let office = office.restarted().await;
    let again = office.sessions.board().find(&id.digest()).unwrap();
    assert!(again.person().groups.contains("interns"));
}

#[tokio::test]
async fn what_ended_meanwhile_is_not_renewed() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office.calendar.advance(300);
    let claimed = due(&office).await.pop().unwrap();
    office
        .sessions
        .end(&id.digest(), Why::SignedOut)
        .await
        .unwrap();
    let renewed = office.sessions.renew(claimed.claim, good_for(900, "alice"));
    let renewed = renewed.await;
    assert!(matches!(renewed, Err(RenewError::NotOurs)), "{renewed:?}");
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::SignedOut))));
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None, "it revived");
}

#[tokio::test]
async fn a_late_answer_does_not_undo_a_later_one() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office.calendar.advance(300);
    let late = due(&office).await.pop().unwrap();
    office.calendar.advance(Claim::LASTS.as_secs());
    let later = due(&office).await.pop().unwrap();
    let answer = good_for(2000, "alice");
    office
        .sessions
        .renew(later.claim, answer.clone())
        .await
        .unwrap();
    let renewed = office.sessions.renew(late.claim, answer).await;
    assert!(matches!(renewed, Err(RenewError::NotOurs)), "{renewed:?}");
    assert_eq!(office.check(&id), Some(Ok(())));
}

#[tokio::test]
async fn a_provider_that_speaks_of_another_person_renews_nothing() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office.calendar.advance(300);
    let claimed = due(&office).await.pop().unwrap();
    let renewed = office.sessions.renew(claimed.claim, good_for(900, "root"));
    let renewed = renewed.await;
    assert!(
        matches!(renewed, Err(RenewError::OtherPerson)),
        "{renewed:?}"
    );
    let session = office.sessions.board().find(&id.digest()).unwrap();
    assert_eq!(session.person().subject.as_str(), "alice");
}

#[tokio::test]
async fn a_provider_that_is_away_costs_nothing_for_a_while() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office.calendar.advance(300);
    let claimed = due(&office).await.pop().unwrap();
    let pause = Duration::from_secs(10);
    office.sessions.release(claimed.claim, pause).await.unwrap();
    assert!(due(&office).await.is_empty(), "asked without pause");
    office.calendar.advance(10);
    assert_eq!(due(&office).await.len(), 1);
    office.calendar.advance(589);
    assert_eq!(office.check(&id), Some(Ok(())));
    office.calendar.advance(1);
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::Unrefreshed))));
    office.sweep().await;
    let office = office.restarted().await;
    assert_eq!(office.check(&id), None);
}

#[tokio::test]
async fn a_damaged_token_ends_its_session() {
    let office = Office::open().await;
    let id = office.sessions.create(good_for(300, "alice"), None);
    let id = id.await.unwrap();
    office
        .sql("UPDATE session SET refresh_token = id_token")
        .await;
    office.calendar.advance(300);
    assert!(due(&office).await.is_empty());
    assert_eq!(office.check(&id), Some(Err(Over::Ended(Why::Damaged))));
}

#[test]
fn a_provider_is_asked_between_its_half_time_and_the_end() {
    for lifetime in [1, 20, 60, 300, 86_400] {
        for lot in 0..=255 {
            let facts = live::Facts {
                created: NOON,
                digest: SessionId::generate().unwrap().digest(),
                ends: NOON + 86_400,
                good_until: NOON + lifetime,
                host: "h".into(),
                program: None,
                renewed_at: NOON,
                sid: None,
                version: lot,
            };
            let at = refresh::due_at(&facts).unwrap();
            assert!(at >= NOON + 5, "{lifetime}");
            assert!(at >= NOON + lifetime - lifetime / 4, "{lifetime}");
            assert!(at <= NOON + lifetime.max(5), "{lifetime}");
        }
    }
}
