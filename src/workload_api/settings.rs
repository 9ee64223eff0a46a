//! What the Workload API needs to know, already checked.

use std::fmt;
use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where the Workload API is, and what it keeps to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the socket is to be.
    pub socket: PathBuf,
    /// Who may open it.
    pub mode: Mode,
    /// Connections at once. Others wait.
    pub connections: NonZeroUsize,
    /// Connections at once of one user. More are closed.
    pub connections_per_user: NonZeroUsize,
    /// Calls at once on one connection.
    pub streams: NonZeroU32,
    /// How long a write may be stuck because the caller does not read.
    pub write_stall: Duration,
    /// How long calls may take to end once we are told to stop.
    pub drain: Duration,
}

impl Settings {
    /// With limits that no sane set of programs on one machine meets.
    #[must_use]
    pub const fn new(socket: PathBuf, mode: Mode) -> Self {
        Self {
            socket,
            mode,
            connections: NonZeroUsize::MIN.saturating_add(511),
            connections_per_user: NonZeroUsize::MIN.saturating_add(127),
            streams: NonZeroU32::MIN.saturating_add(99),
            write_stall: Duration::from_secs(60),
            drain: Duration::from_secs(2),
        }
    }
}

/// The permissions of the socket's file, such as `0600`.
///
/// Parsing is the only way to make one: three octal digits, perhaps after a 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mode(u32);

impl Mode {
    /// As a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = match text.strip_prefix('0') {
            Some(digits) if text.len() == 4 => digits,
            _ => text,
        };
        if digits.len() != 3 || !digits.bytes().all(|digit| matches!(digit, b'0'..=b'7')) {
            return Err(ModeError {
                found: text.to_owned(),
            });
        }
        let bits = digits
            .bytes()
            .fold(0, |bits, digit| bits * 8 + u32::from(digit - b'0'));
        Ok(Self(bits))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// A text that is not a file's mode.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it is not a mode such as `0600` or `0666`")]
pub struct ModeError {
    /// What stood there.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_three_octal_digits() {
        for (text, bits) in [("0600", 0o600), ("660", 0o660), ("0777", 0o777), ("000", 0)] {
            assert_eq!(text.parse(), Ok(Mode(bits)), "{text}");
        }
        for found in ["", "0", "07777", "4755", "0o600", "0688", "-600", "rw"] {
            let found = found.to_owned();
            assert_eq!(found.parse::<Mode>(), Err(ModeError { found }));
        }
        assert_eq!(Mode(0o60).to_string(), "0060");
    }
}
