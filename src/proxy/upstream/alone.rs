//! A request that may end HTTP on its connection, which nothing else ever uses.
//!
//! These are few, so a library speaks for us, which knows how to let go of a
//! connection in the middle of what was read.

use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::header;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::proxy::body::Source;
use crate::proxy::headers;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::Switched;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::bond::drive;
use crate::tls::Protocol;

/// Sends `outgoing` on a connection of its own.
pub(super) async fn send(reach: &Reach, outgoing: Outgoing) -> Result<Answer, UpstreamError> {
    let request = outgoing.into_http1()?;
    let made = reach.connect(Protocol::Http1).await?;
    let (limits, bond) = (reach.limits, made.bond);
    let handshake = http1::Builder::new()
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .handshake(TokioIo::new(made.wire));
    let (mut sender, connection) = handshake
        .await
        .map_err(|cause| UpstreamError::Upgrade { cause })?;
    // Errors reach the request that is under way.
    reach
        .tasks
        .spawn(drive(connection.with_upgrades(), bond.clone()));
    let sent = sender.send_request(request).await;
    let mut response = sent.map_err(|cause| failed(cause, bond.as_deref()))?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let switched = Switched {
            connection: hyper::upgrade::on(&mut response),
        };
        let (head, _no_body) = response.into_parts();
        return Ok(Answer {
            bond,
            response: Response::from_parts(head, Source::Empty),
            rest: Rest::Switched(switched),
        });
    }
    if is_ambiguous(response.headers()) {
        return Err(UpstreamError::AmbiguousFraming);
    }
    headers::clean_response(response.headers_mut());
    Ok(Answer {
        bond,
        response: response.map(Source::http1),
        rest: Rest::Nothing,
    })
}

fn failed(cause: hyper::Error, bond: Option<&Bond>) -> UpstreamError {
    match bond.and_then(Bond::broken) {
        Some(reason) => UpstreamError::Lost { reason },
        None => UpstreamError::Upgrade { cause },
    }
}

/// RFC 9112 6.3 lets a proxy repair such a response; where one ends that was
/// framed in two ways is a guess.
fn is_ambiguous(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => false,
        (Some(coding), None) => {
            !coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                || headers.contains_key(header::CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => true,
    }
}
