//! What each refusal looks like to the caller: the only such table.
//!
//! A caller learns the status, a stable reason and the request's id, by which
//! an operator finds the record, and what the authors of the policies that say
//! no have to say to it. It does not learn which policies those are, nor
//! anything of what is behind us.

#![warn(clippy::wildcard_enum_match_arm)]

use std::rc::Rc;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;

use crate::audit::RequestId;
use crate::policy::Denial;
use crate::policy::DenialReason;
use crate::policy::PolicyName;
use crate::proxy::activity::Activity;
use crate::proxy::canonical::Malformed;
use crate::proxy::download::Download;
use crate::proxy::gates::Shed;
use crate::proxy::live::PERMIT_WITHDRAWN;
use crate::proxy::refusal::NoProbe;
use crate::proxy::refusal::Refusal;
use crate::proxy::ruling;
use crate::proxy::upstream::UpstreamError;
use crate::session::Over;
use crate::tls::ConnectError;
use crate::tls::HandshakeError;
use crate::tls::Loss;

/// A refusal as it will be sent.
#[derive(Debug)]
pub(super) struct Reply {
    /// The methods that would not be refused as such (RFC 9110 15.5.6 wants a list).
    allowed: &'static str,
    body: Bytes,
    /// The body's, also where it is left out.
    length: usize,
    reason: &'static str,
    /// When to try again, in seconds, if that is known.
    retry_after: Option<u64>,
    status: StatusCode,
}

/// How much of a reply is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    All,
    Head,
}

impl Wanted {
    /// By whoever asks with `method`.
    pub(super) fn by(method: &Method) -> Self {
        if method == Method::HEAD {
            Self::Head
        } else {
            Self::All
        }
    }
}

/// The reply to a request that is refused. `id` is the request's.
pub(super) fn to(refusal: &Refusal, id: Option<RequestId>, wanted: Wanted) -> Reply {
    let (status, reason) = verdict(refusal);
    let title = status.canonical_reason().unwrap_or("Refused");
    let mut text = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{},"reason":"{reason}""#,
        status.as_u16()
    );
    if let Some(id) = id {
        text.push_str(&format!(r#","instance":"urn:portreeve:request:{id}""#));
    }
    if status == StatusCode::UNAUTHORIZED {
        text.push_str(r#","sign_in":"/.portreeve/sign-in""#);
    }
    if let Some(advice) = advice(refusal) {
        text.push_str(&format!(r#","detail":{}"#, serde_json::Value::from(advice)));
    }
    text.push_str("}\n");
    let length = text.len();
    if wanted == Wanted::Head {
        text.clear();
    }
    Reply {
        allowed: allowed(refusal),
        body: Bytes::from(text),
        length,
        reason,
        retry_after: retry_after(refusal, status),
        status,
    }
}

impl Reply {
    pub(super) const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The stable word for records and metrics.
    pub(super) const fn reason(&self) -> &'static str {
        self.reason
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// As problem details (RFC 9457).
    pub(super) fn into_response(self, activity: Rc<Activity>) -> Response<Download> {
        let mut response = Response::new(Download::whole(self.body, activity));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.length));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge(self.reason)),
            );
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static(self.allowed));
        }
        let is_read = matches!(
            self.status,
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED
        );
        if self.status.is_client_error() && !is_read {
            // What follows a message with two readings may be part of it.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What there is to tell of a refusal, for whoever shows it in another form.
#[derive(Debug)]
pub(super) struct Told {
    /// What the caller should do.
    pub(super) advice: Option<String>,
    /// Policies that say no, each with whom to ask about it.
    pub(super) owners: Vec<(String, String)>,
    pub(super) reason: &'static str,
    pub(super) retry_after: Option<u64>,
    pub(super) status: StatusCode,
}

/// What there is to tell of `refusal`.
pub(super) fn told(refusal: &Refusal) -> Told {
    let (status, reason) = verdict(refusal);
    let policies = denial(refusal).map_or(&[][..], |denial| &**denial.policies());
    let owners = policies.iter().filter_map(|policy| {
        let owner = policy.owner()?;
        Some((policy.to_string(), owner.to_owned()))
    });
    Told {
        advice: advice(refusal),
        owners: owners.take(MOST_ADVICE).collect(),
        reason,
        retry_after: retry_after(refusal, status),
        status,
    }
}

/// What a caller should do (`@advice`). RFC 9457 3.1.4: the detail is to help
/// the caller, not to explain us.
fn advice(refusal: &Refusal) -> Option<String> {
    let denial = denial(refusal)?;
    if *denial.reason() != DenialReason::Forbidden {
        return None;
    }
    let mut said: Vec<&str> = denial
        .policies()
        .iter()
        .filter_map(PolicyName::advice)
        .collect();
    said.dedup();
    said.truncate(MOST_ADVICE);
    (!said.is_empty()).then(|| said.join(" "))
}

/// What the policy says, where it is the policy that says no.
fn denial(refusal: &Refusal) -> Option<&Denial> {
    match refusal {
        Refusal::Denied(denial) | Refusal::Unauthenticated { denial, .. } => Some(denial),
        Refusal::Withdrawn(why) => why.denial.as_ref(),
        Refusal::BadToken
        | Refusal::CrossOrigin
        | Refusal::Lost(_)
        | Refusal::Malformed(_)
        | Refusal::Misdirected
        | Refusal::NoProbe(_)
        | Refusal::NoRoom
        | Refusal::NoRoute
        | Refusal::RequestBrokeOff
        | Refusal::RequestStalled
        | Refusal::Shed { .. }
        | Refusal::SignInBusy
        | Refusal::SignedOut(_)
        | Refusal::TimedOut
        | Refusal::TooLarge
        | Refusal::Upstream(_) => None,
    }
}

/// Nobody follows more, and a policy's annotation has its own limit.
const MOST_ADVICE: usize = 4;

/// RFC 6750 3, and RFC 9470 3 where somebody has to prove again who they are.
fn challenge(reason: &str) -> &'static str {
    match reason {
        BAD_TOKEN => r#"Bearer error="invalid_token""#,
        SIGN_IN_AGAIN => {
            r#"Bearer error="insufficient_user_authentication", error_description="sign in again""#
        }
        _ => "Bearer",
    }
}

