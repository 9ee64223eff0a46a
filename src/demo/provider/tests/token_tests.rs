use super::*;

#[tokio::test]
async fn a_click_becomes_tokens_that_another_library_believes() {
    let mut stage = Stage::new();
    let page = stage.ask(Method::GET, "/authorize", &request(&[])).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.body().contains("Development provider"), "{page:?}");
    assert!(page.body().contains("value=\"alice\""), "{page:?}");
    let told = stage.click("alice", &[]).await;
    assert_eq!(told.get("state"), Some("s-1"));
    assert_eq!(told.get("iss"), Some("https://localhost:4711"));
    let (status, tokens) = stage.exchange(told.get("code").unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let claims = stage.read(&tokens).await;
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["groups"], json!(["eng", "ops"]));
    assert_eq!(
        (&claims["nonce"], &claims["auth_time"]),
        (&json!("n-1"), &json!(START))
    );
    assert_eq!(claims["exp"], START + 60);
    // Signed in: the next application need not ask.
    let again = stage
        .ask(Method::GET, "/authorize", &request(&[("prompt", "none")]))
        .await;
    assert!(self::told(&again).get("code").is_some());
}

#[tokio::test]
async fn a_code_works_once_and_for_whoever_asked_for_it() {
    let mut stage = Stage::new();
    let code = |told: Wish| told.get("code").unwrap().to_owned();
    for (verifier, place) in [("x", BACK), (VERIFIER, "https://localhost:9/")] {
        let code = code(stage.click("bob", &[]).await);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", place),
            ("code_verifier", verifier),
        ];
        let (status, said) = stage.token(&form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form:?}");
        assert_eq!(said["error"], "invalid_grant", "{form:?}");
    }
    let shown = "grant_type=authorization_code&client_id=edge&client_secret=wrong";
    let refused = stage.ask(Method::POST, "/token", shown).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    let good = code(stage.click("bob", &[]).await);
    let (status, tokens) = stage.exchange(&good).await;
    assert_eq!(status, StatusCode::OK);
    // Whoever shows it again is a thief, or the other one is.
    assert_eq!(stage.exchange(&good).await.1["error"], "invalid_grant");
    assert_eq!(stage.refresh(&tokens).await.1["error"], "invalid_grant");

    let late = code(stage.click("bob", &[]).await);
    stage.turn(60);
    assert_eq!(stage.exchange(&late).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_tells_of_new_groups_and_works_once() {
    let mut stage = Stage::new();
    let told = stage.click("bob", &[]).await;
    let (_, first) = stage.exchange(told.get("code").unwrap()).await;
    assert_eq!(stage.read(&first).await["groups"], json!(["sales"]));
    stage
        .ask(Method::POST, "/people/bob/groups/eng", "member=yes")
        .await;
    stage
        .ask(Method::POST, "/people/bob/groups/sales", "member=no")
        .await;
    let (status, second) = stage.refresh(&first).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stage.read(&second).await["groups"], json!(["eng"]));
    let page = stage.ask(Method::GET, "/", "").await;
    assert!(page.body().contains("Take bob out of eng"), "{page:?}");
    assert!(page.body().contains("Put bob into sales"), "{page:?}");
    let (_, third) = stage.refresh(&second).await;
    assert_eq!(stage.refresh(&second).await.1["error"], "invalid_grant");
    assert_eq!(stage.refresh(&third).await.1["error"], "invalid_grant");
}
