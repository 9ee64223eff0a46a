//! What the system tells us to do.

use std::io;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::time::sleep;

use crate::app::AuthorityRunning;
use crate::app::InjectorRunning;
use crate::app::RunError;
use crate::app::Running;

/// Serves until SIGTERM or SIGINT, or until one of the threads ends before its
/// time, then drains. A second one cuts what is left.
/// SIGHUP reads the policy and opens the audit file again.
///
/// # Errors
///
/// [`RunError`] if it did not end well.
pub fn run_until_signalled(running: Running) -> Result<(), RunError> {
    let failed = |cause| RunError::Thread { cause };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let stopped = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut ended = running.ended();
        tokio::select! {
            () = signals.wait(|| running.reload()) => tracing::info!("draining"),
            // Half a sidecar looks well from outside: better none, and a new one.
            () = ended.draining() => tracing::error!("a thread ended before its time: draining"),
        }
        let cut = running.cut();
        let mut stopping = tokio::task::spawn_blocking(|| running.stop());
        let outcome = tokio::select! {
            outcome = &mut stopping => outcome,
            () = signals.again() => {
                tracing::warn!("told again: what is left is cut");
                cut.drain();
                stopping.await
            }
        };
        Ok(outcome.unwrap_or(Err(RunError::Panicked)))
    });
    stopped.map_err(failed)?
}

/// Serves until SIGTERM or SIGINT, or until the authority ends before its
/// time, then drains. SIGHUP opens the audit file again.
///
/// # Errors
///
/// [`RunError`] if it did not end well.
pub fn run_authority_until_signalled(running: AuthorityRunning) -> Result<(), RunError> {
    until_signalled(|| running.has_ended(), || running.reopen_log())?;
    running.stop()
}

/// Answers until SIGTERM or SIGINT, or until the injector ends before its time,
/// then drains. SIGHUP opens the audit file again.
///
/// # Errors
///
/// [`RunError`] if it did not end well.
pub fn run_injector_until_signalled(running: InjectorRunning) -> Result<(), RunError> {
    until_signalled(|| running.has_ended(), || running.reopen_log())?;
    running.stop()
}

fn until_signalled(has_ended: impl Fn() -> bool, hang_up: impl Fn()) -> Result<(), RunError> {
    let failed = |cause| RunError::Thread { cause };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let waited = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let ended = async {
            while !has_ended() {
                sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = signals.wait(hang_up) => tracing::info!("draining"),
            () = ended => tracing::error!("it ended before its time"),
        }
        Ok(())
    });
    waited.map_err(failed)
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
///
/// What the system says if it tells nobody of signals.
pub async fn told_to_stop() -> io::Result<()> {
    Signals::new()?.wait(|| {}).await;
    Ok(())
}

struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self, hang_up: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => hang_up(),
            }
        }
    }

    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// How soon an authority that has ended is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
