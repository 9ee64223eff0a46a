//! How much of a door one address may have before it has a name.

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ClientConnection;
use rustls_pki_types::ServerName;

use crate::caller::Caller;
use crate::limits::is_served;
use crate::stage::DEADLINE;
use crate::strangers;
use crate::trial::Trial;

#[test]
fn whoever_is_silent_takes_no_handshake_from_others() {
    let trial = Trial::new("limits: { handshakes: 1, handshake_timeout_ms: 60000 }");
    let _silent: Vec<_> = (0..20)
        .map(|_| Caller::plain(trial.orders.inbound()))
        .collect();
    shows_connections(&trial, 20);
    is_served(&trial, &mut trial.call());
    trial.orders.records.are_all_read();
}

#[test]
fn a_handshake_too_many_is_refused_and_recorded() {
    let trial = Trial::new("limits: { handshakes: 1, handshake_timeout_ms: 60000 }");
    let half = half_a_handshake(&trial);
    is_refused(&trial, trial.call(), "too_many_handshakes");
    drop(half);
    let record = trial.orders.records.next();
    assert_eq!(record.says(["decision", "reason"]), "refused broken");
    is_served(&trial, &mut trial.call());
}

#[test]
fn an_address_has_its_part_of_the_handshakes_and_no_more() {
    for more in ["handshakes: 2", "source_handshakes: 1"] {
        let trial = Trial::new(&format!(
            "limits: {{ {more}, handshake_timeout_ms: 60000 }}"
        ));
        let half = half_a_handshake(&trial);
        is_refused(&trial, trial.call(), "too_many_handshakes_from_source");
        is_served(&trial, &mut trial.call_from(ELSEWHERE));
        drop(half);
        let record = trial.orders.records.next();
        assert_eq!(record.says(["decision", "reason"]), "refused broken");
        is_served(&trial, &mut trial.call());
    }
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    let trial = Trial::new("limits: { source_connections: 2 }");
    let (mut first, mut second) = (trial.call(), trial.call());
    is_served(&trial, &mut first);
    is_served(&trial, &mut second);
    is_refused(&trial, trial.call(), "too_many_from_source");
    // The next are counted, but fill no log.
    for refused in 2..5 {
        let mut caller = trial.call();
        let _either = caller.try_send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        assert_eq!(caller.rest(), "");
        trial.orders.shows(&format!(
            "portreeve_handshakes_total{{door=\"inbound\",result=\"too_many_from_source\"}} {refused}"
        ));
    }
    is_served(&trial, &mut trial.call_from(ELSEWHERE));
    is_served(&trial, &mut first);
    first.hang_up();
    shows_connections(&trial, 1);
    is_served(&trial, &mut trial.call());
}

#[test]
fn an_address_makes_so_many_connections_in_a_second_and_no_more() {
    let trial = Trial::new("limits: { source_connections_per_s: 1, handshake_timeout_ms: 60000 }");
    // However slow we are, that is faster.
    let _calls: Vec<_> = (0..200)
        .map(|_| Caller::plain(trial.orders.inbound()))
        .collect();
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["decision", "reason"]),
        "refused too_fast_from_source"
    );
    assert!(record.text("source").starts_with("127.0.0.1:"));
    is_served(&trial, &mut trial.call_from(ELSEWHERE));
}

/// A caller that says hello, and has its answer, and says no more.
fn half_a_handshake(trial: &Trial) -> TcpStream {
    let name = ServerName::try_from("orders.mesh.example").unwrap();
    let config = Arc::new(strangers::client(None, &[b"http/1.1"]));
    let mut session = ClientConnection::new(config, name).unwrap();
    let mut tcp = TcpStream::connect(trial.orders.inbound()).unwrap();
    tcp.set_read_timeout(Some(DEADLINE)).unwrap();
    session.write_tls(&mut tcp).unwrap();
    tcp.read_exact(&mut [0]).unwrap();
    tcp
}

/// `caller` hears nothing, and its record says why.
fn is_refused(trial: &Trial, mut caller: Caller, reason: &str) {
    let _either = caller.try_send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.rest(), "");
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["decision", "reason"]),
        format!("refused {reason}")
    );
    trial.application.was_not_called();
}

fn shows_connections(trial: &Trial, count: usize) {
    trial.orders.shows(&format!(
        "portreeve_connections{{door=\"inbound\"}} {count}"
    ));
}

/// Another address of this machine.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
