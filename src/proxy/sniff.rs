//! Which HTTP our own application speaks, from its first bytes.
//!
//! In the clear nothing is negotiated: HTTP/2 with prior knowledge begins with
//! a preface that no HTTP/1 request can begin with (RFC 9113 3.4).

use std::io;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;

use crate::proxy::rewound::Rewound;
use crate::tls::Protocol;

/// Reads until it is clear what is spoken. Nothing that was read is lost.
///
/// # Errors
///
/// What the stream says, and [`io::ErrorKind::UnexpectedEof`] if it ends first.
pub(super) async fn protocol<S: AsyncRead + Unpin>(
    mut stream: S,
) -> io::Result<(Protocol, Rewound<S>)> {
    let mut seen = BytesMut::with_capacity(PREFACE.len());
    loop {
        if !PREFACE.starts_with(&seen) {
            return Ok((Protocol::Http1, Rewound::new(seen.freeze(), stream)));
        }
        if seen.len() == PREFACE.len() {
            return Ok((Protocol::Http2, Rewound::new(seen.freeze(), stream)));
        }
        let missing = PREFACE.len() - seen.len();
        let mut rest = bytes::BufMut::limit(&mut seen, missing);
        if stream.read_buf(&mut rest).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    async fn told_by(parts: &[&[u8]]) -> (Protocol, Vec<u8>) {
        let mut script = tokio_test_stream(parts);
        let (protocol, mut rewound) = protocol(&mut script).await.unwrap();
        let mut all = Vec::new();
        rewound.read_to_end(&mut all).await.unwrap();
        (protocol, all)
    }

    /// A stream that yields `parts`, one a read, and then ends.
    fn tokio_test_stream<'a>(parts: &'a [&'a [u8]]) -> impl AsyncRead + Unpin + 'a {
        parts.iter().fold(
            Box::new(io::empty()) as Box<dyn AsyncReadLocal + 'a>,
            |before, part| Box::new(before.chain(*part)),
        )
    }

    trait AsyncReadLocal: AsyncRead + Unpin {}
    impl<S: AsyncRead + Unpin> AsyncReadLocal for S {}
    use tokio::io;

    #[tokio::test]
    async fn a_preface_in_any_pieces_is_http2_and_nothing_is_lost() {
        let (protocol, all) = told_by(&[b"PRI * HT", b"TP/2.0\r\n", b"\r\nSM\r\n\r\n\0\0"]).await;
        assert_eq!(
            (protocol, all.as_slice()),
            (
                Protocol::Http2,
                &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"[..]
            )
        );
    }

    #[tokio::test]
    async fn anything_else_is_http1() {
        for parts in [
            &[&b"GET / HTTP/1.1\r\n\r\n"[..]][..],
            &[b"P", b"UT / HTTP/1.1\r\n\r\n"],
            &[b"PRI / HTTP/1.1\r\n"],
        ] {
            let (protocol, all) = told_by(parts).await;
            assert_eq!((protocol, all), (Protocol::Http1, parts.concat()));
        }
    }
}
