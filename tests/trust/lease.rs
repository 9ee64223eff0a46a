//! Who may prove that a connection lives on, and who may not.
//!
//! What is said is made here by the words of the protocol, so that a change of
//! either end shows.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use portreeve::ca::Authority;
use portreeve::id::SpiffeId;
use portreeve::identity::Identity;
use portreeve::identity::Issuer as _;
use portreeve::identity::Live;
use portreeve::identity::Revocations;
use portreeve::identity::Svid;
use portreeve::time::Clock as _;
use portreeve::tls::Accepted;
use portreeve::tls::Acceptor;
use portreeve::tls::Arrival;
use portreeve::tls::Connected;
use portreeve::tls::Connector;
use portreeve::tls::ExtendError;
use portreeve::tls::Extension;
use portreeve::tls::Keying;
use portreeve::tls::Leases;
use portreeve::tls::Loss;
use portreeve::tls::ProveError;
use portreeve::tls::Proved;
use portreeve::tls::Unproved;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::Limits;
use portreeve::x509::make_request;
use rcgen::KeyPair;
use rustls::ClientConfig;
use rustls::ConnectionCommon;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::corpus::Calendar;
use crate::parties::HERE;
use crate::parties::acceptor;
use crate::parties::connector;
use crate::parties::meet;
use crate::parties::wire;
use crate::strangers;
use crate::strangers::Shown;

#[tokio::test]
async fn both_ends_are_believed_for_what_they_show_next() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    let before = accepted.lease.belief().not_after();
    world.renew();
    assert!(!accepted.lease.is_extended());
    let (proved, settled) = world.prove(&world.connector, &connected.keying).await;
    assert_eq!(settled, Ok(Extension::Extended));
    let after = accepted.lease.belief();
    assert_eq!(after.not_after(), before + HOUR / 2);
    assert_eq!(after.peer().id(), &id("web"));
    assert!(accepted.lease.is_extended());
    let proved = proved.unwrap();
    let shown = (proved.generation, proved.shown_until);
    assert_eq!(shown, (1, world.web.current().svid().not_after()));
    assert_eq!(proved.belief.peer().id(), &id("orders"));
    let ends = proved.belief.not_after();
    assert_eq!(ends, world.orders.current().svid().not_after());

    // The same certificate again changes nothing.
    let (proved, settled) = world.prove(&world.connector, &connected.keying).await;
    assert_eq!((proved.is_ok(), settled), (true, Ok(Extension::Kept)));
    assert_eq!(accepted.lease.belief().not_after(), after.not_after());
    drop(accepted);
    assert_eq!(world.leases.count(), 0);
}

#[tokio::test]
async fn a_secret_helps_nobody_with_another_name() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    world.renew();
    let thief = Arc::new(Live::new(world.identity("thief", HOUR)));
    let thief = connector(&thief, &world.calendar, vec![id("orders")]);
    let (proved, settled) = world.prove(&thief, &connected.keying).await;
    assert!(matches!(proved, Err(ProveError::Refused)), "{proved:?}");
    assert_eq!(settled, Err(Unproved::OtherIdentity));
    world.is_as_before(&accepted).await;
    world.twin(&connected, &accepted).await;
}

#[tokio::test]
async fn what_was_said_once_helps_nobody_elsewhere() {
    let world = World::new();
    let (first, accepted) = world.call(OLD).await;
    world.renew();
    let web = world.shown("web", HOUR);
    let (second, claimant) = world.claim(&web).await;
    let good = claim(&first, "caller", &second);
    let cases = [
        // Said on another connection, by a caller with the same name.
        (good.clone(), Unproved::Mismatch),
        // What the called would say.
        (claim(&first, "called", &second), Unproved::Mismatch),
        // By a replica, that is at the end of another connection.
        (
            [name(&first), proof(&second, "caller", &second)].concat(),
            Unproved::Mismatch,
        ),
        (claim(&second, "caller", &second), Unproved::Unknown),
        (vec![0; 48], Unproved::Unknown),
        (good[..47].to_vec(), Unproved::Missing),
        (Vec::new(), Unproved::Missing),
    ];
    for (at, (said, why)) in cases.into_iter().enumerate() {
        let (mut other, claimant) = world.claim(&web).await;
        other.write_all(&said).await.unwrap();
        other.shutdown().await.unwrap();
        assert_eq!(claimant.await, Err(why), "case {at}");
        let mut answer = Vec::new();
        // Whoever says nothing is told nothing.
        let told = if why == Unproved::Missing { 0 } else { 33 };
        let _closed_or_reset = other.read_to_end(&mut answer).await;
        assert_eq!(answer, vec![0; told], "case {at}");
        world.is_as_before(&accepted).await;
    }
    // On its own connection, and only the first time.
    let mut second = second;
    second.write_all(&good.repeat(2)).await.unwrap();
    assert_eq!(claimant.await, Ok(Extension::Extended));
    let mut answer = [0; 33];
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[1..], proof(&first, "called", &second));
    assert_eq!(answer[0], 1);
}

