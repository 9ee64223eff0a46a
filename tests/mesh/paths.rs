//! Targets, hosts and methods that a policy could read in one way and an application in another.

use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;

#[test]
fn a_path_with_two_readings_is_refused() {
    refuse(
        PATHS
            .iter()
            .map(|path| (format!("GET {path} HTTP/1.1"), 400, "bad_path")),
    );
}

#[test]
fn what_is_forbidden_is_so_in_every_spelling() {
    refuse(
        FORBIDDEN
            .iter()
            .map(|line| (format!("{line} HTTP/1.1"), 403, "forbidden")),
    );
}

#[test]
fn a_target_that_is_no_path_is_refused() {
    let lines = TARGETS.iter();
    refuse(lines.map(|&(line, status, reason)| (format!("{line} HTTP/1.1"), status, reason)));
}

#[test]
fn a_path_arrives_in_its_one_form() {
    let trial = Trial::new("");
    for (path, arrives) in ARRIVALS {
        let sent = format!("GET {path} HTTP/1.1\r\nHost: orders\r\n\r\n");
        let arrives = format!("GET {arrives} HTTP/1.1\r\nhost: orders\r\n\r\n");
        trial.pass_all(&[Passed(sent.as_bytes(), &arrives)]);
    }
}

#[test]
fn a_host_that_is_not_one_name_is_refused() {
    let trial = Trial::new("");
    for (fields, reason) in HOSTS {
        let sent = format!("GET /public/x HTTP/1.1\r\n{fields}\r\n");
        trial.refuse_all(&TWIN, &[Refused(sent.as_bytes(), 400, reason)]);
    }
    for (host, arrives) in [
        ("ORDERS", "orders"),
        ("orders.", "orders"),
        ("Orders.Shop.:8080", "orders.shop:8080"),
        ("[::1]:80", "[::1]:80"),
        ("10.0.0.1", "10.0.0.1"),
    ] {
        let sent = format!("GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let arrives = format!("GET /a HTTP/1.1\r\nhost: {arrives}\r\n\r\n");
        trial.pass_all(&[Passed(sent.as_bytes(), &arrives)]);
    }
}

#[test]
fn a_semicolon_passes_only_where_it_is_allowed() {
    let sent = b"GET /a;v=1/b%3bc HTTP/1.1\r\nHost: orders\r\n\r\n";
    Trial::new("").refuse_all(&TWIN, &[Refused(sent, 400, "bad_path")]);
    let arrives = "GET /a;v=1/b%3Bc HTTP/1.1\r\nhost: orders\r\n\r\n";
    Trial::with(", allow_semicolons: true", "").pass_all(&[Passed(sent, arrives)]);
}

#[test]
fn an_encoded_slash_passes_only_where_it_is_allowed() {
    let sent = b"GET /projects/group%2fproject/%61 HTTP/1.1\r\nHost: orders\r\n\r\n";
    Trial::new("").refuse_all(&TWIN, &[Refused(sent, 400, "bad_path")]);
    let arrives = "GET /projects/group%2Fproject/a HTTP/1.1\r\nhost: orders\r\n\r\n";
    Trial::with(", allow_encoded_slashes: true", "").pass_all(&[Passed(sent, arrives)]);
}

#[test]
fn an_encoded_slash_leads_past_no_policy() {
    let trial = Trial::with(", allow_encoded_slashes: true", "");
    for (path, status, reason) in BEHIND_SLASHES {
        let sent = format!("GET {path} HTTP/1.1\r\nHost: orders\r\n\r\n");
        trial.refuse_all(&TWIN, &[Refused(sent.as_bytes(), *status, reason)]);
    }
    // It parts nothing: these are below `/public` and beside it, and not below `/admin`.
    for path in [
        "/public/a%2Fadmin",
        "/admin%2Fx",
        "/r/https%3A%2F%2Fh%2Fadmin",
    ] {
        let sent = format!("GET {path} HTTP/1.1\r\nHost: orders\r\n\r\n");
        let arrives = format!("GET {path} HTTP/1.1\r\nhost: orders\r\n\r\n");
        trial.pass_all(&[Passed(sent.as_bytes(), &arrives)]);
    }
}

/// Each request line is refused, with a `Host` field that is in order.
fn refuse(lines: impl Iterator<Item = (String, u16, &'static str)>) {
    let trial = Trial::new("");
    for (line, status, reason) in lines {
        let sent = format!("{line}\r\nHost: orders\r\n\r\n");
        trial.refuse_all(&TWIN, &[Refused(sent.as_bytes(), status, reason)]);
    }
}

const TWIN: Passed<'_> = Passed(
    b"GET /public/x HTTP/1.1\r\nHost: orders\r\n\r\n",
    "GET /public/x HTTP/1.1\r\nhost: orders\r\n\r\n",
);

const PATHS: &[&str] = &[
    "//",
    "//admin",
    "/public//admin",
    "/admin//",
    "/public//../admin",
    "/.",
    "/..",
    "/./admin",
    "/public/../admin",
    "/public/.",
    "/public/..",
    "/public/.?x",
    "/%2e/admin",
    "/%2e%2e/admin",
    "/public/%2e%2e/admin",
    "/public/%2E./admin",
    "/public/.%2e/admin",
    "/%252e%252e/admin",
    "/%25%32%65/admin",
    "/%252%65/admin",
    "/%25%32e/admin",
    "/%2561dmin",
    "/admin%2f",
    "/admin%2Fx",
    "/public%2f..%2fadmin",
    "/public%5c..%5cadmin",
    "/public\\..\\admin",
    "/\\admin",
    "/admin%00.html",
    "/a%0d%0aHost:%20evil",
    "/a%0a",
    "/a%09b",
    "/a%7f",
    "/a%1f",
    "/public/..;/admin",
    "/.;/admin",
    "/admin;x=1",
    "/a;x/admin;y",
    "/admin%3bx",
    "/%c0%ae/admin",
    "/%c0%ae%c0%ae/admin",
    "/%e0%80%ae/admin",
    "/%ff",
    "/%",
    "/%4",
    "/%zz",
    "/%u0061dmin",
    "/a%%61",
    "/a|b",
    "/a{b}",
    "/a\"b",
    "/a^b",
    "/a[b]",
    "http://orders/public/../admin",
    "http://orders//admin",
];

/// Where `/admin` is forbidden, and `%2F` allowed.
const BEHIND_SLASHES: &[(&str, u16, &str)] = &[
    ("/public%2F..%2Fadmin", 400, "bad_path"),
    ("/public/..%2fadmin", 400, "bad_path"),
    ("/%2e%2e%2fadmin", 400, "bad_path"),
    ("/public%2F%2e/admin", 400, "bad_path"),
    ("/%2Fadmin", 400, "bad_path"),
    ("/public%2F%2Fadmin", 400, "bad_path"),
    ("/public%2F", 400, "bad_path"),
    ("/https%3A%2F%2F..%2Fadmin", 400, "bad_path"),
    ("/public%252F..%252Fadmin", 400, "bad_path"),
    ("/public%25%32%46admin", 400, "bad_path"),
    ("/public%5C..%5Cadmin", 400, "bad_path"),
    ("/public%2F..%5Cadmin", 400, "bad_path"),
    ("/public%c0%afadmin", 400, "bad_path"),
    ("/public%2F..;%2Fadmin", 400, "bad_path"),
    ("/admin/a%2Fb", 403, "forbidden"),
    ("/%61dmin/..a%2Fb", 403, "forbidden"),
];

const FORBIDDEN: &[&str] = &[
    "GET /admin",
    "GET /admin/",
    "GET /admin/x",
    "POST /admin",
    "M-SEARCH /admin",
    "OPTIONS /admin",
    "HEAD-ER /admin",
    "GET /%61dmin",
    "GET /%61%64%6D%69%6e/x",
    "GET /admin?x=/public",
    "GET /admin?/../public",
    "GET /admin#/public",
    "GET http://orders/admin",
    "GET HTTP://ORDERS/admin",
    "GET https://orders./%61dmin/x",
];

const TARGETS: &[(&str, u16, &str)] = &[
    ("OPTIONS *", 400, "bad_path"),
    ("GET *", 400, "bad_path"),
    ("GET orders", 400, "bad_target"),
    ("GET orders:80", 400, "ambiguous_host"),
    ("GET admin", 400, "ambiguous_host"),
    ("GET admin/x", 400, "malformed_message"),
    ("GET ?/admin", 400, "malformed_message"),
    ("GET #/admin", 400, "malformed_message"),
    ("GET /\u{e9}", 400, "bad_path"),
    ("GET /a<b>", 400, "malformed_message"),
    ("GET ftp://orders/a", 400, "bad_target"),
    ("GET http:/a", 400, "malformed_message"),
    ("GET http:///a", 400, "malformed_message"),
    ("GET http://other/public/x", 400, "ambiguous_host"),
    ("GET http://orders:80/public/x", 400, "ambiguous_host"),
    ("GET http://user:secret@orders/public/x", 400, "bad_host"),
    ("GET http://orders@evil/public/x", 400, "bad_host"),
    ("CONNECT orders:443", 405, "method_not_allowed"),
    ("CONNECT /a", 405, "method_not_allowed"),
    ("TRACE /a", 405, "method_not_allowed"),
    ("get /a", 501, "unknown_method"),
    ("Get /a", 501, "unknown_method"),
    ("GET1 /a", 501, "unknown_method"),
    ("G_T /a", 501, "unknown_method"),
    ("AAAAAAAAAAAAAAAAAAAAAAAAA /a", 501, "unknown_method"),
];

const ARRIVALS: &[(&str, &str)] = &[
    ("/", "/"),
    ("/a/", "/a/"),
    ("/%7euser/%c3%a9", "/~user/%C3%A9"),
    ("/a%2eb", "/a.b"),
    ("/100%25", "/100%25"),
    ("/a%20b", "/a%20b"),
    ("/...", "/..."),
    ("/.well-known/x", "/.well-known/x"),
    ("/foo*", "/foo*"),
    // Paths are compared byte for byte, as they arrive.
    ("/ADMIN", "/ADMIN"),
    ("/administrator", "/administrator"),
    ("/admin.", "/admin."),
    ("/admin%20", "/admin%20"),
    ("/%E2%84%AA", "/%E2%84%AA"),
    // A query is the application's; a fragment is nobody's.
    ("/public?/../admin", "/public?/../admin"),
    ("/public?x=%2e%2E//;", "/public?x=%2e%2E//;"),
    ("/public#/../admin", "/public"),
    ("http://orders/public", "/public"),
    ("HTTP://ORDERS./public?x", "/public?x"),
    ("http://orders", "/"),
    ("http://orders?x", "/?x"),
];

const HOSTS: &[(&str, &str)] = &[
    ("", "no_host"),
    ("X: y\r\n", "no_host"),
    ("Host: orders\r\nHost: orders\r\n", "ambiguous_host"),
    ("Host: orders\r\nHost: evil\r\n", "ambiguous_host"),
    ("Host:\r\n", "bad_host"),
    ("Host: orders, evil\r\n", "bad_host"),
    ("Host: orders evil\r\n", "bad_host"),
    ("Host: user@orders\r\n", "bad_host"),
    ("Host: orders/admin\r\n", "bad_host"),
    ("Host: http://orders\r\n", "bad_host"),
    ("Host: orders:\r\n", "bad_host"),
    ("Host: orders:0\r\n", "bad_host"),
    ("Host: orders:080\r\n", "bad_host"),
    ("Host: orders:+80\r\n", "bad_host"),
    ("Host: orders:65536\r\n", "bad_host"),
    ("Host: orders:80:80\r\n", "bad_host"),
    ("Host: orders..\r\n", "bad_host"),
    ("Host: .\r\n", "bad_host"),
    ("Host: order%73\r\n", "bad_host"),
    ("Host: [::1%25eth0]\r\n", "bad_host"),
    ("Host: [::1\r\n", "bad_host"),
    ("Host: \u{e9}\r\n", "bad_host"),
];
