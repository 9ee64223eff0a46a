//! The date as responses have it, written once a second.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::time::Clock;

/// Remembers the last date.
#[derive(Debug, Default)]
pub(super) struct Date {
    second: Option<Duration>,
    text: String,
}

impl Date {
    /// The date by `clock`, in RFC 9110's preferred form.
    pub(super) fn now(&mut self, clock: &dyn Clock) -> &[u8] {
        let now = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let second = Duration::from_secs(now.as_secs());
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + second);
        }
        self.text.as_bytes()
    }
}
