//! Callers that prove, or only say, that a connection of theirs lives on.
//!
//! They speak by the words of the protocol, and what counts is what the
//! application still gets.

use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use rustls::ClientConnection;
use rustls::StreamOwned;
use rustls_pki_types::ServerName;

use crate::application::Call;
use crate::stage::DEADLINE;
use crate::stage::Stage;
use crate::strangers;
use crate::trial::Trial;

#[test]
fn whoever_proves_its_next_certificate_goes_on_until_that_ends() {
    let trial = Trial::new("");
    let mut old = Secure::call(&trial, "web", 10 * MINUTE, b"http/1.1");
    let mut call = old.begin(&trial);
    let mut other = Secure::call(&trial, "web", 10 * MINUTE, b"http/1.1");
    let mut unproved = other.begin(&trial);
    trial.stage.calendar.pass(5 * MINUTE);
    let mut next = Secure::call(&trial, "web", 60 * MINUTE, WORD);
    next.say(&old.claimed_on(&next));
    assert_eq!(next.hear(), old.proof("called", &next));
    assert_eq!(next.rest(), b"");
    is_counted(&trial, "extended");

    trial.stage.calendar.pass(6 * MINUTE);
    // Its twin, which proved nothing, ends.
    assert_eq!(unproved.rest(), "");
    assert_eq!(other.rest(), b"");
    let record = trial.orders.records.next();
    assert_eq!(record.says(["status", "reason"]), "200 certificate_expired");
    passes(&mut call, &mut old);
    trial.stage.calendar.pass(54 * MINUTE);
    assert_eq!(call.rest(), "");
    assert_eq!(old.rest(), b"");
    let record = trial.orders.records.next();
    assert_eq!(record.says(["status", "reason"]), "200 certificate_expired");
    trial.orders.records.are_all_read();
}

#[test]
fn what_is_stolen_or_said_twice_extends_nothing() {
    let trial = Trial::new("");
    let mut old = Secure::call(&trial, "web", 10 * MINUTE, b"http/1.1");
    let mut call = old.begin(&trial);
    trial.stage.calendar.pass(5 * MINUTE);
    let hour = 60 * MINUTE;
    let mut thief = Secure::call(&trial, "thief", hour, WORD);
    let mut replayed = Secure::call(&trial, "web", hour, WORD);
    // It would be good where it was meant to be said.
    let meant = Secure::call(&trial, "web", hour, WORD);
    let overheard = old.claimed_on(&meant);
    drop(meant);
    let record = trial.orders.records.next();
    assert_eq!(record.text("reason"), "lease_claim_missing");
    let mut elsewhere = Secure::call(&trial, "web", hour, b"http/1.1");
    let stolen = old.claimed_on(&thief);
    for (caller, said, name, reason) in [
        (&mut thief, stolen, "thief", "lease_of_another"),
        (
            &mut replayed,
            overheard.clone(),
            "web",
            "lease_proof_mismatch",
        ),
    ] {
        caller.say(&said);
        assert_eq!(caller.hear(), [0; 32], "{reason}");
        let record = trial.orders.records.next();
        let id = format!("spiffe://mesh.example/{name}");
        assert_eq!(
            record.says(["caller", "decision", "reason"]),
            format!("{id} refused {reason}")
        );
        is_counted(&trial, reason);
    }
    // Nor is it anything to whoever speaks HTTP.
    elsewhere.say(&overheard);
    elsewhere.say(b"\r\n\r\n");
    assert!(elsewhere.rest().starts_with(b"HTTP/1.1 400"));
    let record = trial.orders.records.next();
    assert_eq!(record.text("decision"), "refused");
    passes(&mut call, &mut old);

    trial.stage.calendar.pass(6 * MINUTE);
    assert_eq!(call.rest(), "");
    assert_eq!(old.rest(), b"");
    let record = trial.orders.records.next();
    assert_eq!(record.says(["status", "reason"]), "200 certificate_expired");
    // What has ended is not here any more.
    let mut late = Secure::call(&trial, "web", hour, WORD);
    late.say(&old.claimed_on(&late));
    assert_eq!(late.hear(), [0; 32]);
    assert_eq!(trial.orders.records.next().text("reason"), "lease_unknown");
    let mut silent = Secure::call(&trial, "web", hour, WORD);
    silent.say(&[7; 47]);
    silent.say_no_more();
    assert_eq!(silent.rest(), b"");
    let record = trial.orders.records.next();
    assert_eq!(record.text("reason"), "lease_claim_missing");
    trial.application.was_not_called();
}

