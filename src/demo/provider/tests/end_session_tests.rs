use super::*;

#[tokio::test]
async fn a_session_that_ends_is_told_to_the_application() {
    let mut stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let site = stage.ca.issue(&*stage.clock).unwrap();
    let acceptor = server::acceptor(&site).unwrap();
    let told = stage.click("alice", &[]).await;
    let (_, tokens) = stage.exchange(told.get("code").unwrap()).await;
    let sid = stage.read(&tokens).await["sid"].clone();
    stage.place.state().client = Some(client(&origin));
    let hint = tokens["id_token"].as_str().unwrap();
    let back = format!("{origin}/.portreeve/sign-out");
    let query = with_query(
        "",
        &[("id_token_hint", hint), ("post_logout_redirect_uri", &back)],
    );
    let heard = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut text = String::new();
        while !text.contains("logout_token=") {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).await.unwrap();
            text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        text
    };
    let (response, heard) = tokio::join!(
        stage.ask(Method::GET, "/end-session", query.trim_start_matches('?')),
        heard
    );
    assert_eq!(response.headers()[header::LOCATION], back);
    assert!(
        heard.starts_with("POST /.portreeve/backchannel-logout/dev HTTP/1.1\r\n"),
        "{heard}"
    );
    let token = heard.split("logout_token=").nth(1).unwrap();
    let said = stage.read(&json!({ "id_token": token })).await;
    assert_eq!(said["sid"], sid);
    assert!(
        said["events"]
            .get("http://schemas.openid.net/event/backchannel-logout")
            .is_some()
    );
    assert_eq!(stage.refresh(&tokens).await.1["error"], "invalid_grant");
    let asked_again = stage.ask(Method::GET, "/authorize", &request(&[])).await;
    assert_eq!(
        asked_again.status(),
        StatusCode::BAD_REQUEST,
        "another redirect_uri is registered"
    );
}

#[tokio::test]
async fn a_link_alone_signs_nobody_out_and_leads_nowhere_else() {
    let mut stage = Stage::new();
    stage.click("alice", &[]).await;
    let away = "post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F";
    let page = stage.ask(Method::GET, "/end-session", away).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(
        page.body().contains("<button>Sign out</button>"),
        "{page:?}"
    );
    let still = stage.ask(Method::GET, "/authorize", &request(&[])).await;
    assert!(told(&still).get("code").is_some());
    let done = stage.ask(Method::POST, "/end-session", away).await;
    assert_eq!(done.headers().get(header::LOCATION), None);
    let asked = stage.ask(Method::GET, "/authorize", &request(&[])).await;
    assert_eq!(asked.status(), StatusCode::OK);
}