#[tokio::test]
async fn a_caller_believes_only_whoever_has_its_connection() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    world.renew();
    // Another process with the same name.
    let elsewhere = acceptor(&world.orders, &world.calendar).leasing(Leases::default());
    let (proved, settled) = prove(&world.connector, &elsewhere, &connected.keying).await;
    assert!(matches!(proved, Err(ProveError::Refused)), "{proved:?}");
    assert_eq!(settled, Err(Unproved::Unknown));
    let orders = || world.shown("orders", HOUR);
    let cases: [(Shown, Lie, &str); 5] = [
        (orders(), |_| [vec![1], vec![7; 32]].concat(), "Mismatch"),
        // What the caller said, said back.
        (orders(), |said| [&[1], &said[16..]].concat(), "Mismatch"),
        (orders(), |_| vec![1; 7], "Broken"),
        (orders(), |_| vec![2; 33], "Verdict"),
        (world.shown("web", HOUR), |_| Vec::new(), "Connect"),
    ];
    for (shown, lie, why) in cases {
        let proved = world.lied_to(&connected.keying, shown, lie).await.err();
        let error = format!("{:?}", proved.unwrap());
        assert!(error.starts_with(why), "{error}");
    }
    world.twin(&connected, &accepted).await;
}

#[tokio::test]
async fn a_caller_proves_nothing_to_another_of_those_that_it_expects() {
    let world = World::new();
    let expected = vec![id("orders"), id("thief")];
    let either = connector(&world.web, &world.calendar, expected);
    let (connected, accepted) = world.meet().await;
    world.renew();
    let (caller, called) = wire().await;
    let shown = world.shown("thief", HOUR);
    let thief = TlsAcceptor::from(Arc::new(strangers::server(shown, &[WORD])));
    let orders = id("orders");
    let (proved, said) = tokio::join!(either.prove(caller, &connected.keying, &orders), async {
        let mut said = Vec::new();
        let mut called = thief.accept(called).await.unwrap();
        let _closed_or_reset = called.read_to_end(&mut said).await;
        said
    });
    let is_other =
        matches!(&proved, Err(ProveError::OtherIdentity { found }) if *found == id("thief"));
    assert!(is_other, "{proved:?}");
    assert_eq!(said, b"");
    world.twin(&connected, &accepted).await;
}

#[tokio::test]
async fn whoever_does_not_know_the_word_gets_no_connection() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    let plain = acceptor(&world.orders, &world.calendar);
    let (caller, called) = wire().await;
    let far = id("orders");
    let (proved, received) = tokio::join!(
        world.connector.prove(caller, &connected.keying, &far),
        plain.receive(called, HERE)
    );
    assert!(proved.err().unwrap().is_unknown_there());
    assert_eq!(received.err().unwrap().reason(), "other_alpn");
    // Nor is it HTTP.
    let leasing = acceptor(&world.orders, &world.calendar).leasing(Leases::default());
    let (caller, called) = wire().await;
    let (_proved, received) = tokio::join!(
        world.connector.prove(caller, &connected.keying, &far),
        leasing.accept(called, HERE)
    );
    assert_eq!(received.err().unwrap().reason(), "no_alpn");
    world.renew();
    world.twin(&connected, &accepted).await;
}

