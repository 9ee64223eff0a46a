//! What an authority and an injector have in common as processes: an event loop of
//! their own, a log of one part, and an end in order.

use std::io;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::app::RunError;
use crate::audit;
use crate::audit::Log;
use crate::drain;

/// One that serves.
#[derive(Debug)]
pub(super) struct Hosted {
    drain: drain::Trigger,
    log: Log,
    runtime: Runtime,
    serving: tokio::task::JoinHandle<Result<(), RunError>>,
    writer: JoinHandle<Result<(), audit::UnwrittenError>>,
}

impl Hosted {
    /// Does on `runtime` what `serve` makes of the word to drain, and writes what is
    /// recorded on a thread besides.
    pub(super) fn start<F>(
        runtime: Runtime,
        (log, writer): (Log, audit::Writer),
        serve: impl FnOnce(drain::Watch) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = Result<(), RunError>> + Send + 'static,
    {
        let (drain, watch) = drain::channel();
        let writer = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())?;
        let serving = runtime.spawn(serve(watch));
        Ok(Self {
            drain,
            log,
            runtime,
            serving,
            writer,
        })
    }

    /// Opens the audit file again, because it was moved away.
    pub(super) fn reopen_log(&self) {
        self.log.reopen();
    }

    /// Whether it has ended, which it does not by itself.
    pub(super) fn has_ended(&self) -> bool {
        self.serving.is_finished()
    }

    /// Lets what is under way end, for so long, and every record be written. In the
    /// log it is called `name`.
    pub(super) fn stop(self, patience: Duration, name: &str) -> Result<(), RunError> {
        self.drain.drain();
        let served = self
            .runtime
            .block_on(async { timeout(patience, self.serving).await });
        self.log.stop();
        let written = self.writer.join();
        self.runtime.shutdown_background();
        match served {
            Ok(Ok(outcome)) => outcome?,
            Ok(Err(_panic)) => return Err(RunError::Panicked),
            Err(_elapsed) => tracing::warn!("the {name} did not end in time and was cut"),
        }
        match written {
            Ok(outcome) => outcome.map_err(|cause| RunError::Unwritten { cause }),
            Err(_panic) => Err(RunError::Panicked),
        }
    }
}
