//! Whom an authority hears: those who have no name yet, and those whose name has just ended.

use std::sync::Arc;
use std::time::Duration;

use portreeve::tls::AcceptError;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::Reception;
use portreeve::tls::Settings;
use portreeve::tls::Visitor;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::web;
use crate::parties::HERE;
use crate::parties::wire;
use crate::strangers;

const GRACE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn who_has_no_name_is_heard() {
    let visitor = received(&reception(&Calendar::new(), GRACE), None).await;
    assert!(visitor.unwrap().peer.is_none());
}

#[tokio::test]
async fn a_name_is_heard_until_its_grace_is_over() {
    let calendar = Calendar::new();
    let (kind, strict) = (
        reception(&calendar, GRACE),
        reception(&calendar, Duration::ZERO),
    );
    // Of one hour, of which this is the first second.
    for (passed, by_kind, by_strict) in [
        (Duration::ZERO, None, None),
        (Duration::from_secs(3600), None, None),
        (
            Duration::from_secs(1),
            None,
            Some("bad_certificate:expired"),
        ),
        (
            Duration::from_secs(59),
            None,
            Some("bad_certificate:expired"),
        ),
        (
            Duration::from_secs(1),
            Some("bad_certificate:expired"),
            Some("bad_certificate:expired"),
        ),
    ] {
        calendar.pass(passed);
        for (reception, refused) in [(&kind, by_kind), (&strict, by_strict)] {
            let visitor = received(reception, Some("good/plain.pem")).await;
            match (visitor, refused) {
                (Ok(visitor), None) => assert_eq!(visitor.peer.unwrap().id(), &web()),
                (Err(why), Some(refused)) => assert_eq!(why.reason(), refused),
                (other, refused) => panic!("{passed:?}: {other:?}, and not {refused:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_not_heard() {
    let reception = reception(&Calendar::new(), GRACE);
    let why = received(&reception, Some("bad/names-nobody.pem")).await;
    assert_eq!(why.unwrap_err().reason(), "bad_certificate:no_uri");
}

fn reception(calendar: &Arc<Calendar>, grace: Duration) -> Reception {
    let clock: Arc<Calendar> = Arc::clone(calendar);
    let slots = HandshakeSlots::new(HandshakeSlots::DEFAULT);
    Reception::new(corpus::live(), clock, Settings::default(), slots, grace)
}

async fn received(reception: &Reception, shows: Option<&str>) -> Result<Visitor, AcceptError> {
    let (caller, called) = wire().await;
    let shows = shows.map(|file| (corpus::chain(file), corpus::key("leaf")));
    let caller_config: ClientConfig = strangers::client(shows, &[b"h2"]);
    let connector = TlsConnector::from(Arc::new(caller_config));
    let name = ServerName::try_from("web.prod.example").unwrap();
    let (_caller, visitor) = tokio::join!(
        connector.connect(name, caller),
        reception.receive(called, HERE)
    );
    visitor
}
