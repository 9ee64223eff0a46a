//! Whom no provider, no person or no edge lets in: each beside its twin who is.

use std::time::Duration;

use serde_json::json;

use super::Programs;
use super::error;
use super::grant;
use super::json;
use super::no;

impl Programs {
    /// The program that waits with `code` is let in after all.
    fn is_let_in(&self, code: &str) {
        self.provider.lets_in("alice");
        self.pass();
        let answer = self.poll(code);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let mut said = self.provider.says();
        said.no = Some("authorization_pending");
        said.status = 400;
    }
}

#[test]
fn a_code_is_good_once_on_its_host_and_alone() {
    let programs = Programs::new();
    let code = programs.begin();
    programs.pass();
    let elsewhere = programs.poll_with(&code, &["host: localhost"]);
    assert_eq!(error(&elsewhere), no("invalid_grant"));
    for other in [
        "x".to_owned(),
        "A".repeat(43),
        code.to_lowercase(),
        format!("{code}A"),
    ] {
        assert_eq!(
            error(&programs.poll(&other)),
            no("invalid_grant"),
            "{other}"
        );
    }
    let form = grant(&code);
    for (form, word) in [
        (
            form.replace("device_code=", "device_cod="),
            "invalid_request",
        ),
        (
            form.replace("grant_type", "grant"),
            "unsupported_grant_type",
        ),
        (form.replace("%3Adevice_code", ""), "unsupported_grant_type"),
        (format!("{form}&device_code={code}"), "invalid_request"),
        (form.replace("%3A", "%3"), "invalid_request"),
    ] {
        let answer = programs.post("device/token", &form, &[]);
        assert_eq!(error(&answer), no(word), "{form}");
    }
    // Nobody was asked anything meanwhile, and the program is not punished for others.
    assert_eq!(programs.provider.says().polls, 0);
    programs.is_let_in(&code);
    programs.pass();
    let again = programs.poll(&code);
    assert_eq!(error(&again), no("invalid_grant"));
}

#[test]
fn who_asks_too_soon_waits_longer_and_the_provider_is_left_alone() {
    let programs = Programs::new();
    let code = programs.begin();
    assert_eq!(error(&programs.poll(&code)), no("slow_down"));
    programs.pass();
    assert_eq!(error(&programs.poll(&code)), no("slow_down"));
    assert_eq!(programs.provider.says().polls, 0);
    programs.edge.stage.calendar.pass(Duration::from_secs(11));
    assert_eq!(error(&programs.poll(&code)), no("authorization_pending"));
    assert_eq!(programs.provider.says().polls, 1);
    // The provider wants to be asked more seldom itself.
    programs.provider.says().no = Some("slow_down");
    programs.edge.stage.calendar.pass(Duration::from_secs(11));
    assert_eq!(error(&programs.poll(&code)), no("slow_down"));
    programs.provider.lets_in("alice");
    programs.edge.stage.calendar.pass(Duration::from_secs(15));
    assert_eq!(error(&programs.poll(&code)), no("slow_down"));
    assert_eq!(programs.provider.says().polls, 2);
    programs.edge.stage.calendar.pass(Duration::from_secs(21));
    assert_eq!(programs.poll(&code).status(), 200);
}

#[test]
fn no_page_of_any_site_begins_or_ends_it() {
    let programs = Programs::new();
    let code = programs.begin();
    let cookie = format!("cookie: {}", programs.edge.alice);
    let stale = "cookie: __Host-portreeve-session=x";
    for lines in [
        &["origin: https://evil.example"][..],
        &["origin: null"],
        &["origin: https://apps.example"],
        &["sec-fetch-site: cross-site"],
        &["sec-fetch-site: same-origin"],
        &[cookie.as_str()],
        &[stale],
        &["cookie: __Host-portreeve-login-7=x"],
    ] {
        programs.pass();
        for answer in [
            programs.post("device", "", lines),
            programs.poll_with(&code, lines),
        ] {
            assert_eq!(
                error(&answer),
                (403, "invalid_request".to_owned()),
                "{lines:?}"
            );
            assert_eq!(answer.field("access-control-allow-origin"), None);
        }
    }
    let preflight = programs.edge.ask(
        "OPTIONS /.portreeve/device",
        &[
            "origin: https://evil.example",
            "access-control-request-method: POST",
        ],
    );
    assert_eq!(preflight.status(), 405);
    assert_eq!(
        programs.edge.ask("GET /.portreeve/device", &[]).status(),
        405
    );
    assert_eq!(
        programs
            .edge
            .ask("GET /.portreeve/device/token", &[])
            .status(),
        405
    );
    assert_eq!(
        programs.edge.ask("GET /.portreeve/device/x", &[]).status(),
        404
    );
    assert_eq!(programs.provider.says().polls, 0);
    programs.is_let_in(&code);
}

