//! Fields by which a caller could speak as somebody else, and heads that are too large.

use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;
use crate::trial::anonymous;
use crate::trial::served;

#[test]
fn nobody_says_who_calls_but_us() {
    let trial = Trial::new("");
    for fields in SPOOFED {
        // The caller's own fields beside it are left alone.
        let sent =
            format!("GET /a HTTP/1.1\r\nHost: orders\r\nX-Forwarded-For: 10.0.0.1\r\n{fields}\r\n");
        let arrives = "GET /a HTTP/1.1\r\nhost: orders\r\nx-forwarded-for: 10.0.0.1\r\n\r\n";
        trial.pass_all(&[Passed(sent.as_bytes(), arrives)]);
    }
}

#[test]
fn a_name_with_an_underscore_is_refused() {
    let trial = Trial::new("");
    for name in [
        "X_Portreeve_Caller",
        "x-portreeve_caller",
        "X_Forwarded_Client_Cert",
        "X-Forwarded-Client_Cert",
        "Content_Length",
        "a_b",
        "_",
    ] {
        let sent = format!("GET /a HTTP/1.1\r\nHost: orders\r\n{name}: x\r\n\r\n");
        trial.refuse_all(
            &Passed(
                b"GET /a HTTP/1.1\r\nHost: orders\r\nA-B: x_y\r\n\r\n",
                "GET /a HTTP/1.1\r\na-b: x_y\r\nhost: orders\r\n\r\n",
            ),
            &[Refused(sent.as_bytes(), 400, "underscore_in_name")],
        );
    }
}

#[test]
fn a_connection_field_takes_only_what_is_the_callers() {
    Trial::new("").pass_all(LISTED);
}

#[test]
fn a_policy_sees_what_is_forwarded_and_nothing_else() {
    Trial::new("").refuse_all(
        &Passed(
            b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: OPS-1\r\n\r\n",
            "GET /tickets HTTP/1.1\r\nhost: orders\r\nx-ticket: OPS-1\r\n\r\n",
        ),
        &[
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\n\r\n", 403, "forbidden"),
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: OPS-1\r\nConnection: X-Ticket\r\n\r\n", 403, "forbidden"),
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: OPS-1\r\nX-Ticket: x\r\n\r\n", 400, "ambiguous_header"),
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: x\r\nX-Ticket: OPS-1\r\n\r\n", 400, "ambiguous_header"),
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: OPS-\xff\r\n\r\n", 400, "ambiguous_header"),
            Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX.Ticket: OPS-1\r\n\r\n", 403, "forbidden"),
        ],
    );
}

#[test]
fn a_policy_knows_a_query_by_the_names_in_it() {
    Trial::new("").refuse_all(
        &Passed(
            b"GET /queried?x=debug&%79=1 HTTP/1.1\r\nHost: orders\r\n\r\n",
            "GET /queried?x=debug&%79=1 HTTP/1.1\r\nhost: orders\r\n\r\n",
        ),
        &[
            Refused(
                b"GET /queried?x=1&debug HTTP/1.1\r\nHost: orders\r\n\r\n",
                403,
                "forbidden",
            ),
            Refused(
                b"GET /queried?%64ebug=1 HTTP/1.1\r\nHost: orders\r\n\r\n",
                403,
                "forbidden",
            ),
            Refused(
                b"GET /queried?x;debug HTTP/1.1\r\nHost: orders\r\n\r\n",
                400,
                "ambiguous_query",
            ),
            Refused(
                b"GET /queried?%2564ebug HTTP/1.1\r\nHost: orders\r\n\r\n",
                400,
                "ambiguous_query",
            ),
        ],
    );
}

#[test]
fn a_policy_knows_the_connection_by_its_own_handshake() {
    Trial::new("").refuse_all(
        &Passed(
            b"GET /safe HTTP/1.1\r\nHost: orders\r\n\r\n",
            "GET /safe HTTP/1.1\r\nhost: orders\r\n\r\n",
        ),
        &[Refused(
            b"GET /young HTTP/1.1\r\nHost: orders\r\n\r\n",
            403,
            "forbidden",
        )],
    );
}

