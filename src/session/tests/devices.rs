//! Programs that wait for their persons.

use std::net::IpAddr;

use super::*;
use crate::session::device::MOST;
use crate::session::device::MOST_OF_ONE;

fn waiting() -> Waiting {
    Waiting {
        code: ProvidersCode::new("the provider's"),
        host: "app.example".to_owned(),
        program: Program::new("tool/1", address(1)),
        provider: "corp".to_owned(),
    }
}

fn address(number: u32) -> IpAddr {
    IpAddr::from(number.to_be_bytes())
}

impl Office {
    /// A program that waits for 300 seconds, and may ask each 5 seconds.
    async fn wait(&self) -> Zeroizing<String> {
        let code = self.sessions.take_place(address(1)).await.unwrap();
        let until = date(self.calendar.0.load(Ordering::Relaxed) + 300);
        let times = (Duration::from_secs(5), until);
        let waits = self.sessions.let_wait(&code, &waiting(), times).await;
        waits.unwrap();
        code
    }

    async fn turn(&self, code: &str, host: &str) -> Turn {
        self.sessions.take_turn(code, host).await.unwrap()
    }
}

const HOST: &str = "app.example";

#[tokio::test]
async fn a_program_that_waits_is_asked_about_when_it_is_time() {
    let office = Office::open().await;
    let code = office.wait().await;
    // At once is too soon, and costs five seconds more each time.
    assert_eq!(office.turn(&code, HOST).await, Turn::TooSoon);
    office.calendar.advance(9);
    assert_eq!(office.turn(&code, HOST).await, Turn::TooSoon);
    office.calendar.advance(15);
    assert_eq!(office.turn(&code, HOST).await, Turn::Ask(waiting()));
    // Of two who ask at once, one is told to.
    assert_eq!(office.turn(&code, HOST).await, Turn::TooSoon);
    office.calendar.advance(20);
    office.sessions.slow_down(&code).await.unwrap();
    office.calendar.advance(24);
    assert_eq!(office.turn(&code, HOST).await, Turn::TooSoon);
    office.calendar.advance(30);
    // Another sidecar knows it, too.
    let office = office.restarted().await;
    assert_eq!(office.turn(&code, HOST).await, Turn::Ask(waiting()));
    assert!(office.sessions.end_wait(&code).await.unwrap());
    assert!(!office.sessions.end_wait(&code).await.unwrap());
    assert_eq!(office.turn(&code, HOST).await, Turn::Unknown);
}

#[tokio::test]
async fn nobody_waits_on_another_host_with_another_code_or_for_longer() {
    let office = Office::open().await;
    let code = office.wait().await;
    office.calendar.advance(5);
    for (code, host) in [
        (code.as_str(), "other.example"),
        (code.strip_suffix(|_: char| true).unwrap(), HOST),
        ("", HOST),
        (&"A".repeat(43), HOST),
    ] {
        assert_eq!(
            office.turn(code, host).await,
            Turn::Unknown,
            "{code} {host}"
        );
    }
    // A place alone is no program that waits.
    let place = office.sessions.take_place(address(2)).await.unwrap();
    assert_eq!(office.turn(&place, HOST).await, Turn::Unknown);
    // None of it has made the program wait longer.
    assert_eq!(office.turn(&code, HOST).await, Turn::Ask(waiting()));
    office.calendar.advance(295);
    assert_eq!(office.turn(&code, HOST).await, Turn::Over);
}

#[tokio::test]
async fn what_was_changed_in_the_store_lets_nobody_in() {
    let office = Office::open().await;
    let (one, other) = (office.wait().await, office.wait().await);
    office.calendar.advance(5);
    assert_eq!(office.turn(&one, HOST).await, Turn::Ask(waiting()));
    office
        .sql("UPDATE device_grant SET sealed = (SELECT MAX(sealed) FROM device_grant)")
        .await;
    let mut refused = 0;
    office.calendar.advance(5);
    for code in [&one, &other] {
        refused += usize::from(office.sessions.take_turn(code, HOST).await.is_err());
    }
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn so_many_wait_and_no_more_and_room_comes_back() {
    let office = Office::open().await;
    let taken = |source| office.sessions.take_place(source);
    let mut codes = Vec::new();
    for _ in 0..MOST_OF_ONE {
        codes.push(taken(address(1)).await.unwrap());
    }
    let full = taken(address(1)).await;
    assert!(matches!(full, Err(WaitError::Full)), "{full:?}");
    // Another address is not concerned, and one network of IPv6 is one address.
    taken(address(2)).await.unwrap();
    for last in 0..MOST_OF_ONE {
        let source = format!("2001:db8::{last:x}:1").parse().unwrap();
        taken(source).await.unwrap();
    }
    let source = "2001:db8::ffff:1".parse().unwrap();
    assert!(matches!(taken(source).await, Err(WaitError::Full)));
    office.sessions.end_wait(&codes[0]).await.unwrap();
    taken(address(1)).await.unwrap();
    // Who waited long enough makes room by itself.
    assert!(taken(address(1)).await.is_err());
    office.calendar.advance(600);
    taken(address(1)).await.unwrap();
}

#[tokio::test]
async fn many_addresses_together_take_no_more_than_there_is() {
    let office = Office::open().await;
    office
        .sql(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 4095)
             INSERT INTO device_grant SELECT x, x, '', 0, 0, 99999999999 FROM n",
        )
        .await;
    assert_eq!(MOST, 4096);
    office.sessions.take_place(address(1)).await.unwrap();
    let full = office.sessions.take_place(address(2)).await;
    assert!(matches!(full, Err(WaitError::Full)), "{full:?}");
}

#[tokio::test]
async fn a_program_has_a_session_by_its_token_alone() {
    let office = Office::open().await;
    let program = Program::new("tool/1", address(1));
    let created = office.sessions.create_for(program.clone(), signed("alice"));
    let id = created.await.unwrap();
    let browser = office.sign_in("alice").await;
    let office = office.restarted().await;
    let now = office.calendar.now();
    let mut desk = Desk::new(Arc::clone(office.sessions.board()));
    let token = id.token();
    for _ in 0..2 {
        // The second time out of its memory.
        let Found::Session(session) = desk.look_as(Holder::Program, token.as_bytes(), now) else {
            panic!("the token is nobody's");
        };
        assert_eq!(session.program(), Some(&program));
        let cookie = browser.cookie();
        let Found::Session(session) = desk.look(cookie.as_bytes(), now) else {
            panic!("the cookie is nobody's");
        };
        assert_eq!(session.program(), None);
        // Neither is good as the other.
        let found = desk.look(id.cookie().as_bytes(), now);
        assert!(matches!(found, Found::Unknown(_)), "{found:?}");
        let found = desk.look(token.as_bytes(), now);
        assert!(matches!(found, Found::Malformed), "{found:?}");
        let found = desk.look_as(Holder::Program, browser.token().as_bytes(), now);
        assert!(matches!(found, Found::Unknown(_)), "{found:?}");
        let found = desk.look_as(Holder::Program, cookie.as_bytes(), now);
        assert!(matches!(found, Found::Malformed), "{found:?}");
    }
}
