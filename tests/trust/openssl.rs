//! Another implementation at the other end.

use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use portreeve::tls::AcceptError;
use portreeve::tls::Accepted;
use portreeve::tls::HandshakeError;
use portreeve::tls::Protocol;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::web;
use crate::parties::HERE;
use crate::parties::acceptor;
use crate::parties::connector;

#[tokio::test]
async fn openssl_is_accepted_by_the_same_rules() {
    let accepted = called_with(&["-tls1_3", "-alpn", "http/1.1"], "good/plain.pem").await;
    let accepted = accepted.unwrap();
    assert_eq!(accepted.peer.id(), &web());
    assert_eq!(accepted.protocol, Protocol::Http1);

    let refused = called_with(&["-alpn", "h2"], "bad/names-two-workloads.pem").await;
    let reason = refused.err().unwrap().reason().into_owned();
    assert_eq!(reason, "bad_certificate:several_uris");

    for (arguments, cause) in [
        (&["-tls1_2", "-alpn", "h2"][..], HandshakeError::OldVersion),
        (&["-tls1_3"], HandshakeError::NoAlpn),
        (&["-alpn", "h3"], HandshakeError::OtherAlpn),
    ] {
        let refused = called_with(arguments, "good/plain.pem").await;
        let expected = Some(AcceptError::Handshake { cause });
        assert_eq!(refused.err(), expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn openssl_is_connected_to_by_the_same_rules() {
    let connector = connector(&corpus::live(), &Calendar::new(), vec![web()]);
    for (file, expected) in [
        ("good/plain.pem", None),
        (
            "bad/names-two-workloads.pem",
            Some("bad_certificate:several_uris"),
        ),
    ] {
        let mut server = openssl(&["s_server", "-accept", "127.0.0.1:0"])
            .args(["-Verify", "4", "-alpn", "h2", "-naccept", "1"])
            .arg("-cert")
            .arg(path(file))
            .arg("-key")
            .arg(path("keys/leaf.key.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its output stays open: it would die of writing to nobody.
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let stream = TcpStream::connect(address(&mut output)).await.unwrap();
        let connected = connector.connect(stream, Protocol::Http2).await;
        let reason = connected.as_ref().err().map(|error| error.reason());
        assert_eq!(reason.as_deref(), expected, "{file}");
        stop(server);
    }
}

async fn called_with(arguments: &[&str], file: &str) -> Result<Accepted, AcceptError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = openssl(&["s_client", "-connect", &address])
        .args(arguments)
        .arg("-cert")
        .arg(path(file))
        .arg("-key")
        .arg(path("keys/leaf.key.pem"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (called, _) = listener.accept().await.unwrap();
    let accepted = acceptor(&corpus::live(), &Calendar::new())
        .accept(called, HERE)
        .await;
    stop(client);
    accepted
}

fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Where a server says that it accepts.
fn address(output: &mut impl BufRead) -> String {
    output
        .lines()
        .find_map(|line| Some(line.ok()?.strip_prefix("ACCEPT ")?.to_owned()))
        .unwrap()
}

fn stop(mut child: Child) {
    drop(child.kill());
    child.wait().unwrap();
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("certs/corpus")
        .join(file)
}
