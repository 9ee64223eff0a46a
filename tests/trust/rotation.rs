//! Our identity is swapped while handshakes and connections go on.

use std::sync::Arc;

use portreeve::identity::Identity;
use portreeve::identity::Live;
use portreeve::time::Clock as _;
use portreeve::tls::Protocol;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::Leaf;
use portreeve::x509::Limits;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::web;
use crate::parties::acceptor;
use crate::parties::connector;
use crate::parties::meet;

#[tokio::test]
async fn the_next_handshake_shows_the_new_certificate_and_the_old_connection_lives() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let acceptor = acceptor(&live, &calendar);
    let connector = connector(&live, &calendar, vec![web()]);
    let (before, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    let (mut before, mut accepted) = (before.unwrap(), accepted.unwrap());

    live.replace(corpus::identity("good/key-is-p384.pem", "leaf-p384"));
    assert_eq!(live.generation(), 1);
    let (after, seen) = meet(&connector, &acceptor, Protocol::Http2).await;
    let (after, seen) = (after.unwrap(), seen.unwrap());
    let new = Leaf::parse(&corpus::chain("good/key-is-p384.pem")[0]).unwrap();
    assert_eq!(after.peer.fingerprint(), new.fingerprint());
    assert_eq!(seen.peer.fingerprint(), new.fingerprint());
    assert_eq!((before.generation, after.generation), (0, 1));

    before.stream.write_all(b"still here").await.unwrap();
    accepted.stream.read_exact(&mut [0; 10]).await.unwrap();
}

#[tokio::test]
async fn a_swap_in_the_middle_of_a_handshake_breaks_nothing() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let acceptor = acceptor(&live, &calendar);
    let connector = connector(&live, &calendar, vec![web()]);
    for round in 0..20 {
        let file = ["good/key-is-p384.pem", "good/plain.pem"][round % 2];
        let key = ["leaf-p384", "leaf"][round % 2];
        let next = corpus::identity(file, key);
        let swap = async {
            tokio::task::yield_now().await;
            live.replace(next);
        };
        let ((connected, accepted), ()) =
            tokio::join!(meet(&connector, &acceptor, Protocol::Http2), swap);
        assert!(connected.is_ok() && accepted.is_ok(), "round {round}");
    }
    assert_eq!(live.generation(), 20);
    assert_eq!(live.current().generation(), 20);
}

#[tokio::test]
async fn a_withdrawn_root_is_believed_no_more() {
    let (live, calendar) = (corpus::live(), Calendar::new());
    let theirs = corpus::identity("good/of-another-trust-domain-that-we-know.pem", "leaf");
    let theirs = Arc::new(Live::new(theirs));
    let acceptor = acceptor(&live, &calendar);
    let connector = connector(&theirs, &calendar, vec![web()]);
    let (_, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    assert!(accepted.is_ok());

    let svid = live.current().svid().as_ref().clone();
    let ours = corpus::bundles().get(web().trust_domain()).unwrap().clone();
    let nobody = Bundle::new("other.example".parse().unwrap(), []).unwrap();
    let bundles = Arc::new(Bundles::new([ours, nobody]).unwrap());
    let next = Identity::new(svid, bundles, calendar.now(), &Limits::default());
    live.replace(next.unwrap());
    let (_, accepted) = meet(&connector, &acceptor, Protocol::Http2).await;
    let reason = accepted.err().unwrap().reason().into_owned();
    assert_eq!(reason, "bad_certificate:unknown_issuer");
}

#[test]
fn whoever_waits_for_a_swap_hears_of_it() {
    let live = corpus::live();
    let mut changed = live.changed();
    assert!(!changed.has_changed().unwrap());
    live.replace(corpus::identity("good/plain.pem", "leaf"));
    assert!(changed.has_changed().unwrap());
    assert_eq!(changed.borrow_and_update().generation(), 1);
}
