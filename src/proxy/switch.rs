//! After HTTP: the bytes of an upgraded connection, both ways.
//!
//! What the caller sent before the 101 was held by the HTTP layer and is the
//! first to go; a destination that did not agree has seen none of it.

use std::future::Future;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::header;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::io::ReadBuf;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use crate::http1::POLICY_VIOLATION;
use crate::http1::WebSocketFrames;
use crate::http1::is_websocket;
use crate::proxy::activity::Activity;
use crate::proxy::activity::silent;
use crate::proxy::body::Source;
use crate::proxy::desk::Desk;
use crate::proxy::download::Download;
use crate::proxy::exchange::Exchange;
use crate::proxy::handover::Awaited;
use crate::proxy::handover::Handed;
use crate::proxy::lifetime::GRACE;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::live::PERMIT_WITHDRAWN;
use crate::proxy::upstream::Bond;

/// The two connections that have left HTTP, or are about to.
#[derive(Debug)]
pub(super) struct Sides {
    /// What binds the far side's connection, if anything.
    pub(super) bond: Option<Rc<Bond>>,
    pub(super) caller: Awaited,
    pub(super) far: Handed,
}

/// The 101 to send, and what must run once it is sent.
pub(super) fn switch(
    response: Response<Source>,
    sides: Sides,
    mut exchange: Exchange,
    lifetime: Lifetime,
    desk: Rc<Desk>,
) -> (Response<Download>, impl Future<Output = ()>) {
    let (mut head, _no_body) = response.into_parts();
    let protocol = head.headers.get(header::UPGRADE).cloned();
    head.headers
        .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let frames = is_websocket(protocol.as_ref()).then(WebSocketFrames::default);
    if let Some(protocol) = protocol {
        exchange.switched(&protocol);
        head.headers.insert(header::UPGRADE, protocol);
    }
    exchange.responded(head.status);
    let (activity, fate) = (Rc::clone(exchange.activity()), exchange.fate().clone());
    let empty = Download::whole(Bytes::new(), Rc::clone(&activity));
    let Sides { bond, caller, far } = sides;
    let relay = async move {
        let far_end = async {
            match bond.as_deref() {
                Some(bond) => bond.over().await,
                None => pending().await,
            }
        };
        let mut told = None;
        let reason = tokio::select! {
            biased;
            _why = activity.permission().withdrawn() => Some(PERMIT_WITHDRAWN),
            copied = copy((caller, frames), far, &activity, &mut told) => copied.err().map(|_broken| {
                let why = bond.as_deref().and_then(Bond::broken);
                why.unwrap_or("connection_broke_off")
            }),
            () = silent(&activity, desk.alarms()) => Some("silent_too_long"),
            reason = lifetime.over(&fate) => Some(reason),
            reason = far_end => Some(reason),
        };
        exchange.end(reason);
        match (told, reason) {
            (Some(told), Some(PERMIT_WITHDRAWN)) => farewell(told).await,
            (Some(told), Some(_)) => told.io.get_ref().break_off(),
            _ => {}
        }
    };
    (Response::from_parts(head, empty), relay)
}

/// Passes bytes on. What has the caller is left in `told`, whatever happens.
async fn copy<'a>(
    (caller, frames): (Awaited, Option<WebSocketFrames>),
    far: Handed,
    activity: &'a Activity,
    told: &mut Option<Counted<'a>>,
) -> io::Result<()> {
    let caller = caller.await.map_err(io::Error::other)?;
    let caller = told.insert(Counted {
        activity,
        count: Activity::passed_in,
        heard: Heard::of(activity, frames.as_ref()),
        frames,
        io: caller,
    });
    let mut far = Counted {
        activity,
        count: Activity::passed_out,
        frames: None,
        heard: Heard::Nothing,
        io: far,
    };
    copy_bidirectional(caller, &mut far).await.map(|_bytes| ())
}

/// Tells the caller of a WebSocket why it ends, if it is between two frames.
/// Otherwise, and in other protocols, the connection just breaks off.
async fn farewell(mut told: Counted<'_>) {
    if !told.frames.as_ref().is_some_and(WebSocketFrames::may_close) {
        told.io.get_ref().break_off();
        return;
    }
    let said = async {
        told.io.write_all(POLICY_VIOLATION).await?;
        told.io.shutdown().await?;
        // A connection that is closed on unread bytes is reset, and the caller
        // may never see what it was told.
        tokio::io::copy(&mut told.io, &mut tokio::io::sink()).await
    };
    let (Ok(_) | Err(_)) = timeout(GRACE, said).await;
}

/// A side whose bytes are counted as they are read.
struct Counted<'a> {
    activity: &'a Activity,
    count: fn(&Activity, usize),
    /// What was written, where that is a WebSocket's to its caller.
    frames: Option<WebSocketFrames>,
    heard: Heard,
    io: Handed,
}

/// What counts as something that a side does.
#[derive(Debug)]
enum Heard {
    /// Every byte.
    Bytes,
    /// Nobody asks.
    Nothing,
    /// What it says in frames: browsers answer a ping whether anybody is there or not.
    Words(WebSocketFrames),
}

impl Heard {
    /// On a connection that is a WebSocket, if it has `frames`.
    fn of(activity: &Activity, frames: Option<&WebSocketFrames>) -> Self {
        match (activity.has_visitor(), frames) {
            (false, _) => Self::Nothing,
            (true, None) => Self::Bytes,
            (true, Some(_)) => Self::Words(WebSocketFrames::default()),
        }
    }

    /// Whether `bytes` are something that it does.
    fn counts(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Bytes => !bytes.is_empty(),
            Self::Nothing => false,
            Self::Words(frames) => {
                frames.sent(bytes);
                frames.take_words()
            }
        }
    }
}

impl AsyncRead for Counted<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        (this.count)(this.activity, read.len());
        if this.heard.counts(read) {
            this.activity.used();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, buf))?;
        if let Some(frames) = &mut this.frames {
            frames.sent(buf.get(..written).unwrap_or_default());
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
