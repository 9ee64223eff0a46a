//! What a handshake takes, and how each way to fail is named.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use portreeve::time::Clock as _;
use portreeve::tls::AcceptError;
use portreeve::tls::Acceptor;
use portreeve::tls::ConnectError;
use portreeve::tls::HandshakeError;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::Protocol;
use portreeve::tls::Refusal;
use portreeve::tls::Settings;
use portreeve::x509::Leaf;
use rustls::CipherSuite;
use rustls::ClientConnection;
use rustls::HandshakeKind;
use rustls::NamedGroup;
use rustls::ProtocolVersion;
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::web;
use crate::parties::HERE;
use crate::parties::acceptor;
use crate::parties::call_on;
use crate::parties::called_by;
use crate::parties::connector;
use crate::parties::meet;
use crate::parties::wire;
use crate::strangers;

#[tokio::test]
async fn two_sidecars_prove_themselves_to_each_other() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let acceptor = acceptor(&live, &calendar);
    let connector = connector(&live, &calendar, vec![web()]);
    let leaf = Leaf::parse(&corpus::chain("good/plain.pem")[0]).unwrap();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (connected, accepted) = meet(&connector, &acceptor, protocol).await;
        let (mut connected, mut accepted) = (connected.unwrap(), accepted.unwrap());
        assert_eq!(connected.protocol, protocol);
        assert_eq!(accepted.protocol, protocol);
        assert_eq!(connected.generation, 0);
        for peer in [&connected.peer, &accepted.peer] {
            assert_eq!(peer.id(), &web());
            assert_eq!(peer.not_after(), leaf.not_after());
            assert_eq!(peer.serial(), "41".repeat(16));
            assert_eq!(peer.fingerprint(), leaf.fingerprint());
            assert_eq!(peer.fingerprint().len(), 64);
        }
        connected.stream.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        accepted.stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");

        let (_, session) = accepted.stream.get_ref();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.server_name(), None, "the dialled name was sent");
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        assert_eq!(suite, CipherSuite::TLS13_AES_128_GCM_SHA256);
        let group = session.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
    }
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_turned_away() {
    let acceptor = acceptor(&corpus::live(), &Calendar::new());
    let (stranger, accepted) = called_by(strangers::client(None, &[b"h2"]), &acceptor).await;
    assert_eq!(failed(accepted), HandshakeError::NoCertificate);
    let mut byte = [0];
    // It sees its own half of the handshake end well, and then the alert.
    let alert = stranger.unwrap().read_exact(&mut byte).await.unwrap_err();
    assert!(alert.to_string().contains("CertificateRequired"), "{alert}");
}

#[tokio::test]
async fn the_version_of_http_is_negotiated_or_there_is_no_connection() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let acceptor = acceptor(&live, &calendar);
    let connector = connector(&live, &calendar, vec![web()]);
    let shown = || (corpus::chain("good/plain.pem"), corpus::key("leaf"));

    for (alpn, expected) in [
        (&[][..], Err(HandshakeError::NoAlpn)),
        (&[&b"http/1.0"[..]][..], Err(HandshakeError::OtherAlpn)),
        (&[b"H2"], Err(HandshakeError::OtherAlpn)),
        (&[b"h2c"], Err(HandshakeError::OtherAlpn)),
        (&[b"http/1.1"], Ok(Protocol::Http1)),
        (&[b"spdy/3", b"http/1.1"], Ok(Protocol::Http1)),
        (&[b"http/1.1", b"h2"], Ok(Protocol::Http2)),
    ] {
        let stranger = strangers::client(Some(shown()), alpn);
        let (_, accepted) = called_by(stranger, &acceptor).await;
        let found = accepted.map(|accepted| accepted.protocol);
        let expected = expected.map_err(|cause| AcceptError::Handshake { cause });
        assert_eq!(found, expected, "{alpn:?}");
    }
    for (alpn, expected) in [
        (&[][..], Err(HandshakeError::NoAlpn)),
        (&[&b"http/1.1"[..]][..], Err(HandshakeError::OtherAlpn)),
        (&[b"http/1.1", b"h2"], Ok(Protocol::Http2)),
    ] {
        let (chain, key) = shown();
        let stranger = strangers::server((chain, key), alpn);
        let (_, connected) = call_on(stranger, &connector).await;
        let found = connected.map(|connected| connected.protocol);
        let expected = expected.map_err(|cause| ConnectError::Handshake { cause });
        assert_eq!(found, expected, "{alpn:?}");
    }
}

