//! Responses are read the same however their bytes come, and never more than came.

#![no_main]

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use libfuzzer_sys::fuzz_target;
use portreeve::http1::HeadLimits;
use portreeve::http1::Inlet;
use portreeve::http1::ResponseHead;
use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = read(bytes, bytes.len().max(1));
    let cut = read(bytes, usize::from(size).max(1));
    assert_eq!(whole, cut);
    let taken: usize = whole.iter().map(|response| response.1.len()).sum();
    assert!(taken <= bytes.len());
});

/// Status, body and whether it ended, of each response.
fn read(bytes: &[u8], size: usize) -> Vec<(u16, Vec<u8>, bool)> {
    let mut wire = Parts { bytes, size };
    let mut inlet = Inlet::of_responses();
    let mut cx = Context::from_waker(Waker::noop());
    let limits = HeadLimits {
        bytes: 4096,
        fields: 16,
    };
    let mut responses = Vec::new();
    while let Poll::Ready(Ok(head)) = inlet.poll_head(&mut wire, limits, &mut cx) {
        let Ok(head) = ResponseHead::read(&head, limits.fields) else {
            break;
        };
        let Some(mut decoder) = head.body(&http::Method::GET) else {
            break;
        };
        let mut body = Vec::new();
        let ended = loop {
            match inlet.poll_frame(&mut wire, &mut decoder, &mut cx) {
                Poll::Ready(Some(Ok(frame))) => body.extend(frame.into_data().unwrap_or_default()),
                Poll::Ready(None) => break true,
                Poll::Ready(Some(Err(_))) | Poll::Pending => break false,
            }
        };
        responses.push((head.status.as_u16(), body, ended));
        if !ended {
            break;
        }
    }
    responses
}

/// Bytes that come in parts, and then the connection's end.
struct Parts<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl AsyncRead for Parts<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.size.min(buf.remaining()).min(self.bytes.len());
        let (part, rest) = self.bytes.split_at(length);
        buf.put_slice(part);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}
