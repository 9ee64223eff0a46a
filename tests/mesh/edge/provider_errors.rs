//! Providers that say no, and what is said of that to whom.

use crate::caller::Answer;
use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::in_flight::BOTH;
use crate::edge::provider::Mood;
use crate::edge::provider::Provider;
use crate::stage::Stage;

fn edge() -> (Edge, Provider) {
    let stage = Stage::new();
    stage.rule(BOTH);
    let provider = Provider::start(&stage.calendar);
    let plan = Plan::with_providers(format!("corp: {}", provider.settings()));
    (Edge::planned(stage, plan), provider)
}

/// Somebody begins, and comes back with an `error`, which is from `iss`.
fn comes_back_with(edge: &Edge, error: &str, iss: Option<&str>) -> Answer {
    let begun = edge.begins("corp");
    let iss = iss.map_or_else(String::new, |iss| format!("&iss={iss}"));
    let query = format!(
        "error={error}&error_description=secret&state={}{iss}",
        begun.state
    );
    edge.comes_back(&begun, "corp", &query)
}

/// What a person is told: the status, our word for it, and nothing of the provider's.
fn says(answer: &Answer, status: u16, reason: &str, not: &str) {
    assert_eq!(answer.status(), status, "{reason}");
    let text = answer.text();
    assert!(text.contains(reason), "{text}");
    assert!(!text.contains(not) && !text.contains("secret"), "{text}");
}

fn is_counted(edge: &Edge, result: &str, count: u32) {
    edge.door.shows(&format!(
        "portreeve_sign_ins_total{{provider=\"corp\",result=\"{result}\"}} {count}"
    ));
}

#[test]
fn an_error_is_believed_of_whom_it_is_from() {
    let (edge, provider) = edge();
    let own = Some(provider.issuer.as_str());
    let answer = comes_back_with(&edge, "access_denied", own);
    says(&answer, 403, "provider_refused", "access_denied");
    is_counted(&edge, "provider_refused", 1);
    // Anybody could have sent somebody here with these.
    for (nth, iss) in [(1, Some("https://evil.example")), (2, None)] {
        for error in ["access_denied", "invalid_scope"] {
            let answer = comes_back_with(&edge, error, iss);
            says(&answer, 403, "bad_issuer_parameter", error);
        }
        is_counted(&edge, "bad_issuer_parameter", 2 * nth);
    }
    is_counted(&edge, "provider_refused", 1);
    assert_eq!(provider.script().heard, Vec::<String>::new());
}

#[test]
fn an_error_that_is_about_us_or_about_nobody_is_not_told_as_one_about_a_person() {
    let (edge, provider) = edge();
    let own = Some(provider.issuer.as_str());
    for error in ["invalid_scope", "unauthorized_client"] {
        let answer = comes_back_with(&edge, error, own);
        says(&answer, 500, "sign_in_misconfigured", error);
    }
    is_counted(&edge, "sign_in_misconfigured", 2);
    for error in ["server_error", "temporarily_unavailable"] {
        let answer = comes_back_with(&edge, error, own);
        says(&answer, 503, "unwell", error);
    }
    for error in ["login_required", "what%20is%0Athis", "x"] {
        let answer = comes_back_with(&edge, error, own);
        says(&answer, 403, "provider_refused", error);
    }
}

#[test]
fn a_provider_that_does_not_know_our_secret_is_our_own_mistake() {
    let (edge, provider) = edge();
    let sign_in = || {
        let begun = edge.begins("corp");
        edge.comes_back(&begun, "corp", &provider.answer_to(&begun))
    };
    provider.script().mood = Mood::Refuses(401, "invalid_client");
    says(&sign_in(), 500, "sign_in_misconfigured", "invalid_client");
    is_counted(&edge, "sign_in_misconfigured", 1);
    // One that fails is away, and one that says no says no.
    provider.script().mood = Mood::Refuses(503, "invalid_client");
    says(&sign_in(), 503, "unwell", "invalid_client");
    provider.script().mood = Mood::Refuses(400, "invalid_grant");
    says(&sign_in(), 403, "provider_refused", "invalid_grant");
    is_counted(&edge, "sign_in_misconfigured", 1);
    provider.script().mood = Mood::Honest;
    assert!(Edge::lets_in(&sign_in()));
    is_counted(&edge, "signed_in", 1);
}

#[test]
fn groups_in_a_shape_that_nobody_knows_let_nobody_in() {
    let (edge, provider) = edge();
    let sign_in = |groups: serde_json::Value| {
        provider.script().claims = groups;
        let begun = edge.begins("corp");
        edge.comes_back(&begun, "corp", &provider.answer_to(&begun))
    };
    for groups in [
        serde_json::json!({}),
        serde_json::json!({"groups": "eng"}),
        serde_json::json!({"groups": ["eng"]}),
    ] {
        assert!(Edge::lets_in(&sign_in(groups.clone())), "{groups}");
    }
    let answer = sign_in(serde_json::json!({"groups": [{"name": "banned"}]}));
    says(&answer, 403, "groups_of_unknown_shape", "banned");
    is_counted(&edge, "groups_of_unknown_shape", 1);
    is_counted(&edge, "signed_in", 3);
}
