//! What a CA may say that Debian's does not: wishes about renewal, limits, nonsense.
//!
//! The CA of these tests is a server on loopback that answers as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::Account;
use instant_acme::HttpClient as _;
use instant_acme::Key;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::acme::account::Desk;
use crate::acme::courier::Courier;
use crate::acme::error::OrderError;
use crate::https::Trust;
use crate::https::Url;
use crate::time::SystemClock;

/// Path to status, fields and body.
type Answers = BTreeMap<String, String>;

/// What a CA answers at its places, and if it has wishes about renewal, to who asks for those.
fn ca(address: &str, wishes: Option<String>) -> Answers {
    let place = |name: &str| format!("http://{address}/{name}");
    let mut directory = json!({
        "newNonce": place("nonce"), "newAccount": place("account"), "newOrder": place("order"),
        "revokeCert": place("revoke"), "keyChange": place("change"),
    });
    let mut answers = Answers::new();
    if let Some(wishes) = wishes {
        directory["renewalInfo"] = place("wishes").into();
        answers.insert("/wishes/".to_owned(), wishes);
    }
    answers.insert("/dir".to_owned(), answer(200, "", &directory.to_string()));
    answers.insert("/nonce".to_owned(), answer(200, "", ""));
    answers
}

fn answer(status: u16, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nreplay-nonce: n\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
    )
}

/// Answers whatever comes, for ever.
async fn serve(listener: &TcpListener, answers: &Answers) {
    let mut asked = Vec::new();
    serve_and_note(listener, answers, &mut asked).await;
}

/// Notes, too, which path was asked for with which body.
async fn serve_and_note(
    listener: &TcpListener,
    answers: &Answers,
    asked: &mut Vec<(String, String)>,
) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (path, body) = request_of(&mut stream).await;
        asked.push((path.clone(), body));
        let found = answers.iter().rfind(|(place, _)| path.starts_with(*place));
        let text = found.map_or_else(|| answer(404, "", "{}"), |(_, text)| text.clone());
        // A client may have had enough.
        let _gone = stream.write_all(text.as_bytes()).await;
    }
}

/// The path of the request, which is read to its end, and its body.
async fn request_of(stream: &mut TcpStream) -> (String, String) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let path = head.split(' ').nth(1).unwrap_or_default();
                return (path.to_owned(), body.to_owned());
            }
        }
        if stream.read_buf(&mut read).await.unwrap() == 0 {
            return Default::default();
        }
    }
}

/// Whoever asks the CA at `address`.
async fn desk(address: &str) -> Result<Desk, OrderError> {
    let directory = Url::loopback(&format!("http://{address}/dir")).unwrap();
    let courier = courier(&directory);
    let patience = courier.patience();
    let (_, key) = Key::generate_pkcs8().unwrap();
    let credentials = json!({
        "id": format!("http://{address}/me"),
        "key_pkcs8": BASE64_URL_SAFE_NO_PAD.encode(key.secret_pkcs8_der()),
        "directory": directory.to_string(),
    });
    let builder = Account::builder_with_http(Box::new(courier));
    let credentials = serde_json::from_value(credentials).unwrap();
    let account = builder.from_credentials(credentials).await?;
    Ok(Desk { account, patience })
}

fn courier(directory: &Url) -> Courier {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Courier::new(directory, Trust::new(config), Arc::new(SystemClock))
}

/// A certificate of a CA, which renewal is asked by.
fn leaf() -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = Issuer::new(root, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.signed_by(&key, &root).unwrap().der().clone()
}

/// What comes of asking a CA for its wishes, which answers so.
async fn wishes(answered: Option<String>) -> Result<Option<((u64, u64), Duration)>, OrderError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = ca(&address, answered);
    let ask = async { desk(&address).await?.wishes(&leaf()).await };
    tokio::select! {
        said = ask => said,
        () = serve(&listener, &answers) => panic!("it serves for ever"),
    }
}

const WINDOW: &str =
    r#"{"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":"2026-01-03T00:00:00Z"}}"#;

#[tokio::test]
async fn a_cas_wishes_about_renewal_are_heard_and_bounded() {
    let window = (1_767_312_000, 1_767_398_400);
    let day = Duration::from_hours(24);
    for (field, stands) in [
        ("retry-after: 21600\r\n", Duration::from_hours(6)),
        // A sum with today would not be a date.
        ("retry-after: 18446744073709551615\r\n", day),
        ("retry-after: Sat, 06 Nov 2094 08:49:37 GMT\r\n", day),
    ] {
        let said = wishes(Some(answer(200, field, WINDOW))).await.unwrap();
        let (heard, until) = said.unwrap();
        assert_eq!(heard, window);
        // Counted from an instant to the next.
        assert!(
            until <= stands && until + Duration::from_mins(1) > stands,
            "{until:?}"
        );
    }
    assert!(matches!(wishes(None).await, Ok(None)), "it has none");
}