#[tokio::test]
async fn what_has_ended_is_not_revived() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    let revoke = |serials: &[&str]| {
        let mut revoked = Revocations::default();
        for serial in serials {
            revoked.revoke_serial((*serial).to_owned());
        }
        world.orders.revoked().replace(revoked);
    };
    world.renew();
    revoke(&[accepted.peer.serial()]);
    let ended = Unproved::NotExtended {
        cause: ExtendError::Ended,
    };
    let prove = || world.prove(&world.connector, &connected.keying);
    let (proved, settled) = prove().await;
    assert!(matches!(proved, Err(ProveError::Refused)), "{proved:?}");
    assert_eq!(settled, Err(ended));
    revoke(&[]);
    world.calendar.pass(HOUR / 2);
    assert_eq!(prove().await.1, Err(ended));
    assert_eq!(
        accepted.lease.belief().peer().serial(),
        accepted.peer.serial()
    );

    // Whose connection is gone finds nothing.
    drop(accepted);
    assert_eq!(prove().await.1, Err(Unproved::Unknown));
    world.renew();
    let (connected, accepted) = world.meet().await;
    world.renew();
    world.twin(&connected, &accepted).await;
}

#[tokio::test]
async fn the_old_certificate_and_the_new_one_may_be_revoked() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    world.renew();
    world.twin(&connected, &accepted).await;
    let mut belief = accepted.lease.belief();
    let lost = |belief: &mut portreeve::tls::Belief| belief.lost(world.calendar.as_ref());
    assert_eq!(lost(&mut belief), None);
    for serial in [accepted.peer.serial(), belief.peer().clone().serial()] {
        let mut revoked = Revocations::default();
        revoked.revoke_serial(serial.to_owned());
        world.orders.revoked().replace(revoked);
        assert_eq!(lost(&mut belief), Some(Loss::Revoked));
    }
    world.orders.revoked().replace(Revocations::default());
    assert_eq!(lost(&mut belief), None);
}

#[tokio::test]
async fn it_rests_on_the_roots_of_the_new_certificate() {
    let world = World::new();
    let calendar: Arc<Calendar> = Arc::clone(&world.calendar);
    let domain = world.authority.trust_domain().clone();
    let folder = world.folder.path().join("next");
    let next = Authority::open(&folder, domain, calendar).unwrap();
    let both = [&world.authority, &next];
    world.orders.replace(world.believing("orders", &both));
    world.web.replace(world.believing("web", &both));
    let (connected, accepted) = world.meet().await;
    world.calendar.pass(HOUR / 2);
    let made = world.issued_by(&next, "web", &both);
    world.web.replace(made);
    world.twin(&connected, &accepted).await;
    let mut belief = accepted.lease.belief();
    let mut former = accepted.belief.clone();
    world
        .orders
        .replace(world.issued_by(&next, "orders", &[&next]));
    assert_eq!(belief.lost(world.calendar.as_ref()), None);
    let lost = Some(Loss::NoLongerTrusted);
    assert_eq!(former.lost(world.calendar.as_ref()), lost);
    world
        .orders
        .replace(world.believing("orders", &[&world.authority]));
    assert_eq!(belief.lost(world.calendar.as_ref()), lost);
}

#[tokio::test]
async fn nobody_shows_certificates_without_end() {
    let world = World::new();
    let (connected, accepted) = world.meet().await;
    let mut extended = 0;
    let refused = loop {
        world.calendar.pass(Duration::from_secs(1));
        world.web.replace(world.identity("web", HOUR));
        match world.prove(&world.connector, &connected.keying).await.1 {
            Ok(Extension::Extended) if extended < 100 => extended += 1,
            outcome => break outcome,
        }
    };
    let too_often = Unproved::NotExtended {
        cause: ExtendError::TooOften,
    };
    assert_eq!((extended, refused), (16, Err(too_often)));
    // When some have ended there is room again.
    world.calendar.pass(HOUR - Duration::from_secs(10));
    world.orders.replace(world.identity("orders", HOUR));
    world.web.replace(world.identity("web", HOUR));
    world.twin(&connected, &accepted).await;
}

