//! Watching at a sidecar's window: events as they come.

use std::net::SocketAddr;
use std::process::ExitCode;

use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::cli::print;
use crate::cli::shown::shown;
use crate::cli::window;
use crate::cli::window::Answer;
use crate::cli::window::PATIENCE;

/// What a window tells.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// The sidecar has ended.
    End,
    /// Something has happened.
    Event(Vec<u8>),
    /// So many lines came too fast.
    Missed(u64),
}

/// A window that tells what happens.
pub(super) struct Watch {
    admin: SocketAddr,
    answer: Answer,
    lines: Lines,
}

impl Watch {
    /// Begins to watch `path` at the window `admin`.
    ///
    /// # Errors
    ///
    /// The exit code; what is wrong has been said.
    pub(super) async fn open(admin: SocketAddr, path: &str) -> Result<Self, ExitCode> {
        let asked = timeout(PATIENCE, window::ask(admin, path)).await;
        match asked.unwrap_or_else(|_elapsed| Err("nobody has answered in time".into())) {
            Ok(answer) if answer.status == StatusCode::OK => Ok(Self {
                admin,
                answer,
                lines: Lines::default(),
            }),
            Ok(answer) => {
                let status = answer.status;
                let said = answer.whole().await.unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                print::complaint(format_args!(
                    "portreeve: {admin} refuses ({status}): {}",
                    shown(said.trim())
                ));
                Err(ExitCode::FAILURE)
            }
            Err(error) => Err(window::is_silent(admin, &error)),
        }
    }

    /// What is told next.
    ///
    /// # Errors
    ///
    /// The exit code if the window has gone without a word; that has been said.
    pub(super) async fn next(&mut self) -> Result<Told, ExitCode> {
        loop {
            if let Some(told) = self.lines.take() {
                return Ok(told);
            }
            let Answer {
                body, connection, ..
            } = &mut self.answer;
            let frame = connection.during(body.frame()).await;
            let Some(Ok(frame)) = frame else {
                print::complaint(format_args!("portreeve: {} has gone", self.admin));
                return Err(ExitCode::FAILURE);
            };
            if let Ok(some) = frame.into_data() {
                self.lines.add(&some);
            }
        }
    }
}

/// Server-Sent Events in the making.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// How many of them are taken.
    taken: usize,
}

impl Lines {
    fn add(&mut self, some: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(some);
    }

    /// The next event that is whole. Comments are none.
    fn take(&mut self) -> Option<Told> {
        loop {
            let rest = self.bytes.get(self.taken..)?;
            let end = memchr::memmem::find(rest, b"\n\n")?;
            let event = rest.get(..end)?;
            let told = read(event);
            self.taken += end + 2;
            if told.is_some() {
                return told;
            }
        }
    }
}

fn read(event: &[u8]) -> Option<Told> {
    let (mut name, mut data) = (&b""[..], None);
    for line in event.split(|byte| *byte == b'\n') {
        if let Some(said) = line.strip_prefix(b"event: ") {
            name = said;
        } else if let Some(said) = line.strip_prefix(b"data: ") {
            data = Some(said);
        }
    }
    let data = data?;
    match name {
        b"" => Some(Told::Event(data.to_vec())),
        b"end" => Some(Told::End),
        b"missed" => {
            let said: serde_json::Value = serde_json::from_slice(data).ok()?;
            Some(Told::Missed(said.get("lines")?.as_u64()?))
        }
        // A newer sidecar may have more to tell.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;

    const TOLD: &[u8] = b":\n\ndata: {\"a\":1}\n\nevent: missed\ndata: {\"lines\":7}\n\nevent: new\ndata: 1\n\nevent: end\ndata: {}\n\ndata: half";

    proptest! {
        #[test]
        fn events_are_the_same_however_they_are_cut(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(TOLD.len())).collect();
            cuts.sort_unstable();
            let mut lines = Lines::default();
            let mut told = Vec::new();
            let mut from = 0;
            for to in cuts.into_iter().chain([TOLD.len()]) {
                lines.add(&TOLD[from..to]);
                told.extend(std::iter::from_fn(|| lines.take()));
                from = to;
            }
            assert_eq!(told, [Told::Event(b"{\"a\":1}".to_vec()), Told::Missed(7), Told::End]);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let mut lines = Lines::default();
            lines.add(&bytes);
            while lines.take().is_some() {}
        }
    }
}
