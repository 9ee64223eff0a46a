//! What peers may speak: a version of HTTP, or bytes that nobody on the way reads.
//!
//! A door takes one or the other, never both: what was meant for an application
//! that speaks HTTP cannot be led to one that speaks something else, nor the
//! other way round (ALPACA).

/// The version of HTTP that both ends agreed on in the handshake.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// Its name in the ALPN registry.
    #[must_use]
    pub const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// Its name in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }
    }

    /// What a handshake agreed on, if it is one of these.
    pub(super) fn negotiated(alpn: Option<&[u8]>) -> Option<Self> {
        BY_PREFERENCE
            .into_iter()
            .find(|protocol| alpn == Some(protocol.alpn()))
    }
}

/// What we accept, best first.
const BY_PREFERENCE: [Protocol; 2] = [Protocol::Http2, Protocol::Http1];
/// The same in the handshake's words.
pub(super) const HTTP: &[&[u8]] = &[Protocol::Http2.alpn(), Protocol::Http1.alpn()];
/// HTTP/1.1 alone.
pub(super) const HTTP1: &[&[u8]] = &[Protocol::Http1.alpn()];
/// HTTP/2 alone.
pub(super) const HTTP2: &[&[u8]] = &[Protocol::Http2.alpn()];
/// Bytes that nobody on the way reads. Not registered: it is ours.
pub(super) const OPAQUE: &[u8] = b"portreeve-tcp";
/// Proof of another connection, see [`lease`](crate::tls::lease). Ours, too.
pub(super) const LEASE: &[u8] = b"portreeve-lease/1";