/// `web` calls `orders`, and both have SVIDs that hold for an hour.
struct World {
    acceptor: Acceptor,
    authority: Authority,
    calendar: Arc<Calendar>,
    connector: Connector,
    folder: TempDir,
    leases: Leases,
    orders: Arc<Live>,
    web: Arc<Live>,
}

type Lie = fn(&[u8]) -> Vec<u8>;

impl World {
    fn new() -> Self {
        let (folder, calendar) = (tempfile::tempdir().unwrap(), Calendar::new());
        let clock: Arc<Calendar> = Arc::clone(&calendar);
        let domain = "mesh.example".parse().unwrap();
        let authority = Authority::open(&folder.path().join("ca"), domain, clock).unwrap();
        let [orders, web] = ["orders", "web"].map(|name| {
            let shown = issue(&authority, name, HOUR);
            let first = identity(shown, &[&authority], calendar.now());
            Arc::new(Live::new(first))
        });
        let leases = Leases::default();
        Self {
            acceptor: acceptor(&orders, &calendar).leasing(leases.clone()),
            connector: connector(&web, &calendar, vec![id("orders")]),
            authority,
            calendar,
            folder,
            leases,
            orders,
            web,
        }
    }

    fn shown(&self, name: &str, lifetime: Duration) -> Shown {
        issue(&self.authority, name, lifetime)
    }

    fn identity(&self, name: &str, lifetime: Duration) -> Identity {
        let shown = self.shown(name, lifetime);
        identity(shown, &[&self.authority], self.calendar.now())
    }

    fn believing(&self, name: &str, believed: &[&Authority]) -> Identity {
        self.issued_by(&self.authority, name, believed)
    }

    fn issued_by(&self, issuer: &Authority, name: &str, believed: &[&Authority]) -> Identity {
        identity(issue(issuer, name, HOUR), believed, self.calendar.now())
    }

    /// Half an hour later both have new SVIDs.
    fn renew(&self) {
        self.calendar.pass(HOUR / 2);
        self.orders.replace(self.identity("orders", HOUR));
        self.web.replace(self.identity("web", HOUR));
    }

    async fn meet(&self) -> (Connected, Accepted) {
        let http2 = portreeve::tls::Protocol::Http2;
        let (connected, accepted) = meet(&self.connector, &self.acceptor, http2).await;
        (connected.unwrap(), accepted.unwrap())
    }

    async fn prove(
        &self,
        connector: &Connector,
        keying: &Keying,
    ) -> (Result<Proved, ProveError>, Result<Extension, Unproved>) {
        prove(connector, &self.acceptor, keying).await
    }

    /// What is refused to others is granted to whom it is due.
    async fn twin(&self, connected: &Connected, accepted: &Accepted) {
        let (proved, settled) = self.prove(&self.connector, &connected.keying).await;
        assert_eq!((proved.is_ok(), settled), (true, Ok(Extension::Extended)));
        let ends = self.web.current().svid().not_after();
        assert_eq!(accepted.lease.belief().not_after(), ends);
    }

    async fn is_as_before(&self, accepted: &Accepted) {
        let belief = accepted.lease.belief();
        assert_eq!(belief.peer().serial(), accepted.peer.serial());
        assert!(!accepted.lease.is_extended());
    }

    /// `web` as a stranger that says what it likes, with the door's end of it.
    async fn call(&self, word: &[u8]) -> (TlsStream<TcpStream>, Accepted) {
        let web = strangers::client(Some(self.shown("web", HOUR)), &[word]);
        match self.arrive(web).await {
            (stream, Arrival::Caller(accepted)) => (stream, accepted),
            (_, Arrival::Claimant(_)) => panic!("it is no caller"),
        }
    }

    /// The same to prove something.
    async fn claim(
        &self,
        (chain, key): &Shown,
    ) -> (
        TlsStream<TcpStream>,
        impl Future<Output = Result<Extension, Unproved>>,
    ) {
        let web = strangers::client(Some((chain.clone(), key.clone_key())), &[WORD]);
        match self.arrive(web).await {
            (stream, Arrival::Claimant(claimant)) => (stream, claimant.settle()),
            (_, Arrival::Caller(_)) => panic!("it is no claimant"),
        }
    }

