//! Keys, one by one, as they are pressed; the terminal is as it was when this is dropped.

use std::future::pending;
use std::io;
use std::io::IsTerminal as _;
use std::io::stdin;

use rustix::termios::LocalModes;
use rustix::termios::OptionalActions;
use rustix::termios::SpecialCodeIndex;
use rustix::termios::Termios;
use rustix::termios::tcgetattr;
use rustix::termios::tcsetattr;
use tokio::task::JoinHandle;
use tokio::task::spawn_blocking;

/// The keyboard, if there is one.
#[derive(Debug)]
pub(super) struct Keys {
    keyboard: Option<Keyboard>,
}

#[derive(Debug)]
struct Keyboard {
    before: Termios,
    /// A read that is under way. It is over in a fifth of a second, so that it keeps nobody from leaving.
    read: Option<JoinHandle<io::Result<Option<u8>>>>,
}

impl Keys {
    /// From now on keys are neither echoed nor kept until the end of a line.
    pub(super) fn open() -> io::Result<Self> {
        if !stdin().is_terminal() {
            return Ok(Self { keyboard: None });
        }
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = TENTHS_OF_A_SECOND;
        // Stopped, it would leave the screen as it is.
        raw.special_codes[SpecialCodeIndex::VSUSP] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        let read = None;
        Ok(Self {
            keyboard: Some(Keyboard { before, read }),
        })
    }

    /// The next key. Nothing is lost if it is not awaited.
    ///
    /// # Errors
    ///
    /// If the terminal has gone.
    pub(super) async fn next(&mut self) -> io::Result<u8> {
        let Some(keyboard) = &mut self.keyboard else {
            return pending().await;
        };
        loop {
            let read = keyboard.read.get_or_insert_with(|| spawn_blocking(read));
            let key = read.await.map_err(io::Error::other);
            keyboard.read = None;
            if let Some(key) = key?? {
                return Ok(key);
            }
        }
    }
}

fn read() -> io::Result<Option<u8>> {
    let mut key = [0];
    let read = rustix::io::read(stdin(), &mut key)?;
    let [key] = key;
    Ok((read > 0).then_some(key))
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &self.before) {
            tracing::debug!(%error, "the terminal has gone");
        }
    }
}

const TENTHS_OF_A_SECOND: u8 = 2;
