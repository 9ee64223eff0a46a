use super::*;

impl Stage {
    /// What a program is told that asks for a code.
    async fn begin(&self, shown: &str) -> (StatusCode, Value) {
        let form = format!("client_id=edge&client_secret={shown}&scope=openid");
        let response = self.ask(Method::POST, "/device-authorization", &form).await;
        let said = serde_json::from_str(response.body()).unwrap();
        (response.status(), said)
    }

    /// What it is told when it asks again.
    async fn ask_again(&self, begun: &Value) -> (StatusCode, Value) {
        let code = begun["device_code"].as_str().unwrap();
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        self.token(&[("grant_type", grant), ("device_code", code)])
            .await
    }

    /// Somebody types in the code, and does this.
    async fn type_in(&self, code: &str, done: &str) -> Response<String> {
        let form = format!("user_code={code}{done}");
        self.ask(Method::POST, "/device", &form).await
    }
}

fn code(begun: &Value) -> &str {
    begun["user_code"].as_str().unwrap()
}

#[tokio::test]
async fn a_program_is_let_in_once_by_whoever_knows_its_code() {
    let mut stage = Stage::new();
    let (status, begun) = stage.begin("s3cret").await;
    assert_eq!(status, StatusCode::OK, "{begun}");
    let (_, other) = stage.begin("s3cret").await;
    let letters = code(&begun).replacen('-', "", 1);
    assert!(letters.len() == 8 && letters.chars().all(|c| c.is_ascii_uppercase()));
    let pending = stage.ask_again(&begun).await;
    assert_eq!(pending.1["error"], "authorization_pending");
    let place = begun["verification_uri_complete"].as_str().unwrap();
    let (_, query) = place.split_once("/device?").unwrap();
    let page = stage.ask(Method::GET, "/device", query).await;
    assert!(page.body().contains(code(&begun)), "{page:?}");
    assert!(page.body().contains("value=\"alice\""), "{page:?}");
    // Looking at it lets nobody in, and neither does another site.
    stage.origin = "https://elsewhere.example".to_owned();
    let refused = stage.type_in(code(&begun), "&person=alice").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(stage.ask_again(&begun).await, pending);
    stage.origin = stage.place.issuer().to_owned();
    // As people type.
    let typed = code(&begun).to_lowercase();
    let done = stage.type_in(&typed, "&person=alice").await;
    assert_eq!(done.status(), StatusCode::OK, "{done:?}");
    let (status, tokens) = stage.ask_again(&begun).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let claims = stage.read(&tokens).await;
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims.get("nonce"), None);
    assert_eq!(stage.refresh(&tokens).await.0, StatusCode::OK);
    assert_eq!(stage.ask_again(&begun).await.1["error"], "expired_token");
    assert_eq!(stage.ask_again(&other).await, pending);
}

#[tokio::test]
async fn whoever_has_no_code_or_is_turned_away_gets_nothing() {
    let stage = Stage::new();
    assert_eq!(stage.begin("wrong").await.0, StatusCode::UNAUTHORIZED);
    let (_, begun) = stage.begin("s3cret").await;
    for (typed, done) in [
        ("BBBB-BBBB", "&person=alice"),
        (code(&begun), "&person=eve"),
    ] {
        let page = stage.type_in(typed, done).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{page:?}");
        let waiting = stage.ask_again(&begun).await.1;
        assert_eq!(waiting["error"], "authorization_pending");
    }
    assert_eq!(
        stage.type_in(code(&begun), "").await.status(),
        StatusCode::OK
    );
    assert_eq!(stage.ask_again(&begun).await.1["error"], "access_denied");
    let again = stage.type_in(code(&begun), "&person=alice").await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);

    let (_, late) = stage.begin("s3cret").await;
    stage.turn(600);
    let page = stage.type_in(code(&late), "&person=alice").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert_eq!(stage.ask_again(&late).await.1["error"], "expired_token");
    let asked = stage.ask(Method::GET, "/device", "").await;
    assert!(asked.body().contains("name=\"user_code\""), "{asked:?}");
}
