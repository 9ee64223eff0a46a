//! What operators say of callers, for a while.

use std::fmt::Debug;
use std::time::Duration;
use std::time::SystemTime;

use tonic::Status;

use crate::admin::hatch::operator::Operator;
use crate::admin::hatch::orders::Orders;
use crate::admin::hatch::orders::ended;
use crate::policy::PushError;
use crate::policy::PushedSignal;

/// Takes in what is said of callers. Whoever keeps the policies implements it.
pub trait Signals: Debug + Send + Sync {
    /// Says of `caller` that a signal, the first of `said`, has a value, the
    /// second in YAML, until then. What is in flight is decided again.
    ///
    /// # Errors
    ///
    /// All of [`PushError`].
    fn set(&self, caller: &str, said: (&str, &str), until: SystemTime) -> Result<(), PushError>;

    /// Says it no longer. Tells whether it was said.
    ///
    /// # Errors
    ///
    /// If there can be no such signal, or nobody of that name.
    fn clear(&self, caller: &str, name: &str) -> Result<bool, PushError>;

    /// All that is said so.
    fn pushed(&self) -> Vec<PushedSignal>;
}

impl Orders {
    /// Says something of a caller for a while.
    pub(super) fn set_signal(
        &self,
        operator: Operator,
        caller: &str,
        (name, text): (&str, &str),
        seconds: u64,
    ) -> Result<(), Status> {
        let mut event = self.record("signal_set", operator)?;
        for (field, value) in [("of", caller), ("signal", name), ("value", text)] {
            event.fact(field, value.to_owned());
        }
        event.fact("for_s", seconds.to_string());
        let set = || {
            operator.may()?;
            if !(1..=MOST_SECONDS).contains(&seconds) {
                return Err(Status::invalid_argument(format!(
                    "a signal is good for 1 second to {} days, not for {seconds} seconds: set it anew in time",
                    MOST_SECONDS / 86_400
                )));
            }
            let until = self.clock.now().checked_add(Duration::from_secs(seconds));
            let until = until.ok_or_else(|| Status::invalid_argument("no calendar has its end"))?;
            self.signals
                .set(caller, (name, text), until)
                .map_err(|error| refusal(&error))
        };
        let outcome = set();
        ended(event, outcome)
    }

    /// Says it no longer.
    pub(super) fn clear_signal(
        &self,
        operator: Operator,
        caller: &str,
        name: &str,
    ) -> Result<(), Status> {
        let mut event = self.record("signal_clear", operator)?;
        for (field, value) in [("of", caller), ("signal", name)] {
            event.fact(field, value.to_owned());
        }
        let clear = || {
            operator.may()?;
            let was_said = self.signals.clear(caller, name);
            if was_said.map_err(|error| refusal(&error))? {
                return Ok(());
            }
            Err(Status::not_found(format!(
                "`{name}` is not set of `{caller}`: `portreeve signal list` has all that are"
            )))
        };
        let outcome = clear();
        ended(event, outcome)
    }

    /// All that is said so.
    pub(super) fn pushed(&self, operator: Operator) -> Result<Vec<PushedSignal>, Status> {
        operator.may()?;
        let now = self.clock.now();
        let mut all = self.signals.pushed();
        all.retain(|signal| now < signal.until);
        Ok(all)
    }
}

fn refusal(error: &PushError) -> Status {
    let text = error.to_string();
    match error {
        PushError::Full { .. } => Status::resource_exhausted(text),
        PushError::NotACaller { .. } | PushError::Undeclared { .. } | PushError::Unlike { .. } => {
            Status::invalid_argument(text)
        }
    }
}

/// A week: what must hold longer belongs into the file, which outlives the process.
const MOST_SECONDS: u64 = 7 * 86_400;
