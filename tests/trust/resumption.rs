//! No session is ever resumed: nobody's certificate is taken as read.
//!
//! The TLS library does not judge a resumed session's certificate again. With
//! its defaults, a client whose certificate expired keeps coming in.

use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;

use portreeve::identity::Live;
use portreeve::tls::Protocol;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::web;
use crate::parties::HERE;
use crate::parties::acceptor;
use crate::parties::connector;
use crate::parties::wire;
use crate::strangers;

#[tokio::test]
async fn a_client_that_remembers_its_session_is_judged_again() {
    let calendar = Calendar::new();
    let acceptor = acceptor(&corpus::live(), &calendar);
    let shown = (corpus::chain("good/plain.pem"), corpus::key("leaf"));
    // One configuration, and with it one store of sessions.
    let stranger = Arc::new(strangers::client(Some(shown), &[b"h2"]));
    for visit in 0..3 {
        let (caller, called) = wire().await;
        let connector = TlsConnector::from(Arc::clone(&stranger));
        let name = ServerName::try_from("web.prod.example").unwrap();
        let (caller, accepted) = tokio::join!(
            connector.connect(name, caller),
            acceptor.accept(called, HERE)
        );
        let mut caller = caller.unwrap();
        if visit == 2 {
            let reason = accepted.err().unwrap().reason().into_owned();
            assert_eq!(reason, "bad_certificate:expired");
            break;
        }
        let mut accepted = accepted.unwrap();
        // Tickets come with the first bytes after the handshake, if they come.
        accepted.stream.write_all(b"x").await.unwrap();
        caller.read_exact(&mut [0]).await.unwrap();
        let (_, session) = caller.get_ref();
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
        calendar.pass(Duration::from_secs(if visit == 0 { 1 } else { 3600 }));
    }
}

#[tokio::test]
async fn our_own_client_remembers_nothing() {
    let calendar = Calendar::new();
    let ours = corpus::identity("good/holds-for-92-days.pem", "leaf");
    let connector = connector(&Arc::new(Live::new(ours)), &calendar, vec![web()]);
    let chain = corpus::chain("good/plain.pem");
    let generous = Arc::new(strangers::server((chain, corpus::key("leaf")), &[b"h2"]));
    for visit in 0..3 {
        let (caller, called) = wire().await;
        let server = TlsAcceptor::from(Arc::clone(&generous));
        let (connected, called) = tokio::join!(
            connector.connect(caller, Protocol::Http2),
            server.accept(called)
        );
        if visit == 2 {
            let reason = connected.err().unwrap().reason().into_owned();
            assert_eq!(reason, "bad_certificate:expired");
            break;
        }
        let mut called = called.unwrap();
        let mut connected = connected.unwrap();
        called.write_all(b"x").await.unwrap();
        connected.stream.read_exact(&mut [0]).await.unwrap();
        let (_, session) = connected.stream.get_ref();
        assert!(
            session.tls13_tickets_received() > 0,
            "nothing to resume from"
        );
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        calendar.pass(Duration::from_secs(if visit == 0 { 1 } else { 3600 }));
    }
}