#[test]
fn whom_the_person_or_the_provider_refuses_waits_no_longer() {
    for (word, reason) in [
        ("access_denied", "refused access_denied"),
        ("expired_token", "refused expired_token"),
        ("invalid_grant", "refused provider_refused"),
    ] {
        let programs = Programs::new();
        let (code, other) = (programs.begin(), programs.begin());
        for _ in 0..2 {
            programs.edge.door.records.next();
        }
        programs.provider.says().no = Some(word);
        programs.pass();
        let expected = if word == "expired_token" {
            word
        } else {
            "access_denied"
        };
        assert_eq!(error(&programs.poll(&code)), no(expected), "{word}");
        programs.recorded(reason);
        programs.pass();
        assert_eq!(error(&programs.poll(&code)), no("invalid_grant"), "{word}");
        programs.is_let_in(&other);
    }
}

#[test]
fn whoever_is_let_in_too_late_is_not() {
    let programs = Programs::new();
    let code = programs.begin();
    programs.provider.lets_in("alice");
    // The provider would wait for half an hour.
    programs.edge.stage.calendar.pass(Duration::from_secs(600));
    assert_eq!(error(&programs.poll(&code)), no("expired_token"));
    assert_eq!(programs.provider.says().polls, 0);
    let code = programs.begin();
    programs.edge.stage.calendar.pass(Duration::from_secs(599));
    assert_eq!(programs.poll(&code).status(), 200);
}

#[test]
fn what_the_provider_says_of_the_person_is_believed_where_it_must_be() {
    let now = 1;
    for (claim, value, reason) in [
        ("iss", json!("https://evil.example"), "other_issuer"),
        ("aud", json!("another"), "not_for_us"),
        ("exp", json!(now), "expired"),
        ("sub", json!(""), "malformed"),
    ] {
        let programs = Programs::new();
        let (code, other) = (programs.begin(), programs.begin());
        for _ in 0..2 {
            programs.edge.door.records.next();
        }
        programs.provider.lets_in("alice");
        programs.provider.says().claims[claim] = value;
        programs.pass();
        let answer = programs.poll(&code);
        assert_eq!(error(&answer), no("access_denied"), "{claim}");
        programs.recorded(&format!("refused {reason}"));
        programs.is_let_in(&other);
    }
}

#[test]
fn a_provider_that_is_away_ends_nothing() {
    let programs = Programs::new();
    let code = programs.begin();
    for (status, word) in [(503, "server_error"), (401, "invalid_client")] {
        let mut said = programs.provider.says();
        (said.status, said.no) = (status, Some(word));
        drop(said);
        programs.pass();
        let answer = programs.poll(&code);
        let expected = (503, "temporarily_unavailable".to_owned());
        assert_eq!(error(&answer), expected, "{word}");
    }
    programs.is_let_in(&code);
}

#[test]
fn a_provider_that_lets_no_programs_in_is_said_to() {
    let programs = Programs::new();
    let device = programs.provider.says().device.clone();
    let refused = json!({ "error": "unauthorized_client" });
    for (said, words, reason) in [
        (
            Some(refused),
            "is the client there allowed the device grant?",
            "provider_refused",
        ),
        (
            Some(json!({ "user_code": "x" })),
            "does not answer",
            "provider_unavailable",
        ),
    ] {
        programs.provider.says().device = said;
        let answer = programs.post("device", "", &[]);
        assert!(answer.text().contains(words), "{}", answer.text());
        programs.recorded(&format!("refused {reason}"));
    }
    programs.provider.says().device = device;
    programs.begin();

    let programs = Programs::new();
    programs.provider.says().device = None;
    let answer = programs.post("device", "", &[]);
    assert_eq!(error(&answer), no("unauthorized_client"));
    let words = "`corp` lets no programs in: it has no `device_authorization_endpoint`";
    assert_eq!(json(&answer)["error_description"], words);
    programs.recorded("refused no_device_endpoint");

    let programs = Programs::with("device_login: false");
    let answer = programs.post("device", "", &[]);
    assert_eq!(error(&answer), no("unauthorized_client"));
    assert!(
        answer.text().contains("device_login: true"),
        "{}",
        answer.text()
    );
    programs.recorded("refused no_device_login");
    assert_eq!(programs.provider.says().polls, 0);
}

#[test]
fn a_provider_that_is_none_of_these_is_not_asked() {
    let programs = Programs::new();
    for form in [
        "provider=other",
        "provider=%20",
        "provider=corp&provider=corp",
        "provider=%",
    ] {
        let answer = programs.post("device", form, &[]);
        assert_eq!(error(&answer), no("invalid_request"), "{form}");
    }
    let answer = programs.post("device", "provider=other", &["content-type: text/plain"]);
    assert_eq!(answer.status(), 400);
    programs.begin();
}

#[test]
fn one_address_has_room_for_so_many_that_wait() {
    let programs = Programs::new();
    let first = programs.begin();
    for _ in 1..16 {
        programs.begin();
    }
    let answer = programs.post("device", "", &[]);
    let expected = (429, "temporarily_unavailable".to_owned());
    assert_eq!(error(&answer), expected);
    assert_eq!(answer.field("retry-after"), Some("60"));
    programs.is_let_in(&first);
    programs.begin();
}
