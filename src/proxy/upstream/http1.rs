//! HTTP/1 connections, one request at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::header;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::proxy::body::Source;
use crate::proxy::body::Upload;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Keeping;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::Switched;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::bond::drive;
use crate::tls::Protocol;

/// Connections to one destination, used again while they are whole.
#[derive(Debug)]
pub(super) struct Connections {
    idle: Rc<Idle>,
    reach: Rc<Reach>,
}

impl Connections {
    pub(super) fn new(reach: Rc<Reach>, keeping: Keeping) -> Self {
        Self {
            idle: Rc::new(Idle {
                keeping,
                list: RefCell::default(),
            }),
            reach,
        }
    }

    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Answer, UpstreamError> {
        let mut request = outgoing.into_http1()?;
        loop {
            let kept = self.idle.take();
            let is_new = kept.is_none();
            let (mut sender, bond) = match kept {
                // Only connections to our own application are kept.
                Some(sender) => (sender, None),
                None => self.connect(After::Http).await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let rest = Rest::Returnable(Returnable {
                        idle: Rc::clone(&self.idle),
                        sender,
                    });
                    return answer(response, rest, bond);
                }
                Err(mut error) => match error.take_message() {
                    // A kept connection that was closed before a byte of the
                    // request was written: nobody has seen it, so try again.
                    Some(unsent) if !is_new => request = unsent,
                    _ => {
                        return Err(UpstreamError::Http1 {
                            cause: error.into_error(),
                        });
                    }
                },
            }
        }
    }

    /// Sends a request that may end HTTP on its connection.
    pub(super) async fn send_alone(&self, outgoing: Outgoing) -> Result<Answer, UpstreamError> {
        let request = outgoing.into_http1()?;
        let (mut sender, bond) = self.connect(After::Anything).await?;
        let sent = sender.send_request(request).await;
        let mut response = sent.map_err(|cause| failed(cause, bond.as_deref()))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return answer(response, Rest::Nothing, bond);
        }
        let switched = Switched {
            connection: hyper::upgrade::on(&mut response),
        };
        let (head, _no_body) = response.into_parts();
        Ok(Answer {
            bond,
            response: Response::from_parts(head, Source::Empty),
            rest: Rest::Switched(switched),
        })
    }

    /// A new connection, and what binds it.
    async fn connect(
        &self,
        after: After,
    ) -> Result<(SendRequest<Upload>, Option<Rc<Bond>>), UpstreamError> {
        let made = self.reach.connect(Protocol::Http1).await?;
        let limits = self.reach.limits;
        let handshake = http1::Builder::new()
            .max_buf_size(limits.header_bytes)
            .max_headers(limits.headers)
            .handshake(TokioIo::new(made.wire));
        let (sender, connection) = handshake
            .await
            .map_err(|cause| UpstreamError::Http1 { cause })?;
        // Errors reach the request that is under way.
        let (tasks, bond) = (&self.reach.tasks, made.bond.clone());
        match after {
            After::Anything => tasks.spawn(drive(connection.with_upgrades(), bond)),
            After::Http => tasks.spawn(drive(connection, bond)),
        }
        Ok((sender, made.bond))
    }
}

/// What may follow a response on its connection.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Another protocol.
    Anything,
    /// The next response.
    Http,
}

fn failed(cause: hyper::Error, bond: Option<&Bond>) -> UpstreamError {
    match bond.and_then(Bond::broken) {
        Some(reason) => UpstreamError::Lost { reason },
        None => UpstreamError::Http1 { cause },
    }
}

fn answer(
    response: Response<Incoming>,
    rest: Rest,
    bond: Option<Rc<Bond>>,
) -> Result<Answer, UpstreamError> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::UnaskedUpgrade {
            status: response.status(),
        });
    }
    if is_ambiguous(response.headers()) {
        return Err(UpstreamError::AmbiguousFraming);
    }
    Ok(Answer {
        bond,
        response: response.map(Source::http1),
        rest,
    })
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

/// A connection in use, which can be given back.
#[derive(Debug)]
pub(in crate::proxy) struct Returnable {
    idle: Rc<Idle>,
    sender: SendRequest<Upload>,
}

impl Returnable {
    /// Gives the connection back. To be called when the response was read to
    /// its end: one that is dropped instead closes.
    pub(in crate::proxy) fn give_back(self) {
        self.idle.put(self.sender);
    }
}

#[derive(Debug)]
struct Idle {
    keeping: Keeping,
    /// The longest unused in front.
    list: RefCell<VecDeque<(SendRequest<Upload>, Instant)>>,
}

impl Idle {
    /// The connection that was used last, if it is whole.
    fn take(&self) -> Option<SendRequest<Upload>> {
        let mut list = self.list.borrow_mut();
        let now = Instant::now();
        let mut at = list.len();
        while at > 0 {
            at -= 1;
            let (sender, since) = list.get(at)?;
            if now.duration_since(*since) > self.keeping.idle {
                // So have all before it.
                list.drain(..=at);
                return None;
            }
            if sender.is_closed() {
                list.remove(at);
            } else if sender.is_ready() {
                return list.remove(at).map(|(sender, _)| sender);
            }
            // Else it still sends a request body that was answered early.
        }
        None
    }

    fn put(&self, sender: SendRequest<Upload>) {
        if sender.is_closed() {
            return;
        }
        let mut list = self.list.borrow_mut();
        if list.len() >= self.keeping.most_idle {
            list.pop_front();
        }
        list.push_back((sender, Instant::now()));
    }
}
