//! One reading of a request, or none.
//!
//! What this makes is what the policy sees and what is forwarded: method, host,
//! path and fields, each in one form, with the framing left out because the
//! next hop's framing is ours. A request that two servers could read
//! differently is malformed and goes nowhere.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::Version;
use http::header;
use http::request::Parts;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;

use crate::proxy::authority::AuthorityError;
use crate::proxy::authority::Recent;
use crate::proxy::headers;
use crate::proxy::headers::Kind;
use crate::proxy::path;
use crate::proxy::path::Latitude;
use crate::proxy::path::PathError;
use crate::proxy::settings::Limits;

/// What a door takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The largest head, in bytes.
    pub(super) head_bytes: usize,
    /// The most header fields.
    pub(super) headers: usize,
    /// What paths may have.
    pub(super) latitude: Latitude,
    /// The longest path with its query, in bytes.
    pub(super) uri_bytes: usize,
}

impl Rules {
    /// Those of a door with these limits.
    pub(super) const fn new(limits: &Limits, latitude: Latitude) -> Self {
        Self {
            head_bytes: limits.header_bytes,
            headers: limits.headers,
            latitude,
            uri_bytes: limits.uri_bytes,
        }
    }
}

/// A request with one reading.
#[derive(Debug)]
pub(super) struct Canonical {
    pub(super) method: Method,
    pub(super) authority: Authority,
    pub(super) path_and_query: PathAndQuery,
    /// End-to-end fields only.
    pub(super) headers: HeaderMap,
    /// The body's length in bytes, if the caller announced it.
    pub(super) length: Option<u64>,
    /// The protocol that the caller wants to change to.
    pub(super) upgrade: Option<HeaderValue>,
    /// Whether the caller takes trailers.
    pub(super) trailers: bool,
}

impl Canonical {
    /// Takes `head` apart. Only its method and target are left in it, for the record.
    ///
    /// # Errors
    ///
    /// [`Malformed`] says why the request has no single reading.
    pub(super) fn from_head(
        head: &mut Parts,
        rules: Rules,
        recent: &mut Recent,
    ) -> Result<Self, Malformed> {
        let method = check_method(&head.method)?;
        let uri_bytes = head
            .uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        if uri_bytes > rules.uri_bytes {
            return Err(Malformed::UriTooLong { bytes: uri_bytes });
        }
        if head.headers.len() > rules.headers {
            return Err(Malformed::TooManyHeaders {
                count: head.headers.len(),
            });
        }
        let head_bytes = uri_bytes + headers::bytes(&head.headers);
        if head_bytes > rules.head_bytes {
            return Err(Malformed::HeadTooLarge { bytes: head_bytes });
        }
        let fields = Fields::read(&head.headers)?;
        let authority = find_authority(&head.uri, head.version, &fields, recent)?;
        let path_and_query = canonical_target(&head.uri, rules.latitude)?;
        let upgrade = fields.wanted_upgrade(head.version)?;
        let mut headers = std::mem::take(&mut head.headers);
        for name in fields.remove {
            headers.remove(name);
        }
        join_cookies(&mut headers, fields.cookies)?;
        Ok(Self {
            method,
            authority,
            path_and_query,
            headers,
            length: fields.length,
            upgrade,
            trailers: fields.trailers,
        })
    }

    /// The path, without the query.
    pub(super) fn path(&self) -> &str {
        self.path_and_query.path()
    }
}

/// Why a request has no single reading.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Malformed {
    /// Several `Host` fields, or one that is not `:authority`.
    #[error("the request names two hosts")]
    AmbiguousHost,
    /// A host that is none.
    #[error("the request's host is not valid")]
    BadAuthority {
        /// What is wrong with it.
        #[source]
        cause: AuthorityError,
    },
    /// `Content-Length` that is no plain decimal, or two that differ.
    #[error("the content length is not one plain decimal number")]
    BadContentLength,
    /// An expectation other than `100-continue`.
    #[error("the expectation is not `100-continue`")]
    BadExpectation,
    /// A path with no single reading.
    #[error("the path has no single reading")]
    BadPath {
        /// What is wrong with it.
        #[source]
        cause: PathError,
    },
    /// A scheme other than `http` and `https`, or a target without a path.
    #[error("the request target is not an absolute path")]
    BadTarget,
    /// A transfer coding other than one `chunked`.
    #[error("the transfer coding is not one `chunked`")]
    BadTransferCoding,
    /// A larger head than the door takes.
    #[error("the request's head has {bytes} bytes")]
    HeadTooLarge {
        /// Its size as HTTP/1 would write its target and fields.
        bytes: usize,
    },
    /// A method that is never forwarded.
    #[error("the method {method} is not forwarded")]
    MethodNotAllowed {
        /// The method.
        method: Method,
    },
    /// No host at all.
    #[error("the request names no host")]
    NoHost,
    /// More header fields than the door takes.
    #[error("the request has {count} header fields")]
    TooManyHeaders {
        /// How many.
        count: usize,
    },
    /// A name with `_`, which some servers read as `-`.
    #[error("a header field's name has an underscore")]
    UnderscoreInName,
    /// A method in no form that anybody uses.
    #[error("the method is not upper case, or too long")]
    UnknownMethod,
    /// A wish to change the protocol on a request that has a body.
    #[error("a request with a body asks for an upgrade")]
    UpgradeWithBody,
    /// A longer target than the door takes.
    #[error("the request target has {bytes} bytes")]
    UriTooLong {
        /// Its length.
        bytes: usize,
    },
}

