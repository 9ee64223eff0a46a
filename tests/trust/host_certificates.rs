//! Whom a door with a certificate for each host shows what.

use std::sync::Arc;

use portreeve::acme::Answer;
use portreeve::acme::Issued;
use portreeve::tls::AcceptError;
use portreeve::tls::HandshakeError;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::HostCertificates;
use portreeve::tls::OpenReception;
use portreeve::tls::Protocol;
use portreeve::tls::Settings;
use portreeve::tls::Shows;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rustls::AlertDescription;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsConnector;

use crate::parties::HERE;
use crate::parties::wire;
use crate::strangers;

/// What a caller has seen: a certificate, or an alert.
type Seen = Result<CertificateDer<'static>, AlertDescription>;
/// What the door says of it: what is spoken, or nothing after a validation.
type Said = Result<Option<Protocol>, HandshakeError>;

/// A door for three hosts, of which `good.example` has a certificate, and both that
/// and `new.example` an order under way.
struct Door {
    answers: [CertificateDer<'static>; 2],
    certificate: CertificateDer<'static>,
    hosts: Arc<HostCertificates>,
    reception: OpenReception,
}

impl Door {
    fn new() -> Self {
        let names = ["good.example", "new.example", "idle.example"].map(String::from);
        let hosts = Arc::new(HostCertificates::new(&names));
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["good.example".to_owned()]).unwrap();
        let chain = params.self_signed(&key).unwrap().pem();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let issued = Issued::given(&chain, &key, "good.example").unwrap();
        hosts.show("good.example", Arc::clone(issued.shown()));
        let answers = ["good.example", "new.example"].map(|host| answer(&hosts, host));
        let shows = Shows::Hosts(Arc::clone(&hosts));
        Self {
            answers,
            certificate: issued.leaf().unwrap().clone(),
            hosts,
            reception: OpenReception::for_people(shows, Settings::default()).unwrap(),
        }
    }

    /// Somebody comes for `name`, and offers `alpn`.
    async fn meets(&self, name: &str, alpn: &[&[u8]]) -> (Seen, Said) {
        let (caller, called) = wire().await;
        let mut config = strangers::client(None, alpn);
        // An address is not sent as a name.
        let name = ServerName::try_from(name.to_owned()).unwrap();
        config.enable_sni = matches!(name, ServerName::DnsName(_));
        let connector = TlsConnector::from(Arc::new(config));
        let slots = HandshakeSlots::new(HandshakeSlots::DEFAULT);
        let (connected, welcomed) = tokio::join!(
            connector.connect(name, caller),
            self.reception.welcome(&slots, called, HERE)
        );
        let said = welcomed.map(|welcomed| welcomed.map(|(_, protocol)| protocol));
        let said = said.map_err(|error| match error {
            AcceptError::Handshake { cause } => cause,
            other => panic!("{other:?}"),
        });
        let seen = match connected {
            Ok(mut stream) => {
                let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
                if said == Ok(None) {
                    let mut spoken = Vec::new();
                    let ended = stream.read_to_end(&mut spoken).await;
                    assert_eq!(ended.map_err(|error| error.kind()), Ok(0), "{spoken:?}");
                }
                Ok(shown)
            }
            Err(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::AlertReceived(alert)) => Err(*alert),
                other => panic!("{other:?}"),
            },
        };
        (seen, said)
    }
}

/// Answers a challenge for `host` from now on.
fn answer(hosts: &HostCertificates, host: &str) -> CertificateDer<'static> {
    let answer = Answer::make(host, &[7; 32]).unwrap();
    let shown = Answer::shown(answer.as_str().as_bytes()).unwrap();
    hosts.answer(host, Some(Arc::clone(&shown)));
    shown.cert[0].clone()
}

const ACME: &[u8] = b"acme-tls/1";

#[tokio::test]
async fn a_browser_sees_its_hosts_certificate_and_a_ca_the_answer_to_its_challenge() {
    let door = Door::new();
    let good = (Ok(door.certificate.clone()), Ok(Some(Protocol::Http1)));
    let [of_good, of_new] = door.answers.clone();
    assert_eq!(door.meets("good.example", &[b"http/1.1"]).await, good);
    assert_eq!(door.meets("good.example", &[]).await, good);
    assert_eq!(
        door.meets("good.example", &[ACME]).await,
        (Ok(of_good), Ok(None))
    );
    assert_eq!(
        door.meets("new.example", &[ACME]).await,
        (Ok(of_new), Ok(None))
    );
    // Whoever offers something else beside it is no CA (RFC 8737, 3).
    let beside = door.meets("good.example", &[ACME, b"http/1.1"]).await;
    assert_eq!(beside, good);
    // The order is over.
    door.hosts.answer("good.example", None);
    door.hosts.has_looked(u64::MAX);
    let refused = (
        Err(AlertDescription::NoApplicationProtocol),
        Err(HandshakeError::OtherAlpn),
    );
    assert_eq!(door.meets("good.example", &[ACME]).await, refused);
    assert_eq!(door.meets("good.example", &[b"http/1.1"]).await, good);
}

#[tokio::test]
async fn whoever_cannot_be_shown_anything_is_told_why() {
    let door = Door::new();
    let other = |host: &str| HandshakeError::UnknownHost {
        host: host.to_owned(),
    };
    let early = |host: &str| HandshakeError::NoCertificateYet {
        host: host.to_owned(),
    };
    let http = &[&b"http/1.1"[..]][..];
    let cases = [
        (
            "other.example",
            http,
            AlertDescription::UnrecognisedName,
            other("other.example"),
        ),
        (
            "other.example",
            &[ACME],
            AlertDescription::UnrecognisedName,
            other("other.example"),
        ),
        (
            "sub.good.example",
            http,
            AlertDescription::UnrecognisedName,
            other("sub.good.example"),
        ),
        (
            "idle.example",
            http,
            AlertDescription::InternalError,
            early("idle.example"),
        ),
        (
            "new.example",
            http,
            AlertDescription::InternalError,
            early("new.example"),
        ),
        // What is not alone is not a validation.
        (
            "new.example",
            &[ACME, b"h2"],
            AlertDescription::InternalError,
            early("new.example"),
        ),
        (
            "127.0.0.1",
            http,
            AlertDescription::MissingExtension,
            HandshakeError::NoServerName,
        ),
    ];
    for (name, alpn, alert, why) in cases {
        let met = door.meets(name, alpn).await;
        assert_eq!(met, (Err(alert), Err(why)), "{name} {alpn:?}");
    }
}

#[tokio::test]
async fn a_ca_that_comes_before_its_answer_waits_until_the_store_was_looked_at() {
    let door = Door::new();
    let mut wanted = door.hosts.wanted();
    let store = async {
        let mut answers = Vec::new();
        for host in ["idle.example", "nobody.example"] {
            wanted.changed().await.unwrap();
            let asked = *wanted.borrow_and_update();
            // What one who came earlier waited for is no news.
            door.hosts.has_looked(asked - 1);
            if host == "idle.example" {
                answers.push(answer(&door.hosts, host));
            } else {
                door.hosts.answer("idle.example", None);
            }
            door.hosts.has_looked(asked);
        }
        answers
    };
    let ca = async {
        let first = door.meets("idle.example", &[ACME]).await;
        door.hosts.answer("idle.example", None);
        (first, door.meets("idle.example", &[ACME]).await)
    };
    let (answers, (first, second)) = tokio::join!(store, ca);
    assert_eq!(first, (Ok(answers[0].clone()), Ok(None)));
    assert_eq!(second.1, Err(HandshakeError::OtherAlpn));
}
