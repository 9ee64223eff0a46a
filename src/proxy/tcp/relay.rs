//! Bytes both ways between two connections, in one task.
//!
//! Each way is read into the worker's [`Scratch`] and written on in the same
//! turn. Only what the other side does not take at once is kept, at most a
//! scratch full, and nothing more is read that way until it is gone: whoever
//! sends faster than the other side reads is slowed down by TCP itself.
//!
//! A side that has sent all it has to say is said so to the other side, and may
//! still listen: each way ends for itself.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::proxy::tcp::broken::Broken;
use crate::proxy::tcp::scratch::Scratch;

/// Is told of bytes that have come.
pub(super) trait Count {
    /// `bytes` have come from the caller.
    fn passed_in(&self, bytes: usize);
    /// `bytes` have come from the far side.
    fn passed_out(&self, bytes: usize);
}

/// Returns when both sides have said all.
///
/// # Errors
///
/// [`Broken`] as soon as either side breaks off.
///
/// # Cancellation
///
/// What was read and not yet written is lost.
pub(super) async fn relay<C, F>(
    caller: &mut C,
    far: &mut F,
    scratch: &Scratch,
    count: &impl Count,
) -> Result<(), Broken>
where
    C: AsyncRead + AsyncWrite + Unpin,
    F: AsyncRead + AsyncWrite + Unpin,
{
    let (mut there, mut back) = (Way::default(), Way::default());
    poll_fn(|cx| {
        let sent = |bytes| count.passed_in(bytes);
        let there = there
            .poll(cx, (&mut *caller, &mut *far), scratch, sent)
            .map_err(|cut| cut.at(Broken::caller, Broken::far))?;
        let answered = |bytes| count.passed_out(bytes);
        let back = back
            .poll(cx, (&mut *far, &mut *caller), scratch, answered)
            .map_err(|cut| cut.at(Broken::far, Broken::caller))?;
        if there.is_ready() && back.is_ready() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    /// What was read and not taken; the first `gone` bytes of it were, later.
    held: Vec<u8>,
    gone: usize,
    stage: Stage,
    /// Something may wait in the writer for want of a push.
    unflushed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Open,
    /// The reader has said all, and the writer is to be told.
    Closing,
    Closed,
}

/// Which end of a way failed.
enum Cut {
    Reading(io::Error),
    Writing(io::Error),
}

impl Cut {
    fn at(
        self,
        reader: impl FnOnce(io::Error) -> Broken,
        writer: impl FnOnce(io::Error) -> Broken,
    ) -> Broken {
        match self {
            Self::Reading(cause) => reader(cause),
            Self::Writing(cause) => writer(cause),
        }
    }
}

impl Way {
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut R, &mut W),
        scratch: &Scratch,
        passed: impl Fn(usize),
    ) -> Poll<Result<(), Cut>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..TURNS {
            ready!(self.poll_held(cx, to)).map_err(Cut::Writing)?;
            match self.stage {
                Stage::Open => {
                    let read = scratch.lend(|space| self.poll_pass(cx, (from, to), space));
                    match read? {
                        Poll::Ready(0) => self.stage = Stage::Closing,
                        Poll::Ready(bytes) => passed(bytes),
                        Poll::Pending => {
                            ready!(self.poll_flush(cx, to)).map_err(Cut::Writing)?;
                            return Poll::Pending;
                        }
                    }
                }
                Stage::Closing => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Cut::Writing)?;
                    self.stage = Stage::Closed;
                }
                Stage::Closed => return Poll::Ready(Ok(())),
            }
        }
        // Others want their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sees to it that nothing waits in `to` while nothing comes.
    fn poll_flush<W>(&mut self, cx: &mut Context<'_>, to: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once, and writes what came as far as it is taken.
    fn poll_pass<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut R, &mut W),
        space: &mut [u8],
    ) -> Result<Poll<usize>, Cut>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut space = ReadBuf::new(space);
        match Pin::new(from).poll_read(cx, &mut space) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(read) => read.map_err(Cut::Reading)?,
        }
        let read = space.filled();
        if read.is_empty() {
            return Ok(Poll::Ready(0));
        }
        let taken = match Pin::new(to).poll_write(cx, read) {
            Poll::Pending => 0,
            Poll::Ready(taken) => taken.map_err(Cut::Writing)?,
        };
        self.unflushed = true;
        if let Some(rest @ [_, ..]) = read.get(taken..) {
            self.held.extend_from_slice(rest);
        }
        Ok(Poll::Ready(read.len()))
    }

    /// Writes what is held, and gives its memory back.
    fn poll_held<W>(&mut self, cx: &mut Context<'_>, to: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while let Some(rest @ [_, ..]) = self.held.get(self.gone..) {
            let taken = ready!(Pin::new(&mut *to).poll_write(cx, rest))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.gone += taken;
            self.unflushed = true;
        }
        if self.gone > 0 {
            self.held = Vec::new();
            self.gone = 0;
        }
        Poll::Ready(Ok(()))
    }
}

/// How often a way is read before others have their turn: a megabyte.
const TURNS: usize = 16;
