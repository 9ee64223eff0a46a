//! Two providers at one door: what one of them says is never taken for the other's
//! word (RFC 9700 4.4, RFC 9207).

use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::in_flight::BOTH;
use crate::edge::provider::Provider;
use crate::stage::Stage;

/// A door with `honest`, and `other`, whom nobody should trust with more than its own.
struct Pair {
    edge: Edge,
    honest: Provider,
    other: Provider,
}

impl Pair {
    fn new() -> Self {
        let stage = Stage::new();
        stage.rule(BOTH);
        let [honest, other] = [0; 2].map(|_| Provider::start(&stage.calendar));
        let providers = format!("honest: {}, other: {}", honest.settings(), other.settings());
        let edge = Edge::planned(stage, Plan::with_providers(providers));
        Self {
            edge,
            honest,
            other,
        }
    }

    /// Whoever begins with `honest` and comes back as they should is let in.
    fn twin_is_let_in(&self) {
        let begun = self.edge.begins("honest");
        let answer = self.honest.answer_to(&begun);
        let answer = self.edge.comes_back(&begun, "honest", &answer);
        assert!(Edge::lets_in(&answer), "{}", answer.text());
        self.honest.script().heard.clear();
    }

    /// Neither was asked for tokens.
    fn nobody_was_asked(&self) {
        for provider in [&self.honest, &self.other] {
            assert_eq!(provider.script().heard, Vec::<String>::new());
        }
    }
}

#[test]
fn the_answer_of_one_provider_is_none_at_the_callback_of_another() {
    let pair = Pair::new();
    pair.twin_is_let_in();
    let begun = pair.edge.begins("honest");
    let answer = pair.honest.answer_to(&begun);
    let lost = pair.edge.comes_back(&begun, "other", &answer);
    assert_eq!(lost.status(), 400);
    assert!(lost.text().contains("other_sign_in"), "{}", lost.text());
    pair.nobody_was_asked();
    // It is not spent by that.
    let answer = pair.edge.comes_back(&begun, "honest", &answer);
    assert!(Edge::lets_in(&answer), "{}", answer.text());
}

#[test]
fn a_code_that_comes_from_another_provider_goes_to_neither() {
    let pair = Pair::new();
    pair.twin_is_let_in();
    // The attack of RFC 9700 4.4.1: the browser was led on to the other provider,
    // or from there to here, and what comes back has its code.
    for iss in [Some(&pair.other.issuer), None] {
        let begun = pair.edge.begins("honest");
        let code = pair.other.code_for(&begun);
        let iss = iss.map_or_else(String::new, |iss| format!("&iss={iss}"));
        let query = format!("code={code}&state={}{iss}", begun.state);
        let refused = pair.edge.comes_back(&begun, "honest", &query);
        assert_eq!(refused.status(), 403, "{iss}");
        let text = refused.text();
        assert!(text.contains("bad_issuer_parameter"), "{text}");
        pair.nobody_was_asked();
    }
    pair.edge
        .door
        .shows(r#"portreeve_sign_ins_total{provider="honest",result="bad_issuer_parameter"} 2"#);
}

#[test]
fn a_code_of_another_provider_or_of_another_sign_in_lets_nobody_in() {
    let pair = Pair::new();
    pair.twin_is_let_in();
    let (mine, theirs) = (pair.edge.begins("honest"), pair.edge.begins("other"));
    let code = pair.other.code_for(&theirs);
    let query = format!(
        "code={code}&state={}&iss={}",
        mine.state, pair.honest.issuer
    );
    let refused = pair.edge.comes_back(&mine, "honest", &query);
    assert_eq!(refused.status(), 403);
    let text = refused.text();
    assert!(text.contains("provider_refused"), "{text}");
    assert!(!text.contains("invalid_grant"), "{text}");
    // The other provider has not heard of it: its code is as good as before.
    let query = format!(
        "code={code}&state={}&iss={}",
        theirs.state, pair.other.issuer
    );
    let answer = pair.edge.comes_back(&theirs, "other", &query);
    assert!(Edge::lets_in(&answer), "{}", answer.text());

    // Somebody else's code of the same provider: the nonce is that of their sign-in.
    let (mine, theirs) = (pair.edge.begins("honest"), pair.edge.begins("honest"));
    let code = pair.honest.code_for(&theirs);
    let query = format!(
        "code={code}&state={}&iss={}",
        mine.state, pair.honest.issuer
    );
    let refused = pair.edge.comes_back(&mine, "honest", &query);
    assert_eq!(refused.status(), 403);
    let text = refused.text();
    assert!(text.contains("other_login"), "{text}");
    pair.twin_is_let_in();
}
