use super::*;

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_is_not_registered() {
    let stage = Stage::new();
    for more in [
        ("redirect_uri", "https://evil.example/"),
        (
            "redirect_uri",
            "https://localhost:9/.portreeve/callback/dev/",
        ),
        ("redirect_uri", ""),
        ("client_id", "other"),
    ] {
        let response = stage
            .ask(Method::GET, "/authorize", &request(&[more]))
            .await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{more:?}");
        assert_eq!(response.headers().get(header::LOCATION), None, "{more:?}");
    }
    let twice = request(&[]) + "&state=s-2";
    let response = stage.ask(Method::GET, "/authorize", &twice).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_an_application_may_not_ask_is_told_to_it() {
    let stage = Stage::new();
    let cases = [
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "profile", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("request", "eyJ", "request_not_supported"),
        ("request_uri", "https://x", "request_uri_not_supported"),
        ("max_age", "-1", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "none", "login_required"),
    ];
    for (name, value, error) in cases {
        let response = stage
            .ask(Method::GET, "/authorize", &request(&[(name, value)]))
            .await;
        let told = told(&response);
        assert_eq!(told.get("error"), Some(error), "{name}={value}");
        assert_eq!(told.get("code"), None, "{name}={value}");
        assert_eq!(
            told.get("iss"),
            Some(stage.place.issuer()),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn a_click_is_asked_for_again_when_the_last_one_is_too_old() {
    let mut stage = Stage::new();
    stage.click("alice", &[]).await;
    stage.turn(100);
    let cases = [
        (("max_age", "100"), false),
        (("max_age", "99"), true),
        (("max_age", "0"), true),
        (("prompt", "login"), true),
        (("prompt", "select_account"), true),
    ];
    for (more, is_asked) in cases {
        let response = stage
            .ask(Method::GET, "/authorize", &request(&[more]))
            .await;
        assert_eq!(response.status() == StatusCode::OK, is_asked, "{more:?}");
    }
    let told = stage
        .click("alice", &[("max_age", "0"), ("prompt", "login")])
        .await;
    let (_, tokens) = stage.exchange(told.get("code").unwrap()).await;
    assert_eq!(stage.read(&tokens).await["auth_time"], START + 100);
}

#[tokio::test]
async fn another_site_cannot_click() {
    let mut stage = Stage::new();
    stage.origin = "https://evil.example".to_owned();
    let wish = request(&[("person", "alice")]);
    let response = stage.ask(Method::POST, "/authorize", &wish).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers().get(header::SET_COOKIE), None);
    for path in ["/people/bob/groups/eng", "/people/bob/sign-out"] {
        let response = stage.ask(Method::POST, path, "member=yes").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    stage.origin = stage.place.issuer().to_owned();
    let response = stage.ask(Method::POST, "/authorize", &wish).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn another_name_for_this_machine_is_not_answered() {
    let stage = Stage::new();
    for (authority, status) in [
        ("localhost:4711", StatusCode::OK),
        ("127.0.0.1:4711", StatusCode::OK),
        ("rebound.example:4711", StatusCode::MISDIRECTED_REQUEST),
        ("localhost", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let asked = Asked {
            authority: Some(authority.to_owned()),
            headers: http::HeaderMap::new(),
            method: Method::GET,
            path: "/".to_owned(),
            wish: Wish::parse(""),
        };
        let response = stage.place.answer(&asked).await.into_response();
        assert_eq!(response.status(), status, "{authority}");
    }
}

#[tokio::test]
async fn it_is_reached_over_https_by_its_own_name() {
    let clock = Arc::new(crate::time::SystemClock);
    let ca = WebCa::new(&*clock).unwrap();
    let provider = Provider::start(&ca, Duration::from_secs(60), clock).unwrap();
    assert!(provider.address().ip().is_loopback());
    provider.register(client("https://localhost:9"));
    let web = Web::new(ca.root()).unwrap();
    let place = format!("{}/.well-known/openid-configuration", provider.issuer());
    let request = http::Request::get(place).body(String::new()).unwrap();
    let reply = web.ask(request).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    let said: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(said["issuer"], provider.issuer());
    let policy = reply.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}