/// What the header fields say about the message itself.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is what one field says")]
struct Fields {
    chunked: bool,
    connection_upgrade: bool,
    cookies: usize,
    host: Option<HeaderValue>,
    length: Option<u64>,
    remove: Vec<HeaderName>,
    trailers: bool,
    upgrade: Option<HeaderValue>,
}

impl Fields {
    fn read(headers: &HeaderMap) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        for (name, value) in headers {
            fields.read_one(name, value)?;
        }
        if fields.chunked && fields.length.is_some() {
            // What reads HTTP/1 has dropped the length of such a message, so this is HTTP/2's.
            return Err(Malformed::BadContentLength);
        }
        Ok(fields)
    }

    fn read_one(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Malformed> {
        match headers::kind(name) {
            Kind::EndToEnd => return Ok(()),
            Kind::Cookie => {
                self.cookies += 1;
                return Ok(());
            }
            Kind::Connection => {
                self.connection_upgrade |= headers::has_token(value, "upgrade");
                self.remove.extend(headers::listed_names(value));
            }
            Kind::ContentLength => self.length = Some(self.check_length(value)?),
            Kind::Expect if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
                return Err(Malformed::BadExpectation);
            }
            Kind::Host if self.host.is_some() => return Err(Malformed::AmbiguousHost),
            Kind::Host => self.host = Some(value.clone()),
            Kind::Te => self.trailers |= headers::has_token(value, "trailers"),
            Kind::TransferEncoding
                if self.chunked || !value.as_bytes().eq_ignore_ascii_case(b"chunked") =>
            {
                return Err(Malformed::BadTransferCoding);
            }
            Kind::TransferEncoding => self.chunked = true,
            Kind::Underscore => return Err(Malformed::UnderscoreInName),
            Kind::Upgrade => self.upgrade = Some(value.clone()),
            Kind::Expect | Kind::Remove => {}
        }
        self.remove.push(name.clone());
        Ok(())
    }

    /// RFC 9112 6.3, without the leniencies: one spelling of one number.
    fn check_length(&self, value: &HeaderValue) -> Result<u64, Malformed> {
        let text = value
            .to_str()
            .map_err(|_not_ascii| Malformed::BadContentLength)?;
        let plain = text == "0" || text.starts_with(|first: char| ('1'..='9').contains(&first));
        let length = text
            .parse()
            .map_err(|_not_a_number| Malformed::BadContentLength)?;
        if !plain || self.length.is_some_and(|before| before != length) {
            return Err(Malformed::BadContentLength);
        }
        Ok(length)
    }

    fn wanted_upgrade(&self, version: Version) -> Result<Option<HeaderValue>, Malformed> {
        let Some(upgrade) = &self.upgrade else {
            return Ok(None);
        };
        // RFC 9110 7.8: without the connection option it is to be ignored, and
        // a server may ignore any.
        let ignored =
            version != Version::HTTP_11 || !self.connection_upgrade || headers::is_http(upgrade);
        if ignored {
            return Ok(None);
        }
        if self.chunked || self.length.is_some_and(|length| length > 0) {
            return Err(Malformed::UpgradeWithBody);
        }
        Ok(Some(upgrade.clone()))
    }
}

fn check_method(method: &Method) -> Result<Method, Malformed> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(Malformed::MethodNotAllowed {
            method: method.clone(),
        });
    }
    let name = method.as_str();
    if name.len() > MAX_METHOD_BYTES
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        return Err(Malformed::UnknownMethod);
    }
    Ok(method.clone())
}

fn find_authority(
    uri: &Uri,
    version: Version,
    fields: &Fields,
    recent: &mut Recent,
) -> Result<Authority, Malformed> {
    let mut parse = |text: &[u8]| {
        let parsed = recent.canonical(text);
        parsed.map_err(|cause| Malformed::BadAuthority { cause })
    };
    let named = uri
        .authority()
        .map(|text| parse(text.as_str().as_bytes()))
        .transpose()?;
    let host = fields
        .host
        .as_ref()
        .map(|text| parse(text.as_bytes()))
        .transpose()?;
    match (named, host) {
        (Some(named), Some(host)) if named == host => Ok(named),
        (Some(_), Some(_)) => Err(Malformed::AmbiguousHost),
        // RFC 9112 3.2: a 1.1 message has a Host field, also beside an absolute target.
        (Some(named), None) if version == Version::HTTP_2 => Ok(named),
        (None, Some(host)) => Ok(host),
        (Some(_) | None, None) => Err(Malformed::NoHost),
    }
}

fn canonical_target(uri: &Uri, latitude: Latitude) -> Result<PathAndQuery, Malformed> {
    if uri
        .scheme()
        .is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS)
    {
        return Err(Malformed::BadTarget);
    }
    let target = uri.path_and_query().ok_or(Malformed::BadTarget)?;
    let path =
        path::canonical(target.path(), latitude).map_err(|cause| Malformed::BadPath { cause })?;
    if path == target.path() {
        return Ok(target.clone());
    }
    let rebuilt = match target.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    PathAndQuery::from_maybe_shared(Bytes::from(rebuilt)).map_err(|_invalid| Malformed::BadTarget)
}

/// RFC 9113 8.2.3: crumbs become one field before they leave HTTP/2.
fn join_cookies(headers: &mut HeaderMap, crumbs: usize) -> Result<(), Malformed> {
    if crumbs < 2 {
        return Ok(());
    }
    let parts: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let joined = HeaderValue::from_maybe_shared(Bytes::from(parts.join(&b"; "[..])));
    headers.insert(
        header::COOKIE,
        joined.map_err(|_invalid| Malformed::BadTarget)?,
    );
    Ok(())
}

/// The longest registered method (`UPDATEREDIRECTREF`) has 17.
const MAX_METHOD_BYTES: usize = 24;

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
