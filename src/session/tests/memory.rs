//! What workers remember.

use super::*;
use crate::session::desk::MOST_KNOWN;

#[tokio::test]
async fn a_desk_remembers_only_so_many_and_forgets_none_wrongly() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let mut desk = Desk::new(Arc::clone(office.sessions.board()));
    let now = office.calendar.now();
    let session = office.sessions.board().find(&id.digest()).unwrap();
    for number in 0..MOST_KNOWN {
        let mut cookie = [b'A'; SessionId::COOKIE_BYTES];
        for (at, digit) in number.to_string().bytes().enumerate() {
            cookie[at] = digit;
        }
        desk.remember((Holder::Browser, cookie), Arc::clone(&session));
    }
    let found = desk.look(id.cookie().as_bytes(), now);
    assert!(matches!(found, Found::Session(_)));
    assert!(desk.known.len() <= MOST_KNOWN);
}

#[tokio::test]
async fn strangers_are_not_remembered() {
    let office = Office::open().await;
    let mut desk = Desk::new(Arc::clone(office.sessions.board()));
    for _ in 0..100 {
        let stranger = SessionId::generate().unwrap();
        let found = desk.look(stranger.cookie().as_bytes(), office.calendar.now());
        assert!(matches!(found, Found::Unknown(_)));
    }
    assert!(desk.known.is_empty());
}

#[tokio::test]
async fn a_session_is_used_once_a_second_at_most() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let session = office.sessions.board().find(&id.digest()).unwrap();
    assert_eq!(session.life().unwritten_use(), None);
    session.touch(date(NOON));
    assert_eq!(session.life().unwritten_use(), None);
    session.touch(date(NOON + 1));
    assert_eq!(session.life().unwritten_use(), Some(NOON + 1));
    session.touch(date(NOON - 5));
    assert_eq!(session.last_used_at(), date(NOON + 1));
}

#[tokio::test]
async fn nobody_is_believed_while_the_store_is_silent() {
    let office = Office::open().await;
    let id = office.sign_in("alice").await;
    let mut changed = office.sessions.board().changed();
    changed.borrow_and_update();
    office.sessions.board().see(live::Seeing::Nothing);
    assert!(changed.has_changed().unwrap());
    changed.borrow_and_update();
    assert_eq!(office.check(&id), Some(Err(Over::Unsure)));
    office.sessions.board().see(live::Seeing::Nothing);
    assert!(!changed.has_changed().unwrap());
    office.sessions.board().see(live::Seeing::All);
    assert_eq!(office.check(&id), Some(Ok(())));
}