/// The reason of whoever shows a token that is not believed.
const BAD_TOKEN: &str = "bad_token";

/// The reason of whoever would be let in if they had only just signed in.
const SIGN_IN_AGAIN: &str = "sign_in_again";

const fn allowed(refusal: &Refusal) -> &'static str {
    if matches!(refusal, Refusal::NoProbe(_)) {
        return "GET, HEAD";
    }
    // What is ever forwarded without question.
    "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
}

fn verdict(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::BadToken => (StatusCode::UNAUTHORIZED, BAD_TOKEN),
        Refusal::CrossOrigin => (StatusCode::FORBIDDEN, "cross_origin"),
        Refusal::Denied(denial) => (denied(denial.reason()), denial.reason().as_str()),
        Refusal::Lost(why) => (StatusCode::FORBIDDEN, lost(*why)),
        Refusal::Malformed(why) => malformed(why),
        Refusal::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "no_such_host"),
        Refusal::NoProbe(why) => no_probe(*why),
        Refusal::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "audit_log_full"),
        Refusal::NoRoute => (StatusCode::NOT_FOUND, "no_such_route"),
        Refusal::RequestBrokeOff => (StatusCode::BAD_REQUEST, "request_broke_off"),
        Refusal::RequestStalled => (StatusCode::REQUEST_TIMEOUT, "request_stalled"),
        Refusal::Shed { why, .. } => (shed(*why), why.as_str()),
        Refusal::SignedOut(over @ (Over::ClockBack | Over::Unsure)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ruling::session_word(*over))
        }
        Refusal::SignedOut(over) => (StatusCode::UNAUTHORIZED, ruling::session_word(*over)),
        Refusal::SignInBusy => (StatusCode::SERVICE_UNAVAILABLE, "sign_in_busy"),
        Refusal::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "response_timeout"),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        Refusal::Unauthenticated {
            is_step_up: true, ..
        } => (StatusCode::UNAUTHORIZED, SIGN_IN_AGAIN),
        Refusal::Unauthenticated { .. } => (StatusCode::UNAUTHORIZED, "sign_in_first"),
        Refusal::Upstream(why) => upstream(why),
        Refusal::Withdrawn(_) => (StatusCode::FORBIDDEN, PERMIT_WITHDRAWN),
    }
}

/// Whole seconds, so that nobody comes too early.
fn retry_after(refusal: &Refusal, status: StatusCode) -> Option<u64> {
    if let Refusal::Shed { wait, .. } = refusal {
        let begun = u64::from(wait.subsec_nanos() > 0);
        return Some((wait.as_secs() + begun).max(1));
    }
    (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1)
}

const fn no_probe(why: NoProbe) -> (StatusCode, &'static str) {
    match why {
        NoProbe::Method => (StatusCode::METHOD_NOT_ALLOWED, "probe_by_other_method"),
        NoProbe::MoreThanAHead => (StatusCode::BAD_REQUEST, "probe_with_more"),
        NoProbe::Path => (StatusCode::NOT_FOUND, "no_such_probe"),
    }
}

const fn shed(why: Shed) -> StatusCode {
    match why {
        Shed::AppNotReady | Shed::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Shed::RateLimited => StatusCode::TOO_MANY_REQUESTS,
    }
}

