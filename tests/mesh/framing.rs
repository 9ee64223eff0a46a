//! Bodies that two servers could cut in two places, in HTTP/1.

use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;
use crate::trial::anonymous;
use crate::trial::served;

#[test]
fn a_length_that_is_not_one_plain_number_is_refused() {
    Trial::new("").refuse_all(&SIZED, LENGTHS);
}

#[test]
fn a_transfer_coding_other_than_one_chunked_is_refused() {
    Trial::new("").refuse_all(&CHUNKED, CODINGS);
}

#[test]
fn a_body_hides_no_second_request() {
    let trial = Trial::new("");
    let smuggled = "GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n";
    for head in [
        "content-length: 6\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
        "content-length: 60\r\ntransfer-encoding: chunked\r\n",
    ] {
        let mut caller = trial.call();
        let sent = format!("POST /a HTTP/1.1\r\nhost: orders\r\n{head}\r\n0\r\n\r\n{smuggled}");
        caller.send(sent);
        let mut call = trial.application.call();
        let arrived = anonymous(&served(&mut call));
        assert_eq!(
            arrived, "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n",
            "{head}"
        );
        assert_eq!(call.until("0\r\n\r\n"), "0\r\n\r\n");
        let answers = caller.rest();
        assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
        assert_eq!(trial.orders.records.next().text("path"), "/a");
        trial.orders.records.are_all_read();
        assert_eq!(call.at_least(0), "");
    }
}

#[test]
fn each_of_several_requests_in_one_write_is_decided_on_its_own() {
    let trial = Trial::new("");
    let mut caller = trial.call();
    caller.send(
        "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 4\r\n\r\nabcd\
         GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n\
         GET /b HTTP/1.1\r\nhost: orders\r\n\r\n",
    );
    let mut call = trial.application.call();
    assert!(served(&mut call).starts_with("POST /a "));
    assert_eq!(caller.answer().status(), 200);
    assert_eq!(caller.answer().reason(), "forbidden");
    assert!(
        call.until("\r\n\r\n")
            .starts_with("abcdGET /b HTTP/1.1\r\n")
    );
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().status(), 200);
    for expected in ["/a permit", "/admin deny", "/b permit"] {
        let record = trial.orders.records.next();
        assert_eq!(record.says(["path", "decision"]), expected);
    }
}

#[test]
fn a_chunked_body_that_is_not_plain_never_looks_complete() {
    let trial = Trial::new("");
    for body in [
        "-1\r\na\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "g\r\na\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        "00000000000000001ffffffffffffffff\r\na\r\n0\r\n\r\n",
        "1\r\nabc\r\n0\r\n\r\n",
        "1\r\naX\r\n0\r\n\r\n",
        "1;x\n\r\na\r\n0\r\n\r\n",
        "1\rX\na\r\n0\r\n\r\n",
        "1\r\na\r\n0\r\nX\r\n\r\n",
        "1\r\na\r\n0\r\nhost : x\r\n\r\n",
        "1\r\na\r\n0\r\nbad\0name: x\r\n\r\n",
    ] {
        let mut caller = trial.call();
        caller.send(format!("{CHUNKED_HEAD}{body}"));
        let answer = caller.answer();
        assert_eq!(answer.status(), 400, "{body:?}");
        assert_eq!(answer.reason(), "request_broke_off", "{body:?}");
        assert_eq!(caller.rest(), "", "{body:?}");
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["decision", "status", "reason"]),
            "permit 400 request_broke_off",
            "{body:?}"
        );

        let mut twin = trial.call();
        twin.send(format!("PUT{TWIN_REST}"));
        loop {
            let mut call = trial.application.call();
            let got = call.at_least(1);
            if got.starts_with("PUT /b ") {
                call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
                let got = got + &call.rest();
                assert!(got.ends_with("\r\n\r\n1\r\na\r\n0\r\n\r\n"), "{got:?}");
                break;
            }
            let got = got + &call.rest();
            assert!(!got.ends_with("0\r\n\r\n"), "{body:?} arrived as {got:?}");
        }
        assert_eq!(twin.answer().status(), 200);
        assert_eq!(trial.orders.records.next().text("decision"), "permit");
    }
}

const CHUNKED_HEAD: &str = "POST /b HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n";
const TWIN_REST: &str =
    " /b HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";

pub(crate) const SIZED: Passed<'_> = Passed(
    b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /a HTTP/1.1\r\ncontent-length: 4\r\nhost: orders\r\n\r\nabcd",
);

const LENGTHS: &[Refused<'_>] = &[
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4, 4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4,5\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4 4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: +4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: -0\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 0x4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 1_0\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4.0\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length:\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 18446744073709551616\r\n\r\n",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 04\r\n\r\nabcd",
        400,
        "bad_content_length",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 00\r\n\r\n",
        400,
        "bad_content_length",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \x0b4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length : 4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length:\r\n 4\r\n\r\nabcd",
        400,
        "malformed_message",
    ),
    Refused(
        b"POST /a HTTP/1.1\r\nHost: orders\r\nContent_Length: 4\r\n\r\nabcd",
        400,
        "underscore_in_name",
    ),
];

pub(crate) const CHUNKED: Passed<'_> = Passed(
    b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
);

const CODINGS: &[Refused<'_>] = &[
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "underscore_in_name"),
    Refused(b"POST /a HTTP/1.0\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_message"),
];
