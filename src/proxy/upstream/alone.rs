//! A request that may end HTTP on its connection, which nothing else ever uses.

use std::future::poll_fn;
use std::rc::Rc;

use http::StatusCode;
use http::header;

use crate::http1::HeadLimits;
use crate::http1::ResponseHead;
use crate::proxy::body::Source;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::apart::Apart;
use crate::proxy::upstream::line::Call;
use crate::proxy::upstream::line::Line;
use crate::proxy::upstream::line::LineError;
use crate::proxy::upstream::line::Reading;
use crate::proxy::upstream::response;
use crate::tls::Protocol;

/// Sends `outgoing` on a connection of its own.
pub(super) async fn send(reach: &Reach, outgoing: Box<Outgoing>) -> Result<Answer, UpstreamError> {
    let method = outgoing.method.clone();
    let mut call = Call::new(outgoing.into_http1(Vec::new()));
    let made = reach.connect(Protocol::Http1).await?;
    let line = Rc::new(Line::alone(made.wire));
    let limits = HeadLimits {
        bytes: reach.limits.header_bytes,
        fields: reach.limits.headers,
    };
    line.begin();
    let head = tokio::select! {
        head = poll_fn(|cx| line.poll_call(&mut call, limits, cx)) => {
            head.map_err(|cause| failed(cause, made.bond.as_deref()))?
        }
        reason = over(made.bond.as_deref()) => return Err(UpstreamError::Lost { reason }),
    };
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(switched(&line, head, made.bond));
    }
    let Some(decoder) = head.body(&method) else {
        return Err(UpstreamError::AmbiguousFraming);
    };
    let (mut reading, _) = Reading::after(Rc::clone(&line), call, decoder, &reach.tasks);
    if let Some(bond) = made.bond.clone() {
        let watch = async move {
            over(Some(&bond)).await;
            line.close();
        };
        reading.guard(Apart::go(watch, &reach.tasks));
    }
    Ok(Answer {
        bond: made.bond,
        response: response(head.status, head.headers, Source::application(reading)),
        rest: Rest::Nothing,
    })
}

fn switched(line: &Line, head: ResponseHead, bond: Option<Rc<Bond>>) -> Answer {
    let mut headers = head.headers;
    if let Some(protocol) = head.upgrade {
        headers.insert(header::UPGRADE, protocol);
    }
    Answer {
        bond,
        response: response(head.status, headers, Source::Empty),
        rest: Rest::Switched(line.hand_over()),
    }
}

/// Returns when the other side is not believed any more, with the reason.
async fn over(bond: Option<&Bond>) -> &'static str {
    match bond {
        Some(bond) => bond.over().await,
        None => std::future::pending().await,
    }
}

fn failed(cause: LineError, bond: Option<&Bond>) -> UpstreamError {
    match bond.and_then(Bond::broken) {
        Some(reason) => UpstreamError::Lost { reason },
        None => UpstreamError::Http1 { cause },
    }
}
