//! Two providers that must be asked again at once, of which one is away.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::Duration;

use portreeve::session::Signed;
use portreeve::time::Clock as _;
use zeroize::Zeroizing;

use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::person;
use crate::edge::provider::Mood;
use crate::edge::provider::Provider;
use crate::edge::signed_in;
use crate::stage::Stage;
use crate::stage::eventually;

/// What `provider` said of `name`, and must be asked again.
fn known(stage: &Stage, provider: &str, name: &str) -> Signed {
    let mut person = person(name, &stage.calendar);
    person.provider = provider.parse().unwrap();
    person.groups = BTreeSet::new();
    Signed {
        good_until: Some(stage.calendar.now() + GOOD_FOR),
        refresh_token: Some(Zeroizing::new(name.to_owned())),
        ..signed_in(person, "apps.example")
    }
}

#[test]
fn a_provider_that_is_away_keeps_nobody_from_being_asked_about_elsewhere() {
    let stage = Stage::new();
    stage.rule(POLICY);
    let [away, there] = [0; 2].map(|_| Provider::start(&stage.calendar));
    let many = (0..MANY).map(|nth| known(&stage, "away", &format!("a{nth}")));
    let mut signed: Vec<_> = many.collect();
    signed.push(known(&stage, "there", "bob"));
    let providers = format!("away: {}, there: {}", away.settings(), there.settings());
    let plan = Plan {
        signed,
        ..Plan::with_providers(providers)
    };
    let edge = Edge::planned(stage, plan);
    let cookies: Vec<_> = edge
        .others
        .iter()
        .map(|cookie| format!("cookie: {cookie}"))
        .collect();
    let (theirs, bobs) = (&cookies[0], &cookies[MANY]);
    edge.passes("GET /a", &[theirs]);
    edge.passes("GET /a", &[bobs]);
    assert_eq!(edge.ask("GET /renewed", &[bobs]).status(), 403);

    away.script().mood = Mood::Silent;
    there.script().claims = serde_json::json!({"groups": ["renewed"]});
    // What both said is old, and nobody is idle.
    edge.stage.calendar.pass(GOOD_FOR);
    eventually(|| away.script().held.len() == AT_ONCE);
    eventually(|| there.script().heard.len() == 1);
    assert!(
        away.script().held.iter().all(still_waits),
        "bob was asked about only when others had waited long enough"
    );
    // One session has changed, and the others go on as they were.
    eventually(|| {
        let told = edge.ask("GET /.portreeve/", &[bobs]);
        told.text().contains("renewed")
    });
    edge.passes("GET /renewed", &[bobs]);
    edge.passes("GET /a", &[theirs]);
}

/// Whether whoever is at the other end of `stream` still waits for an answer.
fn still_waits(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    seen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Who has been asked about again is told by a group.
const POLICY: &str = r#"
@id("people")
permit (principal is User, action in Action::"http", resource in Service::"web")
unless { context.path == "/renewed" };

@id("renewed")
permit (principal in Group::"there/renewed", action in Action::"http", resource in Service::"web");
"#;

const GOOD_FOR: Duration = Duration::from_secs(2_400);
/// Of one provider.
const AT_ONCE: usize = 16;
const MANY: usize = 10 * AT_ONCE;