const fn lost(why: Loss) -> &'static str {
    match why {
        Loss::Ended => "certificate_expired",
        Loss::NoLongerTrusted => "no_longer_trusted",
        Loss::Revoked => "revoked",
    }
}

const fn denied(reason: &DenialReason) -> StatusCode {
    match reason {
        DenialReason::AmbiguousHeader { .. } | DenialReason::AmbiguousQuery => {
            StatusCode::BAD_REQUEST
        }
        DenialReason::EvaluationError | DenialReason::Forbidden | DenialReason::NoPermit => {
            StatusCode::FORBIDDEN
        }
    }
}

const fn malformed(why: &Malformed) -> (StatusCode, &'static str) {
    match why {
        Malformed::AmbiguousHost => (StatusCode::BAD_REQUEST, "ambiguous_host"),
        Malformed::BadAuthority { .. } => (StatusCode::BAD_REQUEST, "bad_host"),
        Malformed::BadContentLength => (StatusCode::BAD_REQUEST, "bad_content_length"),
        Malformed::BadExpectation => (StatusCode::EXPECTATION_FAILED, "bad_expectation"),
        Malformed::BadPath { .. } => (StatusCode::BAD_REQUEST, "bad_path"),
        Malformed::BadTarget => (StatusCode::BAD_REQUEST, "bad_target"),
        Malformed::BadTransferCoding => (StatusCode::BAD_REQUEST, "bad_transfer_coding"),
        Malformed::HeadTooLarge { .. } => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
        ),
        Malformed::MethodNotAllowed { .. } => {
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        }
        Malformed::NoHost => (StatusCode::BAD_REQUEST, "no_host"),
        Malformed::TooManyHeaders { .. } => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "too_many_headers",
        ),
        Malformed::UnderscoreInName => (StatusCode::BAD_REQUEST, "underscore_in_name"),
        Malformed::UnknownMethod => (StatusCode::NOT_IMPLEMENTED, "unknown_method"),
        Malformed::UpgradeWithBody => (StatusCode::BAD_REQUEST, "upgrade_with_body"),
        Malformed::UriTooLong { .. } => (StatusCode::URI_TOO_LONG, "uri_too_long"),
    }
}

/// Why there was no answer.
pub(super) const fn upstream(why: &UpstreamError) -> (StatusCode, &'static str) {
    match why {
        UpstreamError::Dial { .. } | UpstreamError::Nowhere | UpstreamError::Unreachable => {
            (StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable")
        }
        UpstreamError::Http1 { .. } | UpstreamError::Http2 { .. } => {
            (StatusCode::BAD_GATEWAY, "upstream_failed")
        }
        UpstreamError::Lost { reason } => (StatusCode::BAD_GATEWAY, reason),
        UpstreamError::Tls { cause } => handshake(cause),
        UpstreamError::AmbiguousFraming
        | UpstreamError::UnaskedUpgrade { .. }
        | UpstreamError::Unwritable { .. } => (StatusCode::BAD_GATEWAY, "upstream_not_understood"),
    }
}

/// What kept us from the other sidecar, coarsely: its details are for the log.
const fn handshake(why: &ConnectError) -> (StatusCode, &'static str) {
    let ConnectError::Handshake { cause } = why;
    match cause {
        HandshakeError::BadCertificate { .. }
        | HandshakeError::BadSignature
        | HandshakeError::NoCertificate
        | HandshakeError::NotMutual => (StatusCode::BAD_GATEWAY, "upstream_not_trusted"),
        HandshakeError::NoAlpn | HandshakeError::OtherAlpn => {
            (StatusCode::BAD_GATEWAY, "upstream_no_common_protocol")
        }
        HandshakeError::Misconfigured { .. } => (StatusCode::BAD_GATEWAY, "identity_not_usable"),
        // The last three are of our own doors, never of a far side.
        HandshakeError::Broken { .. }
        | HandshakeError::NotTls
        | HandshakeError::OldVersion
        | HandshakeError::Protocol { .. }
        | HandshakeError::NoCertificateYet { .. }
        | HandshakeError::NoServerName
        | HandshakeError::UnknownHost { .. } => {
            (StatusCode::BAD_GATEWAY, "upstream_handshake_failed")
        }
        HandshakeError::OwnCertificateExpired => {
            (StatusCode::SERVICE_UNAVAILABLE, "identity_expired")
        }
        HandshakeError::RefusedByPeer { .. } => (StatusCode::BAD_GATEWAY, "refused_by_upstream"),
        HandshakeError::Timeout => (StatusCode::GATEWAY_TIMEOUT, "upstream_handshake_timeout"),
    }
}