#[tokio::test]
async fn what_a_ca_may_not_say_of_renewal_is_no_wish() {
    for text in [
        answer(200, "", WINDOW),
        answer(200, "retry-after: soon\r\n", WINDOW),
        answer(200, "retry-after: 60\r\n", "{}"),
        answer(200, "retry-after: 60\r\n", "not JSON"),
        answer(
            200,
            "retry-after: 60\r\n",
            &format!("{WINDOW}{}", " ".repeat(300_000)),
        ),
        answer(
            301,
            "retry-after: 60\r\nlocation: http://127.0.0.1:9/\r\n",
            "",
        ),
        answer(404, "retry-after: 60\r\n", "{}"),
    ] {
        let said = wishes(Some(text.clone())).await;
        let is_refused = matches!(
            said,
            Err(OrderError::BadReply { .. } | OrderError::Refused { .. })
        );
        assert!(is_refused, "{said:?} of {text:.200}");
    }
}

#[tokio::test]
async fn a_ca_that_is_asked_too_often_says_how_long_to_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut answers = ca(&address, None);
    let problem = json!({
        "type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many", "status": 429,
    });
    let text = answer(429, "retry-after: 7200\r\n", &problem.to_string());
    answers.insert("/order".to_owned(), text);
    let order = async {
        let desk = desk(&address).await.unwrap();
        let publish = async |_answer| panic!("there is no challenge");
        let given = desk.order("a.example", None, publish).await;
        (given.unwrap_err(), desk.patience.said())
    };
    let (error, said) = tokio::select! {
        both = order => both,
        () = serve(&listener, &answers) => panic!("it serves for ever"),
    };
    assert!(error.is_of_too_many(), "{error:?}");
    assert_eq!(error.reason(), "refused");
    assert_eq!(said, Some(Duration::from_hours(2)));
}

/// What a CA that has wishes about renewal, and refuses an order as `kind`, is told
/// that the orders replace, and what comes of it.
async fn replaced(kind: &str, leaf: &CertificateDer<'_>) -> (Vec<serde_json::Value>, OrderError) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut answers = ca(&address, Some(answer(404, "", "{}")));
    let problem = json!({ "type": kind, "detail": "no", "status": 409 });
    let text = answer(409, "", &problem.to_string());
    answers.insert("/order".to_owned(), text);
    let mut asked = Vec::new();
    let order = async {
        let desk = desk(&address).await.unwrap();
        let publish = async |_answer| panic!("there is no challenge");
        let given = desk.order("a.example", Some(leaf), publish).await;
        given.unwrap_err()
    };
    let error = tokio::select! {
        error = order => error,
        () = serve_and_note(&listener, &answers, &mut asked) => panic!("it serves for ever"),
    };
    let orders = asked.iter().filter(|(path, _)| path == "/order");
    let replaces = orders.map(|(_, body)| {
        let signed: serde_json::Value = serde_json::from_str(body).unwrap();
        let payload = signed["payload"].as_str().unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        let order: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(order["identifiers"][0]["value"], "a.example");
        order["replaces"].clone()
    });
    (replaces.collect(), error)
}

#[tokio::test]
async fn an_order_says_what_it_replaces_unless_that_was_replaced_already() {
    let leaf = leaf();
    let (replaces, error) = replaced("urn:ietf:params:acme:error:alreadyReplaced", &leaf).await;
    assert!(error.is_of_replacing(), "{error:?}");
    let [first, second] = replaces.as_slice() else {
        panic!("{replaces:?}");
    };
    // RFC 9773, 4.1: the key identifier of the issuer, and the serial number.
    let name = first.as_str().unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&leaf).unwrap();
    let serial = BASE64_URL_SAFE_NO_PAD.encode(certificate.raw_serial());
    let (issuer, found) = name.split_once('.').unwrap();
    assert_eq!(found, serial);
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(issuer).unwrap().len(), 20);
    assert!(second.is_null(), "{second}");
    // Any other refusal is not asked about again.
    let (replaces, error) = replaced("urn:ietf:params:acme:error:rejectedIdentifier", &leaf).await;
    assert_eq!((replaces.len(), error.reason()), (1, "refused"));
}

#[tokio::test]
async fn nobody_who_is_asked_in_secret_sends_us_elsewhere_in_the_clear() {
    let courier = courier(&"https://ca.example/dir".parse().unwrap());
    for url in ["http://127.0.0.1:9/order", "http://ca.example/order"] {
        let request = http::Request::builder().uri(url).body(Vec::new().into());
        let carried = courier.request(request.unwrap()).await;
        let Err(error) = carried else {
            panic!("{url} was asked");
        };
        assert_eq!(error.to_string(), "it does not begin with `https://`");
    }
}