#[test]
fn an_expectation_is_met_by_us_or_refused() {
    let trial = Trial::new("");
    let twin = Passed(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 1\r\n\r\na",
        "POST /a HTTP/1.1\r\ncontent-length: 1\r\nhost: orders\r\n\r\na",
    );
    trial.refuse_all(
        &twin,
        &[
            Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nExpect: foo\r\nContent-Length: 1\r\n\r\na", 417, "bad_expectation"),
            Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nExpect: 100-continue, foo\r\nContent-Length: 1\r\n\r\na", 417, "bad_expectation"),
            Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nExpect:\r\nContent-Length: 1\r\n\r\na", 417, "bad_expectation"),
        ],
    );
    let mut caller = trial.call();
    caller.send(
        "POST /a HTTP/1.1\r\nHost: orders\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
    );
    assert_eq!(caller.head(), ["HTTP/1.1 100 Continue"]);
    caller.send("a");
    let mut call = trial.application.call();
    let arrived = anonymous(&served(&mut call));
    assert_eq!(
        arrived,
        "POST /a HTTP/1.1\r\ncontent-length: 1\r\nhost: orders\r\n\r\n"
    );
    assert_eq!(call.at_least(1), "a");
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn a_wish_for_another_protocol_is_ignored_or_refused_unless_it_is_plain() {
    let trial = Trial::new("");
    trial.pass_all(&[
        Passed(
            b"GET /a HTTP/1.1\r\nHost: orders\r\nUpgrade: websocket\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n",
        ),
        Passed(
            b"GET /a HTTP/1.0\r\nHost: orders\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n",
        ),
        Passed(
            b"GET /a HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n",
        ),
    ]);
    trial.refuse_all(
        &Passed(
            b"GET /a HTTP/1.1\r\nHost: orders\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET /a HTTP/1.1\r\nconnection: upgrade\r\nhost: orders\r\nupgrade: websocket\r\n\r\n",
        ),
        &[
            Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd", 400, "upgrade_with_body"),
            Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "upgrade_with_body"),
        ],
    );
}

#[test]
pub(crate) fn a_head_that_is_too_large_is_refused() {
    let trial = Trial::new("limits: { header_bytes: 8192, headers: 10, uri_bytes: 100 }");
    let line = |path: usize| {
        format!(
            "GET /{} HTTP/1.1\r\nHost: orders\r\n\r\n",
            "a".repeat(path - 1)
        )
    };
    let arrives = |path: usize| {
        format!(
            "GET /{} HTTP/1.1\r\nhost: orders\r\n\r\n",
            "a".repeat(path - 1)
        )
    };
    trial.refuse_all(
        &Passed(line(100).as_bytes(), &arrives(100)),
        &[
            Refused(line(101).as_bytes(), 414, "uri_too_long"),
            Refused(line(9000).as_bytes(), 431, "head_too_large"),
        ],
    );
    let many = |count: usize| {
        format!(
            "GET /a HTTP/1.1\r\nHost: orders\r\n{}\r\n",
            "x: y\r\n".repeat(count)
        )
    };
    let arrives = format!(
        "GET /a HTTP/1.1\r\nhost: orders\r\n{}\r\n",
        "x: y\r\n".repeat(9)
    );
    trial.refuse_all(
        &Passed(many(9).as_bytes(), &arrives),
        &[Refused(many(10).as_bytes(), 431, "head_too_large")],
    );
    let long = |bytes: usize| {
        format!(
            "GET /a HTTP/1.1\r\nHost: orders\r\nx: {}\r\n\r\n",
            "y".repeat(bytes)
        )
    };
    let arrives = format!(
        "GET /a HTTP/1.1\r\nhost: orders\r\nx: {}\r\n\r\n",
        "y".repeat(7000)
    );
    trial.refuse_all(
        &Passed(long(7000).as_bytes(), &arrives),
        &[Refused(long(9000).as_bytes(), 431, "head_too_large")],
    );
}

const SPOOFED: &[&str] = &[
    "",
    "X-Portreeve-Caller: spiffe://mesh.example/root\r\n",
    "x-portreeve-caller: a\r\nX-PORTREEVE-CALLER: b\r\n",
    "X.Portreeve.Caller: a\r\n",
    "x-portreeve.caller: a\r\n",
    "X-Portreeve-Anything: a\r\n",
    "x-portreeve-: a\r\n",
    "X-Forwarded-Client-Cert: By=a;URI=spiffe://mesh.example/root\r\n",
    "x.forwarded.client.cert: a\r\nX-Forwarded.Client-Cert: b\r\n",
    "X-Forwarded-Proto: http\r\n",
    "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\n",
    "X-Forwarded-Uri: /admin\r\nX-Forwarded-Method: DELETE\r\n",
    "Forwarded: for=1.2.3.4;host=evil\r\n",
    "X-Http-Method-Override: DELETE\r\nX-HTTP-Method: DELETE\r\nX-Method-Override: DELETE\r\n",
    "X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\n",
    "Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: x\r\n",
    "TE: trailers, deflate\r\nTrailer: x-portreeve-caller\r\n",
    "Connection: x-portreeve-caller, X-Forwarded-Client-Cert\r\nConnection: x-forwarded-proto\r\n",
    "Connection: X-Secret\r\nX-Secret: a\r\n",
    "X-Secret: a\r\nConnection: keep-alive , x-secret\r\n",
    "Connection: bad name, x-secret\r\nx-secret: a\r\n",
];

const LISTED: &[Passed<'_>] = &[
    Passed(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nConnection: host, content-length, transfer-encoding\r\nContent-Length: 1\r\n\r\na",
        "POST /a HTTP/1.1\r\ncontent-length: 1\r\nhost: orders\r\n\r\na",
    ),
    Passed(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ),
    Passed(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nConnection: Keep-Alive, TE, Upgrade, close\r\nX: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: orders\r\nx: y\r\n\r\n",
    ),
    Passed(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
        "GET /a HTTP/1.1\r\ncookie: a=1; b=2\r\nhost: orders\r\n\r\n",
    ),
];
