//! Watching at a sidecar's window: events as they come.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::print;
use crate::cli::shown::shown;

/// What a window tells.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// The sidecar has ended.
    End,
    /// Something has happened.
    Event(Vec<u8>),
    /// So many lines came too fast.
    Missed(u64),
}

/// A window that tells what happens.
pub(super) struct Watch {
    admin: SocketAddr,
    body: Incoming,
    connection: Pin<Box<dyn Future<Output = ()>>>,
    is_driven: bool,
    lines: Lines,
}

impl Watch {
    /// Begins to watch `path` at the window `admin`.
    ///
    /// # Errors
    ///
    /// The exit code; what is wrong has been said.
    pub(super) async fn open(admin: SocketAddr, path: &str) -> Result<Self, ExitCode> {
        let asked = timeout(PATIENCE, ask(admin, path)).await;
        let asked = asked.unwrap_or_else(|_elapsed| Err("nobody has answered in time".into()));
        match asked {
            Ok((StatusCode::OK, body, connection)) => Ok(Self {
                admin,
                body,
                connection,
                is_driven: true,
                lines: Lines::default(),
            }),
            Ok((status, body, connection)) => {
                let said = with(connection, Limited::new(body, MOST_SAID).collect()).await;
                let said = said
                    .map(http_body_util::Collected::to_bytes)
                    .unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                print::complaint(format_args!(
                    "portreeve: {admin} refuses ({status}): {}",
                    shown(said.trim())
                ));
                Err(ExitCode::FAILURE)
            }
            Err(error) => {
                print::complaint(format_args!(
                    "portreeve: no window answers at {admin}: does it run, and is that its `admin.listen`?"
                ));
                Err(print::failure(&*error))
            }
        }
    }

    /// What is told next.
    ///
    /// # Errors
    ///
    /// The exit code if the window has gone without a word; that has been said.
    pub(super) async fn next(&mut self) -> Result<Told, ExitCode> {
        loop {
            if let Some(told) = self.lines.take() {
                return Ok(told);
            }
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                () = &mut self.connection, if self.is_driven => {
                    self.is_driven = false;
                    continue;
                }
            };
            let Some(Ok(frame)) = frame else {
                print::complaint(format_args!("portreeve: {} has gone", self.admin));
                return Err(ExitCode::FAILURE);
            };
            if let Ok(some) = frame.into_data() {
                self.lines.add(&some);
            }
        }
    }
}

type Asked = (StatusCode, Incoming, Pin<Box<dyn Future<Output = ()>>>);

async fn ask(admin: SocketAddr, path: &str) -> Result<Asked, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        // How it ends, its body says.
        drop(connection.await);
    });
    let request = Request::get(path)
        .header(header::HOST, admin.to_string())
        .body(Empty::<Bytes>::new())?;
    let answer = tokio::select! {
        answer = sender.send_request(request) => answer?,
        () = &mut connection => return Err("it has hung up".into()),
    };
    let (head, body) = answer.into_parts();
    Ok((head.status, body, connection))
}

/// Does `work` while `connection` is driven.
async fn with<T>(
    mut connection: Pin<Box<dyn Future<Output = ()>>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = &mut connection => work.await,
    }
}

/// Server-Sent Events in the making.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// How many of them are taken.
    taken: usize,
}

impl Lines {
    fn add(&mut self, some: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(some);
    }

    /// The next event that is whole. Comments are none.
    fn take(&mut self) -> Option<Told> {
        loop {
            let rest = self.bytes.get(self.taken..)?;
            let end = memchr::memmem::find(rest, b"\n\n")?;
            let event = rest.get(..end)?;
            let told = read(event);
            self.taken += end + 2;
            if told.is_some() {
                return told;
            }
        }
    }
}

fn read(event: &[u8]) -> Option<Told> {
    let (mut name, mut data) = (&b""[..], None);
    for line in event.split(|byte| *byte == b'\n') {
        if let Some(said) = line.strip_prefix(b"event: ") {
            name = said;
        } else if let Some(said) = line.strip_prefix(b"data: ") {
            data = Some(said);
        }
    }
    let data = data?;
    match name {
        b"" => Some(Told::Event(data.to_vec())),
        b"end" => Some(Told::End),
        b"missed" => {
            let said: serde_json::Value = serde_json::from_slice(data).ok()?;
            Some(Told::Missed(said.get("lines")?.as_u64()?))
        }
        // A newer sidecar may have more to tell.
        _ => None,
    }
}

const PATIENCE: Duration = Duration::from_secs(3);
const MOST_SAID: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;

    const TOLD: &[u8] = b":\n\ndata: {\"a\":1}\n\nevent: missed\ndata: {\"lines\":7}\n\nevent: new\ndata: 1\n\nevent: end\ndata: {}\n\ndata: half";

    proptest! {
        #[test]
        fn events_are_the_same_however_they_are_cut(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(TOLD.len())).collect();
            cuts.sort_unstable();
            let mut lines = Lines::default();
            let mut told = Vec::new();
            let mut from = 0;
            for to in cuts.into_iter().chain([TOLD.len()]) {
                lines.add(&TOLD[from..to]);
                told.extend(std::iter::from_fn(|| lines.take()));
                from = to;
            }
            assert_eq!(told, [Told::Event(b"{\"a\":1}".to_vec()), Told::Missed(7), Told::End]);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let mut lines = Lines::default();
            lines.add(&bytes);
            while lines.take().is_some() {}
        }
    }
}
