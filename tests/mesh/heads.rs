//! Heads that two servers could read differently, in HTTP/1.

use crate::framing::CHUNKED;
use crate::framing::SIZED;
use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;

#[test]
fn a_head_that_is_not_plain_http_is_refused() {
    Trial::new("").refuse_all(&PLAIN, HEADS);
}

#[test]
fn what_has_one_reading_arrives_in_one_form() {
    Trial::new("").pass_all(FORMS);
}

const PLAIN: Passed<'_> = Passed(
    b"GET /a?b=c HTTP/1.1\r\nHost: orders\r\n\r\n",
    "GET /a?b=c HTTP/1.1\r\nhost: orders\r\n\r\n",
);

const HEADS: &[Refused<'_>] = &[
    Refused(
        b" GET /a HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET  /a HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET\t/a HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a  HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a b HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(b"GET /a\r\nHost: orders\r\n\r\n", 400, "malformed_message"),
    Refused(
        b"GET /a HTTP/1.2\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/2.0\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a http/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1 \r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\rHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a\0 HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"G\0T /a HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\n Host: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\n: x\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX y: z\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX: a\rb\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX: a\0b\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX\0: a\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX: a\r\n b\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"GET /a HTTP/1.1\r\nHost: orders\r\nX: a\r\n\tb\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "malformed_message"),
    Refused(
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET /a HTTP/1.1\r\nHost: orders\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(b"\x16\x03\x01\x00\x05hello", 400, "malformed_message"),
];

const FORMS: &[Passed<'_>] = &[
    PLAIN,
    SIZED,
    CHUNKED,
    // An empty line before a request is skipped (RFC 9112 2.2).
    Passed(b"\r\nGET /a HTTP/1.1\r\nHost: orders\r\n\r\n", "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n"),
    // So may a lone LF end a line.
    Passed(b"GET /a HTTP/1.1\nHost: orders\nX: y\n\n", "GET /a HTTP/1.1\r\nhost: orders\r\nx: y\r\n\r\n"),
    Passed(b"GET /a HTTP/1.1\r\nHOST:orders\r\nX:  y\t \r\n\r\n", "GET /a HTTP/1.1\r\nhost: orders\r\nx: y\r\n\r\n"),
    Passed(b"GET /a HTTP/1.0\r\nHost: orders\r\n\r\n", "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n"),
    Passed(b"GET /a HTTP/1.1\r\nHost: orders\r\nX: 1\r\nX: 2\r\n\r\n", "GET /a HTTP/1.1\r\nhost: orders\r\nx: 1\r\nx: 2\r\n\r\n"),
    Passed(b"GET /a HTTP/1.1\r\nHost: orders\r\nX: \xe9\r\n\r\n", "GET /a HTTP/1.1\r\nhost: orders\r\nx: \u{fffd}\r\n\r\n"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", "POST /a HTTP/1.1\r\ncontent-length: 4\r\nhost: orders\r\n\r\nabcd"),
    Passed(b"GET /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\n\r\nabcd", "GET /a HTTP/1.1\r\ncontent-length: 4\r\nhost: orders\r\n\r\nabcd"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\n\r\n", "POST /a HTTP/1.1\r\ncontent-length: 0\r\nhost: orders\r\n\r\n"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding:\t chunked \r\n\r\n0\r\n\r\n", "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n004;a=b\r\nabcd\r\n0;c\r\n\r\n", "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"),
    Passed(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\nTrailer: host\r\n\r\n1\r\na\r\n0\r\nhost: evil\r\nx-portreeve-caller: me\r\n\r\n", "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    Passed(b"M-SEARCH /a HTTP/1.1\r\nHost: orders\r\n\r\n", "M-SEARCH /a HTTP/1.1\r\nhost: orders\r\n\r\n"),
];
