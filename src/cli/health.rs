//! `portreeve health`: the question that an image without a shell cannot ask otherwise.

use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::net::AddrParseError;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use http_body_util::Limited;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::print;
use crate::cli::runtime;

/// Asks the window at `admin` whether all is well.
pub(super) fn health(admin: SocketAddr) -> ExitCode {
    runtime::run(async {
        let Ok(asked) = timeout(PATIENCE, ask(admin)).await else {
            print::complaint(format_args!(
                "portreeve: nobody at {admin} has answered within {} s",
                PATIENCE.as_secs()
            ));
            return ExitCode::FAILURE;
        };
        match asked {
            Ok((StatusCode::OK, _said)) => {
                print::line("ready");
                ExitCode::SUCCESS
            }
            Ok((status, said)) => {
                let said = String::from_utf8_lossy(&said);
                print::complaint(format_args!(
                    "portreeve: not ready ({status}): {}",
                    said.trim()
                ));
                ExitCode::FAILURE
            }
            Err(error) => {
                print::complaint(format_args!(
                    "portreeve: no window answers at {admin}: does it run, and is that its `admin.listen`?"
                ));
                print::failure(&*error)
            }
        }
    })
}

/// An address, as the configuration names it.
///
/// # Errors
///
/// How one is written.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_error: AddrParseError| {
        "write an IP address and a port, such as 127.0.0.1:15020 or [::1]:15020".to_owned()
    })
}

/// The status and the words of `/readyz`.
async fn ask(admin: SocketAddr) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let request = Request::get("/readyz")
            .header(header::HOST, admin.to_string())
            .body(Empty::<Bytes>::new())?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let said = Limited::new(body, MOST_SAID).collect().await?;
        Ok((head.status, said.to_bytes()))
    };
    // It ends as soon as the answer is whole, which may not have been read yet.
    let serving = async {
        let _ended = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        answer = asking => answer,
        never = serving => match never {},
    }
}

/// A container's health check is mostly given as many seconds.
const PATIENCE: Duration = Duration::from_secs(3);
const MOST_SAID: usize = 64 * 1024;
