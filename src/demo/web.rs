//! One request over HTTPS to a place of the demo, as a browser would send it.

use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::client::conn::http1::Connection;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::x509::certificates_from_pem;

/// Asks whoever has a certificate of the demo's web CA. Follows nobody, and
/// keeps no cookies: whoever asks does.
#[derive(Clone)]
pub struct Web {
    connector: TlsConnector,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// As text.
    pub body: String,
    /// The fields of its head.
    pub headers: HeaderMap,
    /// How it went.
    pub status: StatusCode,
}

impl Web {
    /// One that believes `root`, PEM.
    ///
    /// # Errors
    ///
    /// What is wrong with `root`.
    pub fn new(root: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let certificates =
            certificates_from_pem(root.as_bytes(), "the web CA").map_err(io::Error::other)?;
        for certificate in certificates {
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Sends `request`, whose URI is whole, to this machine, whatever its host is.
    ///
    /// # Errors
    ///
    /// What the connection says, or that nothing came back.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the connection. The other side may have acted.
    pub async fn ask(&self, request: Request<String>) -> io::Result<Reply> {
        timeout(PATIENCE, Box::pin(self.exchange(request)))
            .await
            .map_err(|_elapsed| io::ErrorKind::TimedOut)?
    }

    /// Sends `request` as [`ask`](Self::ask) does, and hands out the answer's
    /// body as it comes.
    ///
    /// # Errors
    ///
    /// What the connection says.
    ///
    /// # Cancellation
    ///
    /// As for [`ask`](Self::ask).
    pub(super) async fn stream(&self, request: Request<String>) -> io::Result<Stream> {
        let (message, mut sender, connection) = self.connect(request).await?;
        let mut connection: Driver = Box::pin(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the demo ended badly");
            }
        });
        let answer = sender.send_request(message);
        let response = timeout(PATIENCE, with(&mut connection, answer))
            .await
            .map_err(|_elapsed| io::ErrorKind::TimedOut)?
            .map_err(io::Error::other)?;
        Ok(Stream {
            status: response.status(),
            body: response.into_body(),
            connection,
        })
    }

    async fn exchange(&self, request: Request<String>) -> io::Result<Reply> {
        let (message, mut sender, connection) = self.connect(request).await?;
        let answer = async {
            let (head, body) = sender
                .send_request(message)
                .await
                .map_err(io::Error::other)?
                .into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await;
            let body = body.map_err(io::Error::other)?.to_bytes();
            Ok(Reply {
                body: String::from_utf8_lossy(&body).into_owned(),
                headers: head.headers,
                status: head.status,
            })
        };
        let mut connection: Driver = Box::pin(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the demo ended badly");
            }
        });
        with(&mut connection, answer).await
    }

    async fn connect(&self, request: Request<String>) -> io::Result<Connected> {
        let (mut parts, body) = request.into_parts();
        let uri = std::mem::take(&mut parts.uri);
        let authority = uri.authority().ok_or(io::ErrorKind::InvalidInput)?;
        let port = authority.port_u16().unwrap_or(443);
        let host = authority.as_str().parse().map_err(io::Error::other)?;
        parts.headers.insert(header::HOST, host);
        parts.uri = uri
            .path_and_query()
            .cloned()
            .map_or_else(Default::default, Into::into);
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let stream = self.connector.connect(name, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let message = Request::from_parts(parts, Full::new(Bytes::from(body)));
        Ok((message, sender, connection))
    }
}

/// An answer that comes bit by bit.
pub(super) struct Stream {
    body: Incoming,
    connection: Driver,
    pub(super) status: StatusCode,
}

impl Stream {
    /// Whether there was more. The end of the body is a no, and so is that of
    /// the connection.
    pub(super) async fn next(&mut self) -> io::Result<bool> {
        let frame = with(&mut self.connection, self.body.frame()).await;
        let frame = frame.transpose().map_err(io::Error::other)?;
        Ok(frame.is_some())
    }
}

type Connected = (
    Request<Full<Bytes>>,
    SendRequest<Full<Bytes>>,
    Connection<TokioIo<TlsStream<TcpStream>>, Full<Bytes>>,
);

/// What carries bytes while somebody waits.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What `wanted` comes to, with the connection kept going.
async fn with<T>(connection: &mut Driver, wanted: impl Future<Output = T>) -> T {
    let mut wanted = pin!(wanted);
    poll_fn(|cx| {
        if let Poll::Ready(done) = wanted.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if connection.as_mut().poll(cx).is_ready() {
            *connection = Box::pin(std::future::pending());
        }
        // Its last words may be the answer.
        wanted.as_mut().poll(cx)
    })
    .await
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Web(…)")
    }
}

/// No answer of the demo takes as long.
const PATIENCE: Duration = Duration::from_secs(10);
/// No page of the demo is as large.
const MOST_BYTES: usize = 1 << 20;