    async fn arrive(&self, web: ClientConfig) -> (TlsStream<TcpStream>, Arrival) {
        let (caller, called) = wire().await;
        let name = ServerName::try_from("orders.mesh.example").unwrap();
        let connector = TlsConnector::from(Arc::new(web));
        let (stream, arrival) = tokio::join!(
            connector.connect(name, caller),
            self.acceptor.receive(called, HERE)
        );
        (stream.unwrap(), arrival.unwrap())
    }

    /// What becomes of a proof for whoever `shown` is, who answers with a `lie`.
    async fn lied_to(&self, keying: &Keying, shown: Shown, lie: Lie) -> Result<Proved, ProveError> {
        let (caller, called) = wire().await;
        let liar = TlsAcceptor::from(Arc::new(strangers::server(shown, &[WORD])));
        let orders = id("orders");
        let (proved, ()) = tokio::join!(self.connector.prove(caller, keying, &orders), async {
            let Ok(mut called) = liar.accept(called).await else {
                return;
            };
            let mut said = [0; 48];
            if called.read_exact(&mut said).await.is_ok() {
                called.write_all(&lie(&said)).await.unwrap();
                called.shutdown().await.unwrap();
            }
        });
        proved
    }
}

async fn prove(
    connector: &Connector,
    acceptor: &Acceptor,
    keying: &Keying,
) -> (Result<Proved, ProveError>, Result<Extension, Unproved>) {
    let (caller, called) = wire().await;
    let far = id("orders");
    tokio::join!(connector.prove(caller, keying, &far), async {
        match acceptor.receive(called, HERE).await.unwrap() {
            Arrival::Claimant(claimant) => {
                assert_eq!(claimant.peer().id().trust_domain(), far.trust_domain());
                claimant.settle().await
            }
            Arrival::Caller(_) => panic!("it is no claimant"),
        }
    })
}

fn id(name: &str) -> SpiffeId {
    format!("spiffe://mesh.example/{name}").parse().unwrap()
}

fn issue(authority: &Authority, name: &str, lifetime: Duration) -> Shown {
    let pair = KeyPair::generate().unwrap();
    let request = make_request(&pair).unwrap();
    let chain = authority.issue(&request, &id(name), lifetime).unwrap();
    let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    (chain, key)
}

fn identity((chain, key): Shown, believed: &[&Authority], now: SystemTime) -> Identity {
    let roots: Vec<CertificateDer<'static>> = believed
        .iter()
        .map(|authority| authority.root().clone())
        .collect();
    let bundle = Bundle::new(believed[0].trust_domain().clone(), roots).unwrap();
    let bundles = Arc::new(Bundles::new([bundle]).unwrap());
    let svid = Svid::new(chain, key).unwrap();
    Identity::new(svid, bundles, now, &Limits::default()).unwrap()
}

/// What is said on `on` of the connection `of`.
fn claim(of: &TlsStream<TcpStream>, who: &str, on: &TlsStream<TcpStream>) -> Vec<u8> {
    [name(of), proof(of, who, on)].concat()
}

fn name(of: &TlsStream<TcpStream>) -> Vec<u8> {
    export(of.get_ref().1, "name", 16)
}

fn proof(of: &TlsStream<TcpStream>, who: &str, on: &TlsStream<TcpStream>) -> Vec<u8> {
    let secret = export(of.get_ref().1, "secret", 32);
    let binder = export(on.get_ref().1, "binder", 32);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let message = [format!("portreeve lease: {who}\0").as_bytes(), &binder].concat();
    hmac::sign(&key, &message).as_ref().to_vec()
}

fn export<D>(session: &ConnectionCommon<D>, what: &str, bytes: usize) -> Vec<u8> {
    let context = Some(what.as_bytes());
    let exported =
        session.export_keying_material(vec![0; bytes], b"EXPORTER-portreeve-lease", context);
    exported.unwrap()
}

/// What callers that prove something want to speak.
const WORD: &[u8] = b"portreeve-lease/1";
const OLD: &[u8] = b"h2";
const HOUR: Duration = Duration::from_secs(3600);
