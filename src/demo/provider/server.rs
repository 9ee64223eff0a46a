//! HTTPS on loopback: reads requests, writes pages.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::demo::provider::place::Asked;
use crate::demo::provider::place::Place;
use crate::demo::provider::wish::Wish;
use crate::demo::web_ca::Site;
use crate::net::Bound;
use crate::net::Listener;
use crate::net::Tasks;
use crate::x509::certificates_from_pem;
use crate::x509::private_key_from_pem;

/// Serves `place` for as long as the process lives.
pub(super) fn start(bound: Bound, site: &Site, place: Arc<Place>) -> io::Result<()> {
    let acceptor = acceptor(site)?;
    let runtime = move || {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
    };
    thread::Builder::new()
        .name("provider".to_owned())
        .spawn(move || match runtime() {
            Ok(runtime) => runtime.block_on(accept(bound, acceptor, place)),
            Err(error) => Err(error),
        })?;
    Ok(())
}

pub(super) fn acceptor(site: &Site) -> io::Result<TlsAcceptor> {
    let certificate = certificates_from_pem(site.certificate.as_bytes(), "the provider");
    let key = private_key_from_pem(site.key.as_bytes(), "the provider");
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            certificate.map_err(io::Error::other)?,
            key.map_err(io::Error::other)?,
        )
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(bound: Bound, acceptor: TlsAcceptor, place: Arc<Place>) -> io::Result<()> {
    let listener = Listener::new(bound)?;
    let tasks = Tasks::new();
    loop {
        let (stream, _source) = listener.accept().await;
        let (acceptor, place) = (acceptor.clone(), Arc::clone(&place));
        tasks.spawn(async move {
            if let Err(error) = serve(stream, &acceptor, place).await {
                tracing::debug!(%error, "a connection to the development provider ended badly");
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: &TlsAcceptor, place: Arc<Place>) -> io::Result<()> {
    let stream = timeout(HANDSHAKE, acceptor.accept(stream))
        .await
        .map_err(|_elapsed| io::ErrorKind::TimedOut)??;
    let service = service_fn(move |request| {
        let place = Arc::clone(&place);
        async move {
            let (response, body) = answer(&place, request).await.into_parts();
            let body = Full::new(Bytes::from(body));
            Ok::<_, Infallible>(Response::from_parts(response, body))
        }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn answer(place: &Place, request: Request<Incoming>) -> Response<String> {
    let (head, body) = request.into_parts();
    let authority = head.headers.get(header::HOST);
    let authority = authority.and_then(|host| host.to_str().ok());
    let body = Limited::new(body, MOST_BYTES).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).ok();
    let wish = if head.method == Method::POST {
        body.and_then(|body| Wish::parse(std::str::from_utf8(&body).ok()?))
    } else {
        Wish::parse(head.uri.query().unwrap_or_default())
    };
    let asked = Asked {
        authority: authority.map(str::to_owned),
        method: head.method,
        path: head.uri.path().to_owned(),
        wish,
        headers: head.headers,
    };
    place.answer(&asked).await.into_response()
}

const HANDSHAKE: Duration = Duration::from_secs(5);
/// No form of ours is as large.
const MOST_BYTES: usize = 64 * 1024;
