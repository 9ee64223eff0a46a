//! Where other trust domains ask for our bundle, as whoever asks finds it.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use portreeve::https::Client;
use portreeve::https::Request;
use portreeve::https::WebRoots;
use portreeve::jwt::BundleDocument;
use portreeve::rpc::authority::rotate_request::Step;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::certificates_to_pem;
use rcgen::KeyPair;

use crate::authority::site::WebCa;
use crate::authority::steps::rotate;
use crate::authority::town::Town;
use crate::authority::town::until;
use crate::caller::Caller;
use crate::stage::Calendar;
use crate::strangers;
use crate::strangers::Shown;

#[test]
fn the_bundle_is_served_to_anybody_who_asks_for_it_and_for_nothing_else() {
    let town = Town::with("federation: { listen: \"127.0.0.1:0\", refresh_hint_s: 60 }");
    let first = document(&town);
    let published = || {
        let text = fs::read(town.path("roots.pem")).unwrap();
        certificates_from_pem(&text, "roots.pem").unwrap()
    };
    assert_eq!(first.refresh_hint.unwrap().as_secs(), 60);
    assert_eq!(first.roots, published());
    rotate(&town, Step::Prepare).unwrap();
    until(|| document(&town).roots.len() == 2);
    let next = document(&town);
    assert!(next.sequence > first.sequence, "{next:?}");
    assert_eq!(next.roots, published());
    assert_eq!(next.jwt_keys.iter().count(), 2);

    for (request, status) in [
        ("GET /other", "HTTP/1.1 404 "),
        ("POST /", "HTTP/1.1 405 "),
        ("HEAD /", "HTTP/1.1 200 "),
    ] {
        let rest = ask(&town, request).rest();
        assert!(rest.starts_with(status), "{request}: {rest}");
        assert!(rest.ends_with("\r\n\r\n"), "{request} has a body: {rest}");
    }
    town.shows("portreeve_authority_bundle_requests_total{result=\"405\"} 1");
    town.says("/status", "bundle_endpoint");
}

#[test]
fn the_next_certificate_for_the_host_is_shown_once_it_can_be() {
    let [ca, next] = [(); 2].map(|()| WebCa::new());
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["web.crt", "web.key"].map(|name| folder.path().join(name));
    let put = |(chain, secret): &Shown| {
        fs::write(&certificate, certificates_to_pem(chain)).unwrap();
        let secret = KeyPair::try_from(secret).unwrap().serialize_pem();
        fs::write(&key, secret).unwrap();
    };
    put(&ca.name("127.0.0.1"));
    let town = Town::with(&format!(
        "federation: {{ listen: \"127.0.0.1:0\", profile: https_web, certificate: \"{}\", key: \"{}\" }}",
        certificate.display(),
        key.display()
    ));
    assert!(is_believed(&town, &ca));
    // A broken pair does not take the place of a good one.
    fs::write(&key, "no key").unwrap();
    assert!(is_believed(&town, &ca));
    assert!(!is_believed(&town, &next));
    put(&next.name("127.0.0.1"));
    assert!(is_believed(&town, &next));
    assert!(!is_believed(&town, &ca));
}

#[test]
fn whoever_asks_for_the_bundle_and_then_is_silent_keeps_nobody_out_for_long() {
    let town = Town::with("federation: { listen: \"127.0.0.1:0\" }");
    let door = town.bundle_endpoint();
    // More than are heard at once.
    let silent = (0..100).map(|number| {
        let source = Ipv4Addr::new(127, 0, 1, number / 8);
        Caller::plain_from(source, door)
    });
    let silent: Vec<_> = silent.collect();
    let mut slow = Caller::secure(door, strangers::client(None, &[b"http/1.1"]));
    slow.send("GET / HTTP/1.1\r\nhost: x\r\n");
    let mut twin = Caller::secure(door, strangers::client(None, &[b"http/1.1"]));
    twin.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(twin.answer().status(), 200);
    for mut caller in silent {
        assert_eq!(caller.rest(), "");
    }
    let rest = slow.rest();
    assert!(
        rest.is_empty() || rest.starts_with("HTTP/1.1 408 "),
        "{rest}"
    );
}

#[test]
fn whoever_asks_for_the_bundle_from_one_address_keeps_nobody_else_out() {
    let town = Town::with("federation: { listen: \"127.0.0.1:0\" }");
    let door = town.bundle_endpoint();
    let silent: Vec<_> = (0..100).map(|_| Caller::plain(door)).collect();
    town.shows("portreeve_authority_bundle_requests_total{result=\"too_many_connections\"} 92");
    let config = strangers::client(None, &[b"http/1.1"]);
    let mut twin = Caller::secure_from(Ipv4Addr::new(127, 0, 0, 2), door, config);
    twin.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(twin.answer().status(), 200);
    // Once those have hung up, their address is as good as any.
    silent.into_iter().for_each(Caller::hang_up);
    until(|| {
        let mut again = Caller::secure(door, strangers::client(None, &[b"http/1.1"]));
        let sent = again.try_send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        sent.is_ok() && again.rest().starts_with("HTTP/1.1 200 ")
    });
}

/// Whether the endpoint shows a certificate of `ca`.
fn is_believed(town: &Town, ca: &WebCa) -> bool {
    let file = town.path("ca.pem");
    fs::write(&file, ca.root()).unwrap();
    let clock: Arc<Calendar> = Arc::clone(&town.calendar);
    let trust = WebRoots::new(Some(file), clock).trust().unwrap();
    let url = format!("https://{}/", town.bundle_endpoint());
    let request = Request {
        credentials: None,
        post: None,
        trust: &trust,
        url: &url.parse().unwrap(),
    };
    match town.wait(Client::default().ask(request)) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.reason(), "not_believed");
            false
        }
    }
}

/// Somebody without a certificate, who believes anybody.
fn ask(town: &Town, request: &str) -> Caller {
    let config = strangers::client(None, &[b"http/1.1"]);
    let mut caller = Caller::secure(town.bundle_endpoint(), config);
    caller.send(format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n"));
    caller
}

/// What is served.
fn document(town: &Town) -> BundleDocument {
    let answer = ask(town, "GET /").answer();
    assert_eq!(answer.field("content-type"), Some("application/json"));
    BundleDocument::parse(&answer.body).unwrap()
}
