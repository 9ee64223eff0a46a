//! Plain requests over HTTP/1, one at a time on each connection.

use std::cell::RefCell;
use std::future::Future;
use std::future::poll_fn;
use std::rc::Rc;

use http::Method;
use http::StatusCode;

use crate::http1::HeadLimits;
use crate::http1::ResponseHead;
use crate::proxy::body::Source;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upstream::Answer;
use crate::proxy::upstream::Keeping;
use crate::proxy::upstream::Reach;
use crate::proxy::upstream::Rest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::idle::Idle;
use crate::proxy::upstream::line::Call;
use crate::proxy::upstream::line::Line;
use crate::proxy::upstream::line::LineError;
use crate::proxy::upstream::line::Reading;
use crate::proxy::upstream::response;
use crate::tls::Protocol;

/// Connections to our application, used again while they are whole.
#[derive(Debug)]
pub(super) struct Connections {
    idle: Rc<Idle>,
    limits: HeadLimits,
    /// Memory for the next request's head.
    memory: RefCell<Vec<u8>>,
    reach: Rc<Reach>,
}

impl Connections {
    pub(super) fn new(reach: Rc<Reach>, keeping: Keeping) -> Self {
        Self {
            idle: Rc::new(Idle::new(keeping.idle, keeping.most_idle)),
            limits: HeadLimits {
                bytes: reach.limits.header_bytes,
                fields: reach.limits.headers,
            },
            memory: RefCell::default(),
            reach,
        }
    }

    pub(super) fn send(
        &self,
        outgoing: Box<Outgoing>,
    ) -> impl Future<Output = Result<Answer, UpstreamError>> {
        let method = outgoing.method.clone();
        let call = Call::new(outgoing.into_http1(self.memory.take()));
        self.call(call, method)
    }

    async fn call(&self, mut call: Call, method: Method) -> Result<Answer, UpstreamError> {
        loop {
            let kept = self.idle.take();
            let is_new = kept.is_none();
            let line = match kept {
                Some(line) => line,
                // Rare, and large.
                None => Rc::new(Box::pin(self.connect()).await?),
            };
            line.begin();
            match poll_fn(|cx| line.poll_call(&mut call, self.limits, cx)).await {
                Ok(head) => return self.answer(line, call, head, &method),
                // A kept connection that was closed before a byte of the
                // request was written: nobody has seen it, so try again.
                Err(LineError::Unseen { .. }) if !is_new => {}
                Err(cause) => return Err(UpstreamError::Http1 { cause }),
            }
        }
    }

    async fn connect(&self) -> Result<Line, UpstreamError> {
        let made = self.reach.connect(Protocol::Http1).await?;
        Ok(Line::new(made.wire, &self.idle))
    }

    fn answer(
        &self,
        line: Rc<Line>,
        call: Call,
        head: ResponseHead,
        method: &Method,
    ) -> Result<Answer, UpstreamError> {
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::UnaskedUpgrade {
                status: head.status,
            });
        }
        let Some(decoder) = head.body(method) else {
            return Err(UpstreamError::AmbiguousFraming);
        };
        if !head.keeps_alive() || decoder.ends_with_connection() {
            line.is_last();
        }
        let (reading, memory) = Reading::after(line, call, decoder, &self.reach.tasks);
        self.memory.replace(memory.unwrap_or_default());
        Ok(Answer {
            bond: None,
            response: response(head.status, head.headers, Source::application(reading)),
            rest: Rest::Nothing,
        })
    }
}
