//! Who may see what callers did.
//!
//! Records name people, paths and addresses, and their file is for its owner's
//! eyes. So they are shown on this machine only: to whoever comes over loopback,
//! even where the window may be reached from elsewhere (`kubectl port-forward`
//! and an SSH tunnel come over loopback). No page of another site gets them, not
//! even one on another port of `localhost`: there is no CORS, and a request that
//! a browser says it makes for another site is refused.

use crate::admin::host;
use http::HeaderMap;
use http::Request;
use http::header::HOST;
use http::header::ORIGIN;
use std::net::IpAddr;

/// Why somebody is shown nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stranger {
    /// They name us by a name that may have been bent to us.
    BadHost,
    /// They are on another machine.
    Elsewhere,
    /// A browser asks for a page of another site.
    OtherSite,
}

impl Stranger {
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::BadHost => "the host must be an IP address or localhost\n",
            Self::Elsewhere => {
                "what callers did is shown on this machine only: ask over loopback, such as through an SSH tunnel or `kubectl port-forward`\n"
            }
            Self::OtherSite => "pages of other sites are shown nothing\n",
        }
    }
}

/// Whether `request`, which came from the address `from`, may see records.
pub(super) fn may_see<B>(request: &Request<B>, from: IpAddr) -> Result<(), Stranger> {
    if !from.to_canonical().is_loopback() {
        return Err(Stranger::Elsewhere);
    }
    if !host::is_ours(request.uri(), request.headers()) {
        return Err(Stranger::BadHost);
    }
    if is_for_another_site(request.headers()) {
        return Err(Stranger::OtherSite);
    }
    Ok(())
}

/// Whether a browser says that it asks for a page of another site.
fn is_for_another_site(headers: &HeaderMap) -> bool {
    // `same-site` is another port of the same name: somebody else's.
    let sites = headers.get_all("sec-fetch-site").iter();
    let mut foreign = sites.filter(|site| *site != "same-origin" && *site != "none");
    if foreign.next().is_some() {
        return true;
    }
    let own = headers
        .get(HOST)
        .map(|host| [b"http://", host.as_bytes()].concat());
    let mut origins = headers.get_all(ORIGIN).iter();
    origins.any(|origin| own.as_deref() != Some(origin.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from: &str, fields: &[(&'static str, &'static str)]) -> Option<Stranger> {
        let mut request = Request::new(());
        for (name, value) in fields {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        may_see(&request, from.parse().unwrap()).err()
    }

    #[test]
    fn whoever_is_on_this_machine_sees_records() {
        let host = ("host", "127.0.0.1:15020");
        for (from, fields) in [
            ("127.0.0.1", &[host][..]),
            ("::1", &[("host", "localhost")]),
            ("::ffff:127.0.0.1", &[host, ("sec-fetch-site", "none")]),
            ("127.9.9.9", &[host, ("sec-fetch-site", "same-origin")]),
            ("127.0.0.1", &[host, ("origin", "http://127.0.0.1:15020")]),
        ] {
            assert_eq!(seen(from, fields), None, "{from} {fields:?}");
        }
    }

    #[test]
    fn nobody_else_does() {
        use Stranger::BadHost;
        use Stranger::Elsewhere;
        use Stranger::OtherSite;

        let host = ("host", "127.0.0.1:15020");
        for (from, fields, why) in [
            ("10.0.0.1", &[host][..], Elsewhere),
            ("::ffff:10.0.0.1", &[host], Elsewhere),
            ("127.0.0.1", &[("host", "evil.example")], BadHost),
            ("127.0.0.1", &[], BadHost),
            (
                "127.0.0.1",
                &[host, ("sec-fetch-site", "cross-site")],
                OtherSite,
            ),
            (
                "127.0.0.1",
                &[host, ("sec-fetch-site", "same-site")],
                OtherSite,
            ),
            (
                "127.0.0.1",
                &[
                    host,
                    ("sec-fetch-site", "none"),
                    ("sec-fetch-site", "cross-site"),
                ],
                OtherSite,
            ),
            (
                "127.0.0.1",
                &[host, ("origin", "http://127.0.0.1:3000")],
                OtherSite,
            ),
            ("127.0.0.1", &[host, ("origin", "null")], OtherSite),
        ] {
            assert_eq!(seen(from, fields), Some(why), "{from} {fields:?}");
        }
    }
}