#[test]
fn what_is_extended_is_not_for_new_requests() {
    let trial = Trial::new("");
    let mut old = Secure::call(&trial, "web", 10 * MINUTE, b"http/1.1");
    let mut call = old.begin(&trial);
    trial.stage.calendar.pass(5 * MINUTE);
    let mut next = Secure::call(&trial, "web", 60 * MINUTE, WORD);
    next.say(&old.claimed_on(&next));
    assert_eq!(next.hear(), old.proof("called", &next));
    trial.stage.calendar.pass(6 * MINUTE);
    passes(&mut call, &mut old);
    // Its next request is on the way when the last response ends.
    old.say(GET);
    call.send("0\r\n\r\n");
    let rest = String::from_utf8(old.rest()).unwrap();
    assert!(!rest.contains("HTTP/1.1 200"), "{rest}");
    trial.application.was_not_called();
}

#[test]
fn the_proof_may_come_to_another_worker() {
    let stage = Stage::with_workers(4);
    let trial = Trial::on(stage, [""; 2], "");
    let mut old: Vec<_> = (0..8)
        .map(|_| {
            let mut old = Secure::call(&trial, "web", 10 * MINUTE, b"http/1.1");
            let call = old.begin(&trial);
            (old, call)
        })
        .collect();
    trial.stage.calendar.pass(5 * MINUTE);
    for (old, _) in &old {
        let mut next = Secure::call(&trial, "web", 60 * MINUTE, WORD);
        next.say(&old.claimed_on(&next));
        assert_eq!(next.hear(), old.proof("called", &next));
    }
    trial.stage.calendar.pass(6 * MINUTE);
    for (old, call) in &mut old {
        passes(call, old);
    }
}

/// What the application sends arrives.
fn passes(call: &mut Call, to: &mut Secure) {
    call.send("1\r\nb\r\n");
    assert_eq!(to.exactly(6), b"1\r\nb\r\n");
}

/// Waits until one proof is counted that ended so.
fn is_counted(trial: &Trial, result: &str) {
    let line = format!("portreeve_leases_total{{door=\"inbound\",result=\"{result}\"}} 1");
    trial.orders.shows(&line);
}

/// A connection with TLS whose secrets are at hand.
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    /// The workload `name` at the door, with a certificate for `lifetime`.
    fn call(trial: &Trial, name: &str, lifetime: Duration, word: &[u8]) -> Self {
        let shown = trial.stage.svid(name, lifetime);
        let config = strangers::client(Some(shown), &[word]);
        let server = ServerName::try_from("orders.mesh.example").unwrap();
        let mut session = ClientConnection::new(Arc::new(config), server).unwrap();
        let mut tcp = dial(trial.orders.inbound());
        while session.is_handshaking() {
            session.complete_io(&mut tcp).unwrap();
        }
        Self(StreamOwned::new(session, tcp))
    }

    /// A request whose response has begun.
    fn begin(&mut self, trial: &Trial) -> Call {
        self.say(GET);
        let mut call = trial.application.call();
        call.head();
        call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
        let mut head = Vec::new();
        while !head.ends_with(b"1\r\na\r\n") {
            head.extend(self.exactly(1));
        }
        call
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
    }

    fn say_no_more(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().unwrap();
    }

    fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.0.read_exact(&mut read).unwrap();
        read
    }

    /// All that comes until the door is closed, in whatever way.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "no end");
        }
        rest
    }

    /// The answer to what was said: the proof of the other end, or no more than zeros.
    fn hear(&mut self) -> Vec<u8> {
        let answer = self.exactly(33);
        let (word, proof) = answer.split_first().unwrap();
        assert_eq!(*word, u8::from(proof != [0; 32]));
        proof.to_vec()
    }

    /// What is said on `next` of this one.
    fn claimed_on(&self, next: &Self) -> Vec<u8> {
        [self.export("name", 16), self.proof("caller", next)].concat()
    }

    fn proof(&self, who: &str, next: &Self) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.export("secret", 32));
        let who = format!("portreeve lease: {who}\0");
        let message = [who.as_bytes(), &next.export("binder", 32)].concat();
        hmac::sign(&key, &message).as_ref().to_vec()
    }

    fn export(&self, what: &str, bytes: usize) -> Vec<u8> {
        let (label, context) = (b"EXPORTER-portreeve-lease", Some(what.as_bytes()));
        let exported = self
            .0
            .conn
            .export_keying_material(vec![0; bytes], label, context);
        exported.unwrap()
    }
}

fn dial(door: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(door).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp.set_read_timeout(Some(DEADLINE)).unwrap();
    tcp
}

/// What callers that prove something want to speak.
const WORD: &[u8] = b"portreeve-lease/1";
const GET: &[u8] = b"GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
const MINUTE: Duration = Duration::from_secs(60);
