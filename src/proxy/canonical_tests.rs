use http::Request;

use super::*;
use crate::proxy::path::EncodedSlashes;
use crate::proxy::path::Semicolons;

type HostCase = (
    Version,
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<Malformed>,
);
type FieldCase = (&'static [(&'static str, &'static str)], Option<Malformed>);

/// Nothing.
const STRICT: Latitude = Latitude {
    encoded_slashes: EncodedSlashes::Refuse,
    semicolons: Semicolons::Refuse,
};

const RULES: Rules = Rules {
    head_bytes: 8_192,
    headers: 20,
    latitude: STRICT,
    uri_bytes: 64,
};

#[expect(
    clippy::unwrap_in_result,
    reason = "a case that is no request is a mistake of the test"
)]
fn read(version: Version, target: &str, fields: &[(&str, &str)]) -> Result<Canonical, Malformed> {
    let mut request = Request::builder().version(version).uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    Canonical::from_head(&mut head, RULES, &mut Recent::default())
}

fn refused(version: Version, target: &str, fields: &[(&str, &str)]) -> Option<Malformed> {
    read(version, target, fields).err()
}

#[test]
fn a_plain_request_is_read_as_it_stands() {
    let request = read(
        Version::HTTP_11,
        "/a?b=/../c",
        &[("host", "Orders:80"), ("accept", "*/*")],
    )
    .unwrap();
    assert_eq!(request.authority.as_str(), "orders:80");
    assert_eq!(request.path(), "/a");
    assert_eq!(request.path_and_query.as_str(), "/a?b=/../c");
    assert_eq!(request.headers.len(), 1);
    assert_eq!(request.length, None);
}

#[test]
fn the_path_that_is_judged_is_the_path_that_is_sent() {
    let request = read(Version::HTTP_11, "/%61dmin?x=%61", &[("host", "h")]).unwrap();
    assert_eq!(request.path_and_query.as_str(), "/admin?x=%61");
}

#[test]
fn exactly_one_host_is_taken() {
    use Malformed::{AmbiguousHost, BadAuthority, NoHost};

    let cases: [HostCase; 11] = [
        (Version::HTTP_11, "/", &[("host", "h")], None),
        (Version::HTTP_11, "/", &[], Some(NoHost)),
        (Version::HTTP_10, "/", &[], Some(NoHost)),
        (
            Version::HTTP_11,
            "/",
            &[("host", "h"), ("host", "h")],
            Some(AmbiguousHost),
        ),
        (Version::HTTP_11, "http://h/", &[("host", "h")], None),
        (Version::HTTP_11, "http://h/", &[], Some(NoHost)),
        (
            Version::HTTP_11,
            "http://other/",
            &[("host", "h")],
            Some(AmbiguousHost),
        ),
        (Version::HTTP_2, "https://h/", &[], None),
        (Version::HTTP_2, "https://h/", &[("host", "H")], None),
        (
            Version::HTTP_2,
            "https://h/",
            &[("host", "evil")],
            Some(AmbiguousHost),
        ),
        (
            Version::HTTP_11,
            "/",
            &[("host", "a/b")],
            Some(BadAuthority {
                cause: AuthorityError::BadHost,
            }),
        ),
    ];
    for (version, target, fields, why) in cases {
        assert_eq!(
            refused(version, target, fields),
            why,
            "{version:?} {target} {fields:?}"
        );
    }
}

#[test]
fn a_target_that_is_no_path_is_refused() {
    let slashless = Some(Malformed::BadPath {
        cause: PathError::NoSlash,
    });
    assert_eq!(refused(Version::HTTP_11, "*", &[("host", "h")]), slashless);
    assert_eq!(
        refused(Version::HTTP_11, "admin", &[("host", "admin")]),
        Some(Malformed::BadTarget)
    );
    assert_eq!(
        refused(Version::HTTP_11, "ftp://h/", &[("host", "h")]),
        Some(Malformed::BadTarget)
    );
    let long = format!("/{}", "a".repeat(64));
    assert_eq!(
        refused(Version::HTTP_11, &long, &[("host", "h")]),
        Some(Malformed::UriTooLong { bytes: 65 })
    );
}

#[test]
fn framing_has_one_spelling() {
    use Malformed::{BadContentLength, BadExpectation, BadTransferCoding};

    let cases: [FieldCase; 14] = [
        (&[("content-length", "12")], None),
        (&[("content-length", "0")], None),
        (&[("content-length", "12"), ("content-length", "12")], None),
        (
            &[("content-length", "12"), ("content-length", "13")],
            Some(BadContentLength),
        ),
        (&[("content-length", "012")], Some(BadContentLength)),
        (&[("content-length", "+12")], Some(BadContentLength)),
        (&[("content-length", "1,1")], Some(BadContentLength)),
        (
            &[("content-length", "18446744073709551616")],
            Some(BadContentLength),
        ),
        (&[("transfer-encoding", "chunked")], None),
        (
            &[("transfer-encoding", "gzip, chunked")],
            Some(BadTransferCoding),
        ),
        (
            &[
                ("transfer-encoding", "identity"),
                ("transfer-encoding", "chunked"),
            ],
            Some(BadTransferCoding),
        ),
        (
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            Some(BadTransferCoding),
        ),
        (&[("expect", "100-continue")], None),
        (&[("expect", "foo")], Some(BadExpectation)),
    ];
    for (fields, why) in cases {
        let fields: Vec<_> = fields.iter().copied().chain([("host", "h")]).collect();
        assert_eq!(refused(Version::HTTP_11, "/", &fields), why, "{fields:?}");
    }
}