#[tokio::test]
async fn a_far_side_that_is_not_expected_never_sees_our_certificate() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let other = "spiffe://prod.example/ns/shop/sa/we".parse().unwrap();
    for expected in [vec![], vec![other]] {
        let connector = connector(&live, &calendar, expected);
        let stranger = strangers::server(
            (corpus::chain("good/plain.pem"), corpus::key("leaf")),
            &[b"h2"],
        );
        let (called, connected) = call_on(stranger, &connector).await;
        let cause = Refusal::Unexpected { found: web() };
        assert_eq!(
            connected.err(),
            Some(ConnectError::Handshake {
                cause: HandshakeError::BadCertificate { cause }
            })
        );
        // The stranger heard an alert in place of a certificate.
        let error = called.err().unwrap();
        let error = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
        assert!(
            matches!(error, Some(rustls::Error::AlertReceived(_))),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_far_side_that_does_not_ask_who_we_are_is_refused() {
    let connector = connector(&corpus::live(), &Calendar::new(), vec![web()]);
    for (asks, expected) in [(true, None), (false, Some(HandshakeError::NotMutual))] {
        let (chain, key) = (corpus::chain("good/plain.pem"), corpus::key("leaf"));
        let mut stranger = strangers::server((chain.clone(), key), &[b"h2"]);
        if !asks {
            stranger = rustls::ServerConfig::builder_with_provider(
                rustls::crypto::aws_lc_rs::default_provider().into(),
            )
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, corpus::key("leaf"))
            .unwrap();
            stranger.alpn_protocols = vec![b"h2".to_vec()];
        }
        let (_, connected) = call_on(stranger, &connector).await;
        let expected = expected.map(|cause| ConnectError::Handshake { cause });
        assert_eq!(connected.err(), expected);
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_worth_nothing() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let stolen = || (corpus::chain("good/plain.pem"), corpus::key("impostor"));
    let stranger = strangers::client(Some(stolen()), &[b"h2"]);
    let (_, accepted) = called_by(stranger, &acceptor(&live, &calendar)).await;
    assert_eq!(failed(accepted), HandshakeError::BadSignature);

    let (chain, key) = stolen();
    let connector = connector(&live, &calendar, vec![web()]);
    let (_, connected) = call_on(strangers::server((chain, key), &[b"h2"]), &connector).await;
    assert_eq!(
        connected.err(),
        Some(ConnectError::Handshake {
            cause: HandshakeError::BadSignature
        })
    );
}

#[tokio::test]
async fn a_far_side_that_does_not_believe_us_tells_both() {
    let calendar = Calendar::new();
    let theirs = corpus::live();
    // We are of a trust domain that they know nothing of.
    let alone = portreeve::x509::Bundles::new(corpus::bundles().get(web().trust_domain()).cloned())
        .unwrap();
    let ours = corpus::identity("good/of-another-trust-domain-that-we-know.pem", "leaf");
    let ours = Arc::new(portreeve::identity::Live::new(ours));
    let svid = theirs.current().svid().as_ref().clone();
    theirs.replace(
        portreeve::identity::Identity::new(
            svid,
            Arc::new(alone),
            calendar.now(),
            &portreeve::x509::Limits::default(),
        )
        .unwrap(),
    );
    let acceptor = acceptor(&theirs, &calendar);
    let connector = connector(&ours, &calendar, vec![web()]);
    let (connected, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    let reason = accepted.err().unwrap().reason().into_owned();
    assert_eq!(reason, "bad_certificate:unknown_trust_domain");
    let mut byte = [0];
    let error = connected.unwrap().stream.read_exact(&mut byte).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidData);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_handshake_timeout() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let acceptor = acceptor(&live, &calendar);
    let (mut caller, called) = wire().await;
    caller.write_all(b"\x16\x03\x01").await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(
        failed(acceptor.accept(called, HERE).await),
        HandshakeError::Timeout
    );
    assert_eq!(
        began.elapsed().as_secs(),
        5,
        "not the setting's five seconds"
    );

    let connector = connector(&live, &calendar, vec![web()]);
    let (caller, _called) = wire().await;
    assert_eq!(
        connector.connect(caller, Protocol::Http2).await.err(),
        Some(ConnectError::Handshake {
            cause: HandshakeError::Timeout
        })
    );
}

#[tokio::test]
async fn whoever_comes_when_all_slots_are_taken_is_turned_away_at_once() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let clock: Arc<Calendar> = Arc::clone(&calendar);
    let settings = Settings {
        handshake_timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let slots = HandshakeSlots::new(1);
    let acceptor = Acceptor::new(Arc::clone(&live), clock, settings, slots.clone());
    let connector = connector(&live, &calendar, vec![web()]);

    let (silent, called) = wire().await;
    let mut unheard = Box::pin(acceptor.accept(called, HERE));
    assert!(futures_util::FutureExt::now_or_never(unheard.as_mut()).is_none());
    assert_eq!(slots.free(), 1, "silence takes a slot");
    drop((unheard, silent));

    let (mut silent, called) = wire().await;
    silent.write_all(&hello()).await.unwrap();
    let mut held = Box::pin(acceptor.accept(called, HERE));
    while slots.free() > 0 {
        assert!(futures_util::FutureExt::now_or_never(held.as_mut()).is_none());
        tokio::task::yield_now().await;
    }
    let (_, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    assert_eq!(accepted.err(), Some(AcceptError::TooManyHandshakes));

    silent.shutdown().await.unwrap();
    let broken = HandshakeError::Broken {
        kind: ErrorKind::UnexpectedEof,
    };
    assert_eq!(failed(held.await), broken);
    assert_eq!(slots.free(), 1);
    let (_, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    assert!(accepted.is_ok(), "the slot was not given back");
    assert_eq!(slots.free(), 1, "a connection holds a slot for handshakes");
}

/// The first words of a caller.
fn hello() -> Vec<u8> {
    let name = ServerName::try_from("orders").unwrap();
    let config = Arc::new(strangers::client(None, &[b"h2"]));
    let mut hello = Vec::new();
    let mut session = ClientConnection::new(config, name).unwrap();
    session.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn what_is_not_tls_13_is_named_and_closed() {
    let acceptor = acceptor(&corpus::live(), &Calendar::new());
    for (bytes, expected) in [
        (
            &b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"[..],
            HandshakeError::NotTls,
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HandshakeError::NotTls),
        (TLS_12_HELLO, HandshakeError::OldVersion),
    ] {
        let (mut caller, called) = wire().await;
        caller.write_all(bytes).await.unwrap();
        assert_eq!(failed(acceptor.accept(called, HERE).await), expected);
        let mut answer = Vec::new();
        drop(caller.read_to_end(&mut answer).await);
        assert!(answer.len() <= 7, "more than an alert: {answer:?}");
    }
}

#[tokio::test]
async fn a_hello_in_small_pieces_is_still_a_hello() {
    let acceptor = acceptor(&corpus::live(), &Calendar::new());
    let shown = (corpus::chain("good/plain.pem"), corpus::key("leaf"));
    let mut stranger = strangers::client(Some(shown), &[b"h2"]);
    stranger.max_fragment_size = Some(32);
    let (_, accepted) = called_by(stranger, &acceptor).await;
    assert_eq!(accepted.unwrap().peer.id(), &web());
}

#[tokio::test]
async fn a_peer_ends_with_the_first_of_its_chain() {
    let calendar = Calendar::new();
    let acceptor = acceptor(&corpus::live(), &calendar);
    let file = "good/through-an-intermediate-that-ends-first.pem";
    let shown = (corpus::chain(file), corpus::key("leaf"));
    let (_, accepted) = called_by(strangers::client(Some(shown), &[b"h2"]), &acceptor).await;
    let ends = calendar.now() + Duration::from_secs(60);
    assert_eq!(accepted.unwrap().peer.not_after(), ends);
}

fn failed(accepted: Result<portreeve::tls::Accepted, AcceptError>) -> HandshakeError {
    match accepted {
        Err(AcceptError::Handshake { cause }) => cause,
        other => panic!("{other:?}"),
    }
}

/// A hello as of 2008: AES-128-GCM with ECDHE on P-256, and no word of TLS 1.3.
const TLS_12_HELLO: &[u8] = b"\x16\x03\x01\x00\x45\x01\x00\x00\x41\x03\x03\
    0123456789abcdef0123456789abcdef\x00\x00\x02\xc0\x2b\x01\x00\x00\x16\
    \x00\x0a\x00\x04\x00\x02\x00\x17\x00\x0d\x00\x04\x00\x02\x04\x03\x00\x0b\x00\x02\x01\x00";
