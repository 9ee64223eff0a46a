//! How handshakes fail, in words that records and metrics can count.

use std::borrow::Cow;
use std::io;

use rustls::AlertDescription;
use rustls::CertificateError;
use rustls::InvalidMessage;
use rustls::PeerIncompatible;

use crate::tls::refusal::Refusal;

/// Why a TCP stream never became a proved peer, on either end.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HandshakeError {
    /// The peer's certificate is not believed.
    #[error("the peer's certificate is refused")]
    BadCertificate {
        /// Why not.
        #[source]
        cause: Refusal,
    },
    /// The peer does not hold its certificate's key.
    #[error("the peer's signature is wrong")]
    BadSignature,
    /// The stream broke or ended.
    #[error("the stream broke ({kind})")]
    Broken {
        /// How, as the system names it.
        kind: io::ErrorKind,
    },
    /// Our own settings and identity make no TLS configuration.
    #[error("our own TLS configuration is not usable")]
    Misconfigured {
        /// What the TLS library said.
        #[source]
        cause: rustls::Error,
    },
    /// The peer did not say what it wants to speak.
    #[error("the peer did not negotiate what to speak")]
    NoAlpn,
    /// The peer showed no certificate.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// The CA has not given us one yet.
    #[error("there is no certificate for `{host}` yet")]
    NoCertificateYet {
        /// What the peer asked for, which is ours.
        host: String,
    },
    /// The peer did not say which host it wants.
    #[error("the peer did not say which host it wants")]
    NoServerName,
    /// The peer did not ask for our certificate.
    #[error("the peer did not ask for our certificate")]
    NotMutual,
    /// What came is not TLS.
    #[error("what the peer sent is not TLS")]
    NotTls,
    /// Our own certificate's time is over: there is nobody to be introduced.
    #[error("our own certificate has expired")]
    OwnCertificateExpired,
    /// The peer does not speak TLS 1.3.
    #[error("the peer does not speak TLS 1.3")]
    OldVersion,
    /// The peer asked for other protocols than we speak.
    #[error("the peer offers nothing to speak that we want")]
    OtherAlpn,
    /// The peer broke the protocol in another way, or has no algorithm in common with us.
    #[error("the handshake failed")]
    Protocol {
        /// What the TLS library said.
        #[source]
        cause: rustls::Error,
    },
    /// The peer does not believe us, or gave up.
    #[error("the peer refused us with alert {alert:?}")]
    RefusedByPeer {
        /// What it said.
        alert: AlertDescription,
    },
    /// The peer took too long.
    #[error("the handshake took too long")]
    Timeout,
    /// The peer wants a host that is not ours.
    #[error("`{host}` is none of our hosts")]
    UnknownHost {
        /// What it asked for.
        host: String,
    },
}

impl HandshakeError {
    /// A stable word for records and metrics; the rule that a certificate
    /// breaks follows after a colon.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        let word = match self {
            Self::BadCertificate { cause } => {
                return format!("bad_certificate:{}", cause.reason()).into();
            }
            Self::BadSignature => "bad_handshake_signature",
            Self::Broken { .. } => "broken",
            Self::Misconfigured { .. } => "misconfigured",
            Self::NoAlpn => "no_alpn",
            Self::NoCertificate => "no_certificate",
            Self::NoCertificateYet { .. } => "no_certificate_yet",
            Self::NoServerName => "no_server_name",
            Self::NotMutual => "not_mutual",
            Self::NotTls => "not_tls",
            Self::OldVersion => "old_tls_version",
            Self::OwnCertificateExpired => "own_certificate_expired",
            Self::OtherAlpn => "other_alpn",
            Self::Protocol { .. } => "tls_protocol",
            Self::RefusedByPeer { .. } => "refused_by_peer",
            Self::Timeout => "handshake_timeout",
            Self::UnknownHost { .. } => "unknown_host",
        };
        word.into()
    }

    /// What the TLS library reports, through the stream it works on.
    pub(super) fn from_stream(error: &io::Error) -> Self {
        error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .map_or_else(|| Self::Broken { kind: error.kind() }, Self::from_tls)
    }

    fn from_tls(error: &rustls::Error) -> Self {
        if let Some(cause) = Refusal::found_in(error) {
            return Self::BadCertificate { cause };
        }
        match error {
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | rustls::Error::NoApplicationProtocol => Self::OtherAlpn,
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::OldVersion,
            rustls::Error::AlertReceived(alert) => Self::RefusedByPeer { alert: *alert },
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => Self::BadSignature,
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::ServerDoesNotSupportTls12Or13,
            ) => Self::OldVersion,
            cause => Self::Protocol {
                cause: cause.clone(),
            },
        }
    }
}

/// Why a caller never became a [`Peer`](crate::tls::Peer).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AcceptError {
    /// The handshake failed.
    #[error("the caller's handshake failed")]
    Handshake {
        /// Why.
        #[source]
        cause: HandshakeError,
    },
    /// All slots for handshakes are taken.
    #[error("too many handshakes are under way")]
    TooManyHandshakes,
    /// The caller's address has its part of the slots.
    #[error("too many handshakes with this address are under way")]
    TooManyHandshakesFromSource,
}

impl AcceptError {
    /// A stable word for records and metrics; the rule that a certificate
    /// breaks follows after a colon.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Handshake { cause } => cause.reason(),
            Self::TooManyHandshakes => "too_many_handshakes".into(),
            Self::TooManyHandshakesFromSource => "too_many_handshakes_from_source".into(),
        }
    }
}

/// Why the far side never became a [`Peer`](crate::tls::Peer).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// The handshake failed.
    #[error("the handshake with the far side failed")]
    Handshake {
        /// Why.
        #[source]
        cause: HandshakeError,
    },
}

impl ConnectError {
    /// A stable word for records and metrics; the rule that a certificate
    /// breaks follows after a colon.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Handshake { cause } => cause.reason(),
        }
    }
}
