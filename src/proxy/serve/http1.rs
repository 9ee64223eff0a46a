//! HTTP/1: one request at a time, upgrades included.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;

use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::proxy::body::Source;
use crate::proxy::lifetime::GRACE;
use crate::proxy::serve::Answer;
use crate::proxy::serve::Connection;
use crate::proxy::serve::ServeError;

pub(super) async fn serve(
    connection: Connection,
    answer: impl Answer + 'static,
) -> Result<(), ServeError> {
    let Connection {
        fate,
        lifetime,
        limits,
        wire,
        ..
    } = connection;
    let answer = Rc::new(answer);
    let last = Rc::new(Cell::new(false));
    let is_last = Rc::clone(&last);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, is_last) = (Rc::clone(&answer), Rc::clone(&is_last));
        async move {
            let mut response = answer.answer(request.map(Source::http1)).await;
            if is_last.get() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut served = pin!(served);
    let mut closing = pin!(lifetime.clone().closing());
    let mut over = pin!(lifetime.over());
    let mut grace = pin!(sleep(GRACE));
    let mut is_closing = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut served => return outcome.map_err(|cause| ServeError::Http1 { cause }),
            () = &mut closing, if !last.get() => {
                // A kept-alive caller may have its next request on the way:
                // closing now would lose it. It is told with the answer.
                last.set(true);
                grace.as_mut().reset(Instant::now() + GRACE);
            }
            () = &mut grace, if last.get() && !is_closing => {
                is_closing = true;
                served.as_mut().graceful_shutdown();
            }
            () = &mut over => {
                fate.seal("certificate_expired");
                return Ok(());
            }
        }
    }
}
