//! A question at a sidecar's window.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
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

use crate::cli::print;

/// Why there is no answer.
pub(super) type AskError = Box<dyn Error + Send + Sync>;

/// What is answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Incoming,
    pub(super) connection: Connection,
}

/// What an answer comes on, as long as it lasts.
pub(super) struct Connection(Option<Pin<Box<dyn Future<Output = ()>>>>);

impl Answer {
    /// All that is said, if it is not too much.
    ///
    /// # Errors
    ///
    /// If it is, or breaks off.
    pub(super) async fn whole(mut self) -> Result<Bytes, AskError> {
        let said = Limited::new(self.body, MOST_SAID).collect();
        Ok(self.connection.during(said).await?.to_bytes())
    }
}

impl Connection {
    /// Does `work`, for which the connection must be served. It may end first, and what it brought is still to be read.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Some(serving) = &mut self.0 {
            tokio::select! {
                done = &mut work => return done,
                () = serving => {}
            }
        }
        self.0 = None;
        work.await
    }
}

/// Asks the window at `admin` for `path`.
///
/// # Errors
///
/// Why nobody answers.
pub(super) async fn ask(admin: SocketAddr, path: &str) -> Result<Answer, AskError> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, serving) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = Connection(Some(Box::pin(async {
        // How it ends, its body says.
        drop(serving.await);
    })));
    let request = Request::get(path)
        .header(header::HOST, admin.to_string())
        .body(Empty::<Bytes>::new())?;
    let answer = connection.during(sender.send_request(request)).await?;
    let (head, body) = answer.into_parts();
    Ok(Answer {
        status: head.status,
        body,
        connection,
    })
}

/// Says that nobody answers at `admin`.
pub(super) fn is_silent(admin: SocketAddr, why: &AskError) -> ExitCode {
    print::complaint(format_args!(
        "portreeve: no window answers at {admin}: does it run, and is that its `admin.listen`?"
    ));
    print::failure(&**why)
}

/// How long it may take to answer. A container's health check is mostly given as many seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
const MOST_SAID: usize = 64 * 1024;
