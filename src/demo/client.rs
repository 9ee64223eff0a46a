//! The smallest HTTP client: one request, the bytes as given, one answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Everything, head and body.
    pub(super) text: String,
}

/// Sends a request line to `address` in the clear.
pub(super) async fn ask(address: SocketAddr, request_line: &str) -> io::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    // By its address: a window on loopback answers to no other name.
    say(stream, request_line, &address.to_string()).await
}

/// Sends a request line on `stream`, which is of no use afterwards.
pub(super) async fn ask_on<S>(stream: S, request_line: &str) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    say(stream, request_line, "orders").await
}

async fn say<S>(mut stream: S, request_line: &str, host: &str) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request =
        format!("{request_line}\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let exchange = async {
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = timeout(PATIENCE, exchange)
        .await
        .map_err(|_elapsed| io::ErrorKind::TimedOut)??;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let status =
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))?;
    Ok(Answer { status, text })
}

/// No answer of the demo takes as long.
const PATIENCE: Duration = Duration::from_secs(10);