#[test]
fn what_speaks_of_one_connection_goes_no_further() {
    let fields = [
        ("host", "h"),
        ("connection", "keep-alive, X-Hop, Host"),
        ("keep-alive", "timeout=5"),
        ("x-hop", "1"),
        ("te", "trailers, deflate"),
        ("transfer-encoding", "chunked"),
        ("x-portreeve-caller", "spiffe://evil/x"),
        ("x-original-url", "/admin"),
        ("x-kept", "1"),
    ];
    let request = read(Version::HTTP_11, "/", &fields).unwrap();
    let left: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(left, ["x-kept"]);
    assert!(request.trailers);
    assert_eq!(request.authority.as_str(), "h");
}

#[test]
fn methods_that_are_not_forwarded_are_refused() {
    for (method, why) in [
        (
            Method::CONNECT,
            Malformed::MethodNotAllowed {
                method: Method::CONNECT,
            },
        ),
        (
            Method::TRACE,
            Malformed::MethodNotAllowed {
                method: Method::TRACE,
            },
        ),
        (
            Method::from_bytes(b"get").unwrap(),
            Malformed::UnknownMethod,
        ),
        (
            Method::from_bytes(b"G!T").unwrap(),
            Malformed::UnknownMethod,
        ),
    ] {
        assert_eq!(check_method(&method), Err(why));
    }
    for method in [Method::GET, Method::from_bytes(b"PROPFIND").unwrap()] {
        assert_eq!(check_method(&method), Ok(method));
    }
}

#[test]
fn an_upgrade_is_taken_only_where_it_is_meant() {
    let websocket = [
        ("host", "h"),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
    ];
    assert_eq!(
        read(Version::HTTP_11, "/", &websocket)
            .unwrap()
            .upgrade
            .unwrap(),
        "websocket"
    );
    let without_option = [("host", "h"), ("upgrade", "websocket")];
    assert_eq!(
        read(Version::HTTP_11, "/", &without_option)
            .unwrap()
            .upgrade,
        None
    );
    assert_eq!(
        read(Version::HTTP_10, "/", &websocket).unwrap().upgrade,
        None
    );
    let h2c = [
        ("host", "h"),
        ("connection", "upgrade, http2-settings"),
        ("upgrade", "h2c"),
        ("http2-settings", "AA"),
    ];
    let request = read(Version::HTTP_11, "/", &h2c).unwrap();
    assert_eq!((request.upgrade, request.headers.len()), (None, 0));
    let with_body = [
        websocket[0],
        websocket[1],
        websocket[2],
        ("content-length", "1"),
    ];
    assert_eq!(
        refused(Version::HTTP_11, "/", &with_body),
        Some(Malformed::UpgradeWithBody)
    );
}

#[test]
fn crumbs_become_one_cookie() {
    let request = read(
        Version::HTTP_2,
        "https://h/",
        &[("cookie", "a=1"), ("cookie", "b=2")],
    )
    .unwrap();
    let cookies: Vec<_> = request.headers.get_all("cookie").iter().collect();
    assert_eq!(cookies, ["a=1; b=2"]);
}

#[test]
fn a_name_with_an_underscore_or_too_many_fields_are_refused() {
    assert_eq!(
        refused(Version::HTTP_11, "/", &[("host", "h"), ("x_user", "1")]),
        Some(Malformed::UnderscoreInName)
    );
    let many: Vec<_> = std::iter::repeat_n(("a", "b"), 20)
        .chain([("host", "h")])
        .collect();
    assert_eq!(
        refused(Version::HTTP_11, "/", &many),
        Some(Malformed::TooManyHeaders { count: 21 })
    );
}

#[test]
fn a_head_may_be_as_large_as_the_rule_says_and_no_larger() {
    // `/`, and `host: h` and `x: …` with their ends.
    let room = 8_192 - 1 - 9 - 5;
    let at_most = "v".repeat(room);
    let fields = [("host", "h"), ("x", at_most.as_str())];
    assert_eq!(refused(Version::HTTP_2, "/", &fields), None);
    let too_much = "v".repeat(room + 1);
    let fields = [("host", "h"), ("x", too_much.as_str())];
    assert_eq!(
        refused(Version::HTTP_2, "/", &fields),
        Some(Malformed::HeadTooLarge { bytes: 8_193 })
    );
}
