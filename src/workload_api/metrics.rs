//! What a Workload API counts.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use futures_util::Stream;
use futures_util::StreamExt as _;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;
use tonic::Code;
use tonic::Response;
use tonic::Status;

use crate::workload_api::updates::Messages;

/// Connections and calls. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: IntCounterVec,
    pub(super) connections: IntGauge,
    streams: IntGauge,
}

impl Metrics {
    /// Makes the numbers and enters them in `registry`.
    ///
    /// # Errors
    ///
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            calls: IntCounterVec::new(
                Opts::new(
                    "portreeve_workload_api_calls_total",
                    "Calls of the Workload API that have ended, by method and gRPC code.",
                ),
                &["method", "code"],
            )?,
            connections: IntGauge::new(
                "portreeve_workload_api_connections",
                "Connections of programs to the Workload API.",
            )?,
            streams: IntGauge::new(
                "portreeve_workload_api_streams",
                "Calls of the Workload API that are under way.",
            )?,
        };
        for method in METHODS {
            let ok = format!("{:?}", Code::Ok);
            metrics.calls.with_label_values(&[method, ok.as_str()]);
        }
        registry.register(Box::new(metrics.calls.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.streams.clone()))?;
        Ok(metrics)
    }

    /// Counts a call of `method`, which is one of [`METHODS`].
    pub(super) fn begin(&self, method: &'static str) -> Call {
        self.streams.inc();
        Call {
            metrics: self.clone(),
            method,
            code: Code::Cancelled,
        }
    }
}

/// A call under way. Dropped without an end, its caller gave it up.
pub(super) struct Call {
    metrics: Metrics,
    method: &'static str,
    code: Code,
}

impl Call {
    /// Ends the call with its answer.
    pub(super) fn answer<T>(mut self, outcome: Result<T, Status>) -> Result<Response<T>, Status> {
        self.code = outcome.as_ref().err().map_or(Code::Ok, Status::code);
        outcome.map(Response::new)
    }

    /// Goes on with the call until its messages end.
    pub(super) fn stream<M: Send + 'static>(
        mut self,
        outcome: Result<Messages<M>, Status>,
    ) -> Result<Response<Messages<M>>, Status> {
        match outcome {
            Ok(messages) => {
                let call = self;
                Ok(Response::new(Counted { messages, call }.boxed()))
            }
            Err(status) => {
                self.code = status.code();
                Err(status)
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.metrics.streams.dec();
        let code = format!("{:?}", self.code);
        let labels = [self.method, code.as_str()];
        self.metrics.calls.with_label_values(&labels).inc();
    }
}

/// The messages of a call, which ends with them.
struct Counted<M> {
    messages: Messages<M>,
    call: Call,
}

impl<M> Stream for Counted<M> {
    type Item = Result<M, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = this.messages.poll_next_unpin(cx);
        if let Poll::Ready(Some(Err(status))) = &next {
            this.call.code = status.code();
        }
        next
    }
}

/// The five calls of the standard.
const METHODS: [&str; 5] = [
    "FetchJWTBundles",
    "FetchJWTSVID",
    "FetchX509Bundles",
    "FetchX509SVID",
    "ValidateJWTSVID",
];

/// A connection, for as long as it is open.
pub(super) struct Connected(IntGauge);

impl Connected {
    pub(super) fn one_more(metrics: &Metrics) -> Self {
        metrics.connections.inc();
        Self(metrics.connections.clone())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}
