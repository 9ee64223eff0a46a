//! What a server on the web may answer, and how much of it.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use portreeve::https::Client;
use portreeve::https::Credentials;
use portreeve::https::HttpsError;
use portreeve::https::Limits;
use portreeve::https::Request;
use portreeve::https::Url;
use portreeve::https::WebRoots;
use portreeve::time::SystemClock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::authority::site::Says;
use crate::authority::site::Site;
use crate::authority::site::WebCa;
use crate::strangers::Shown;

#[test]
fn an_answer_is_read_whole_however_it_is_framed() {
    let asker = Asker::new();
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ] {
        assert_eq!(asker.answered(answer).unwrap(), "hello", "{answer}");
    }
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let asker = Asker::new();
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(65));
    for (answer, why) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
            "broken",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "broken",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            "broken",
        ),
        ("hello", "broken"),
        ("", "broken"),
        (&long, "broken"),
        (&many, "broken"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n", "too_large"),
        (&large, "too_large"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "bad_status"),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "bad_status",
        ),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "redirected"),
        (
            "HTTP/1.1 307 Moved\r\nlocation: https://other/\r\n\r\n",
            "redirected",
        ),
    ] {
        let error = asker.answered(answer).unwrap_err();
        assert_eq!(error.reason(), why, "{answer}: {error:?}");
        let twin = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(asker.answered(twin).unwrap(), "hello");
    }
    asker.site.says(Says::Endless(" "));
    assert_eq!(asker.ask().unwrap_err().reason(), "too_large");
}

#[test]
fn who_does_not_answer_is_waited_for_no_longer_than_the_limit() {
    let mut asker = Asker::new();
    asker.limits.whole = Duration::from_millis(200);
    asker.site.says(Says::Silence);
    assert_eq!(asker.ask().unwrap_err().reason(), "timeout");
    // Nor who takes the connection and does not shake hands.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    asker.url = format!("https://{}/", deaf.local_addr().unwrap());
    assert_eq!(asker.ask().unwrap_err().reason(), "timeout");
    let address = deaf.local_addr().unwrap();
    drop(deaf);
    asker.url = format!("https://{address}/");
    assert_eq!(asker.ask().unwrap_err().reason(), "unreachable");
}

#[test]
fn who_is_not_believed_hears_nothing() {
    let asker = Asker::new();
    asker.site.answers("200 OK", "hello");
    let other = WebCa::new();
    for shown in [asker.ca.name("127.0.0.2"), other.name("127.0.0.1")] {
        asker.site.shows(shown);
        let error = asker.ask().unwrap_err();
        assert_eq!(error.reason(), "not_believed");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("secret"), "{told}");
        asker.site.shows(asker.named());
        assert_eq!(asker.ask().unwrap(), "hello");
        asker.site.next();
        assert_eq!(asker.site.count(), 0);
    }
    // Other roots in the file count from the next request on.
    fs::write(asker.folder.path().join("ca.pem"), other.root()).unwrap();
    assert_eq!(asker.ask().unwrap_err().reason(), "not_believed");
    asker.site.shows(other.name("127.0.0.1"));
    assert_eq!(asker.ask().unwrap(), "hello");
}

/// Somebody who asks a site, and shows a token.
struct Asker {
    ca: WebCa,
    folder: TempDir,
    limits: Limits,
    roots: WebRoots,
    runtime: Runtime,
    site: Site,
    url: String,
}

impl Asker {
    fn new() -> Self {
        let ca = WebCa::new();
        let site = Site::start(ca.name("127.0.0.1"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, ca.root()).unwrap();
        fs::write(folder.path().join("token"), "a-secret").unwrap();
        let limits = Limits {
            body_bytes: 64,
            ..Limits::default()
        };
        Self {
            roots: WebRoots::new(Some(file), Arc::new(SystemClock)),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            url: format!("https://{}/?a-secret", site.address),
            ca,
            folder,
            limits,
            site,
        }
    }

    fn named(&self) -> Shown {
        self.ca.name("127.0.0.1")
    }

    fn answered(&self, answer: &str) -> Result<String, HttpsError> {
        self.site.says(Says::Raw(answer.to_owned()));
        self.ask()
    }

    fn ask(&self) -> Result<String, HttpsError> {
        let bearer = Credentials::read_bearer(&self.folder.path().join("token")).unwrap();
        assert!(!format!("{bearer:?}").contains("secret"));
        let url: Url = self.url.parse().unwrap();
        let trust = self.roots.trust().unwrap();
        let request = Request {
            credentials: Some(&bearer),
            post: None,
            trust: &trust,
            url: &url,
        };
        let answer = self.runtime.block_on(Client::new(self.limits).ask(request));
        answer.map(|body| String::from_utf8(body.to_vec()).unwrap())
    }
}
