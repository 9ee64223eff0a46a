//! Programs that a person lets in, and what ends it.

mod provider;
mod refused;

use std::time::Duration;

use serde_json::Value;

use crate::caller::Answer;
use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::operators::portreeve;
use crate::edge::request;
use crate::stage::Stage;

use provider::Provider;

/// An edge whose provider lets programs in.
pub(super) struct Programs {
    pub(super) edge: Edge,
    pub(super) provider: Provider,
}

impl Programs {
    pub(super) fn new() -> Self {
        Self::with("device_login: true")
    }

    /// With `more` in the provider's settings.
    fn with(more: &str) -> Self {
        let stage = Stage::new();
        stage.rule(POLICY);
        let provider = Provider::start(&stage.calendar);
        let providers = format!(
            "corp: {{ issuer: \"{}\", client_id: edge, insecure_loopback: true, bearer_audiences: [api], {more} }}",
            provider.issuer
        );
        let plan = Plan::with_providers(providers);
        let app = plan.application.address();
        let routes = format!(
            "    - {{ host: apps.example, path: /vouched, app: \"{app}\", service: web, bearer: corp }}
    - {{ host: localhost, app: \"{app}\", service: web }}"
        );
        let edge = Edge::planned(stage, Plan { routes, ..plan });
        Self { edge, provider }
    }

    /// Posts a form, and says what comes of it.
    fn post(&self, path: &str, form: &str, lines: &[&str]) -> Answer {
        let length = format!("content-length: {}", form.len());
        let mut all = vec![FORM, &length];
        all.extend(lines);
        let mut caller = self.edge.browser();
        caller.send(request(&format!("POST /.portreeve/{path}"), &all) + form);
        caller.answer()
    }

    /// A program begins to wait; its code.
    fn begin(&self) -> String {
        let begun = self.post("device", "", &["user-agent: tool/1"]);
        assert_eq!(begun.status(), 200, "{}", begun.text());
        json(&begun)["device_code"].as_str().unwrap().to_owned()
    }

    fn poll(&self, code: &str) -> Answer {
        self.poll_with(code, &[])
    }

    fn poll_with(&self, code: &str, lines: &[&str]) -> Answer {
        self.post("device/token", &grant(code), lines)
    }

    /// As long as a program is told to wait.
    fn pass(&self) {
        self.edge.stage.calendar.pass(Duration::from_secs(2));
    }

    /// A program is let in by `who`; what it shows from then on.
    pub(super) fn token_of(&self, who: &str) -> String {
        let code = self.begin();
        self.provider.lets_in(who);
        self.pass();
        let answer = self.poll(&code);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        self.provider.says().no = Some("authorization_pending");
        json(&answer)["access_token"].as_str().unwrap().to_owned()
    }

    /// The last record says so.
    fn recorded(&self, said: &str) {
        let record = self.edge.door.records.next();
        assert_eq!(record.says(["decision", "reason"]), said);
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// The word for no.
fn error(answer: &Answer) -> (u16, String) {
    let error = json(answer)["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status(), error)
}

fn grant(code: &str) -> String {
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code={code}")
}

fn no(word: &str) -> (u16, String) {
    (400, word.to_owned())
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

#[test]
fn a_program_waits_for_its_person_and_the_application_learns_who_it_is() {
    let programs = Programs::new();
    let (edge, provider) = (&programs.edge, &programs.provider);
    let begun = programs.post("device", "provider=corp", &["user-agent: tool/1"]);
    assert_eq!(begun.field("cache-control"), Some("no-store"));
    let told = json(&begun);
    assert_eq!(told["user_code"], "WDJB-MJHT");
    assert_eq!(
        (&told["interval"], &told["expires_in"]),
        (&2.into(), &600.into())
    );
    let place = format!("{}/device", provider.issuer);
    assert_eq!(told["verification_uri"], place.as_str());
    assert!(
        !begun.text().contains("the-providers-code"),
        "{}",
        begun.text()
    );
    programs.recorded("permit device_begun");

    let code = told["device_code"].as_str().unwrap();
    programs.pass();
    assert_eq!(error(&programs.poll(code)), no("authorization_pending"));
    programs.recorded("refused authorization_pending");
    provider.lets_in("alice");
    programs.pass();
    let answer = programs.poll(code);
    let told = json(&answer);
    assert_eq!(
        (answer.status(), &told["token_type"]),
        (200, &"Bearer".into())
    );
    assert_eq!(
        (&told["user"], &told["expires_in"]),
        (&"corp/alice".into(), &43_200.into())
    );
    assert_eq!(answer.field("set-cookie"), None);
    let record = edge.door.records.next();
    let said = record.says(["caller", "decision", "reason", "status"]);
    assert_eq!(said, "corp/alice permit program_signed_in 200");
    assert_eq!(record.text("session"), told["session"].as_str().unwrap());
    edge.door
        .shows(r#"portreeve_sign_ins_total{provider="corp",result="program_signed_in"} 1"#);

    let token = told["access_token"].as_str().unwrap();
    assert!(token.starts_with("prt_") && token.len() == 47, "{token}");
    let head = edge.passes("POST /a", &[&bearer(token), "content-length: 0"]);
    assert!(head.contains("x-forwarded-user: alice\r\n"), "{head}");
    assert!(
        head.contains("x-portreeve-caller: corp/alice\r\n"),
        "{head}"
    );
    assert!(
        !head.contains("authorization") && !head.contains("prt_"),
        "{head}"
    );
    let record = edge.door.records.next();
    assert_eq!(
        record.says(["caller", "decision", "status"]),
        "corp/alice permit 200"
    );
    assert_eq!(record.text("session"), told["session"].as_str().unwrap());
}

#[test]
fn who_looks_at_sessions_is_told_which_are_programs_and_can_end_them() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let token = programs.token_of("alice");
    let (code, printed, _) = portreeve(edge, &["session", "list", "--user", "corp/alice"]);
    assert_eq!(code, 0);
    let by = "  at apps.example  by a program \"tool/1\" from 127.0.0.1  since ";
    assert_eq!(printed.matches(by).count(), 1, "{printed}");
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert!(!printed.contains(&token), "{printed}");
    let (_, printed, _) = portreeve(edge, &["session", "list", "--json"]);
    let all: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let one = all.iter().find(|one| !one["program"].is_null()).unwrap();
    assert_eq!(one["program"]["name"], "tool/1");
    assert_eq!(all.len(), 3, "{printed}");

    let alice = format!("cookie: {}", edge.alice);
    let page = edge.ask("GET /.portreeve/", &[&alice, "sec-fetch-mode: navigate"]);
    let said = "apps.example, a program that calls itself tool/1, from 127.0.0.1, since ";
    assert!(page.text().contains(said), "{}", page.text());
    let told = json(&edge.ask("GET /.portreeve/", &[&bearer(&token)]));
    assert_eq!(
        (&told["user"], &told["program"]),
        (&"corp/alice".into(), &"tool/1".into())
    );
    edge.passes("GET /a", &[&bearer(&token)]);
    let form = format!("session={}", one["handle"].as_str().unwrap());
    let ended = programs.post("sessions/end", &form, &[&alice]);
    assert_eq!(ended.status(), 303);
    assert_eq!(edge.ask("GET /a", &[&bearer(&token)]).status(), 401);
    edge.passes("GET /a", &[&alice]);
}

#[test]
fn what_a_program_has_in_flight_is_cut_when_its_session_ends() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let token = programs.token_of("alice");
    let mut caller = edge.browser();
    caller.send(request("GET /stream", &[&bearer(&token)]));
    let mut call = edge.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    assert_eq!(caller.head()[0], "HTTP/1.1 200 OK");
    assert_eq!(caller.exactly(8), b"3\r\none\r\n");
    let (code, _, complaints) = portreeve(edge, &["session", "revoke", "--user", "corp/alice"]);
    assert_eq!(code, 0, "{complaints}");
    assert_eq!(caller.rest(), "");
    assert_eq!(call.rest(), "");
    let answer = edge.ask("GET /a", &[&bearer(&token)]);
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (401, "bad_token")
    );
    let challenge = answer.field("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#));

    // The program itself leaves; another of the same person's stays.
    let (gone, kept) = (programs.token_of("alice"), programs.token_of("alice"));
    let out = programs.post("sign-out", "", &[&bearer(&gone)]);
    assert_eq!((out.status(), out.text()), (200, r#"{"signed_out":true}"#));
    assert_eq!(out.field("set-cookie"), None);
    assert_eq!(edge.ask("GET /a", &[&bearer(&gone)]).status(), 401);
    edge.passes("GET /a", &[&bearer(&kept)]);
    edge.stage.calendar.pass(Duration::from_secs(3_600));
    assert_eq!(edge.ask("GET /a", &[&bearer(&kept)]).status(), 401);
}

#[test]
fn a_provider_ends_what_it_vouched_for() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let (alice, bob) = (programs.token_of("alice"), programs.token_of("bob"));
    edge.passes("GET /a", &[&bearer(&alice)]);
    let form = format!("logout_token={}", programs.provider.logout_token("alice"));
    assert_eq!(
        programs
            .post("backchannel-logout/corp", &form, &[])
            .status(),
        200
    );
    assert_eq!(edge.ask("GET /a", &[&bearer(&alice)]).status(), 401);
    edge.passes("GET /a", &[&bearer(&bob)]);

    // Asked again, it vouches no more: what has begun is cut.
    let mut caller = edge.browser();
    caller.send(request("GET /stream", &[&bearer(&bob)]));
    let mut call = edge.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    assert_eq!(caller.head()[0], "HTTP/1.1 200 OK");
    assert_eq!(caller.exactly(8), b"3\r\none\r\n");
    programs.provider.says().no_more = Some("invalid_grant");
    edge.stage.calendar.pass(Duration::from_secs(290));
    assert_eq!(caller.rest(), "");
    assert_eq!(edge.ask("GET /a", &[&bearer(&bob)]).status(), 401);
}

#[test]
fn a_program_is_told_to_sign_in_again_where_that_helps() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let token = bearer(&programs.token_of("alice"));
    edge.passes("GET /fresh", &[&token]);
    edge.stage.calendar.pass(Duration::from_secs(300));
    let answer = edge.ask("GET /fresh", &[&token]);
    let said = (answer.status(), answer.reason());
    assert_eq!(said, (401, "sign_in_again".to_owned()));
    let challenge = answer.field("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_user_authentication"),
        "{challenge}"
    );
    edge.passes("GET /a", &[&token]);
    edge.passes("GET /fresh", &[&bearer(&programs.token_of("alice"))]);
}

#[test]
fn a_token_is_good_alone_in_its_place_and_on_its_host() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let token = programs.token_of("alice");
    let good = bearer(&token);
    let alice = format!("cookie: {}", edge.alice);
    let cookie = edge.alice.split_once('=').unwrap().1.to_owned();
    let bits = token.strip_prefix("prt_").unwrap().to_owned();
    let cut = bearer(token.strip_suffix(|_: char| true).unwrap());
    let unknown = bearer(&format!("prt_{}", "A".repeat(43)));
    let as_token = bearer(&format!("prt_{cookie}"));
    let spaces = good.replace("Bearer ", "Bearer  ");
    let stale = format!("cookie: __Host-portreeve-session={}", "A".repeat(43));
    let refused: [(&str, &[&str]); 9] = [
        ("two of them", &[&good, &good]),
        ("beside another", &[&good, "authorization: Basic eDp5"]),
        ("cut", &[&cut]),
        ("unknown", &[&unknown]),
        ("a cookie as a token", &[&as_token]),
        ("two spaces", &[&spaces]),
        ("two names for who it is", &[&good, &alice]),
        ("beside a cookie that is nobody's", &[&good, &stale]),
        ("on another host", &["host: localhost", &good]),
    ];
    for (name, lines) in refused {
        let answer = edge.ask("GET /public", lines);
        let said = (answer.status(), answer.reason());
        assert_eq!(said, (401, "bad_token".to_owned()), "{name}");
        assert_eq!(
            answer.field("www-authenticate"),
            Some(r#"Bearer error="invalid_token""#),
            "{name}"
        );
        edge.application.was_not_called();
        // The twin.
        edge.passes("GET /a", &[&good]);
    }
    // As a cookie it is nobody's, in either form.
    for value in [&token, &bits] {
        let cookie = format!("cookie: __Host-portreeve-session={value}");
        let answer = edge.ask("GET /a", &[&cookie]);
        assert_eq!(
            (answer.status(), answer.reason().as_str()),
            (401, "sign_in_first")
        );
    }
}

#[test]
fn what_is_no_token_of_ours_stays_whosever_business_it_is() {
    let programs = Programs::new();
    let edge = &programs.edge;
    let good = bearer(&programs.token_of("alice"));
    let head = edge.passes("GET /public", &["authorization: Basic eDp5"]);
    assert!(head.contains("authorization: Basic eDp5\r\n"), "{head}");
    let head = edge.passes("GET /public", &["authorization: Bearer of.its.own"]);
    assert!(
        head.contains("authorization: Bearer of.its.own\r\n"),
        "{head}"
    );
    // Where a provider's tokens let programs in, ours do, too.
    let head = edge.passes("GET /vouched", &[&good]);
    assert!(!head.contains("authorization"), "{head}");
    let answer = edge.ask("GET /vouched", &["authorization: Bearer of.its.own"]);
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (401, "bad_token")
    );
    // A token is not sent by itself: whoever sends it from elsewhere knows it.
    edge.passes(
        "POST /a",
        &[&good, "origin: https://evil.example", "content-length: 0"],
    );
    // Whom no policy lets in is told so.
    let mallory = programs.token_of("mallory");
    let answer = edge.ask("GET /secret", &[&bearer(&mallory)]);
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (403, "no_permit")
    );
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

const POLICY: &str = r#"
@id("engineers")
permit (principal in Group::"corp/eng", action in Action::"http", resource in Service::"web")
unless { context.path == "/secret" || context.path == "/fresh" };

@id("fresh")
permit (principal in Group::"corp/eng", action in Action::"http", resource in Service::"web")
when { context.path == "/fresh" && context has authAge && context.authAge < 300 };

@id("public")
permit (principal, action in Action::"read", resource)
when { context.path == "/public" };
"#;
