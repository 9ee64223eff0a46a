//! Whether a request was meant for us, or for a name that was bent to us.

use http::HeaderMap;
use http::Uri;
use http::header::HOST;
use http::uri::Authority;
use std::net::IpAddr;

/// Whether a request names its host as an IP address or `localhost`, once.
///
/// A browser puts the name of the page's own site here. Such a name can be made
/// to point to us, but not to be an address.
pub(super) fn is_ours(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let in_header = Authority::try_from(host.as_bytes()).is_ok_and(|name| names_us(&name));
    in_header && uri.authority().is_none_or(names_us)
}

fn names_us(name: &Authority) -> bool {
    let host = name.host();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let known = bare.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost");
    known && !name.as_str().contains('@')
}

#[cfg(test)]
mod tests {
    use super::is_ours;
    use http::HeaderMap;
    use http::HeaderValue;
    use http::Uri;
    use http::header::HOST;

    fn asked(uri: &'static str, hosts: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        is_ours(&Uri::from_static(uri), &headers)
    }

    #[test]
    fn takes_addresses_and_localhost() {
        for host in [
            "127.0.0.1",
            "10.1.2.3:15020",
            "[::1]",
            "[::1]:15020",
            "localhost:1",
            "LOCALHOST",
        ] {
            assert!(asked("/status", &[host]), "{host}");
        }
        assert!(asked("http://127.0.0.1/status", &["127.0.0.1"]));
    }

    #[test]
    fn refuses_every_other_name() {
        let names = [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost.",
            "127.1",
            "0x7f000001",
            "evil.example@127.0.0.1",
            "",
        ];
        for host in names {
            assert!(!asked("/status", &[host]), "{host}");
        }
        assert!(!asked("/status", &[]));
        assert!(!asked("/status", &["localhost", "localhost"]));
        assert!(!asked("http://evil.example/status", &["127.0.0.1"]));
    }
}
