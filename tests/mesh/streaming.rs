//! Bodies go through as they come, and whoever leaves is missed at the other end.

use crate::pair::Pair;
use crate::trial::served;

#[test]
fn a_response_arrives_while_it_is_being_written() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(
        caller.head(),
        ["HTTP/1.1 200 OK", "transfer-encoding: chunked"]
    );
    for word in ["one", "two"] {
        call.send(format!("3\r\n{word}\r\n"));
        assert_eq!(caller.until("\r\n"), "3\r\n");
        assert_eq!(caller.until("\r\n"), format!("{word}\r\n"));
    }
    pair.web.records.are_all_read();
    call.send("0\r\n\r\n");
    assert_eq!(caller.until("\r\n\r\n"), "0\r\n\r\n");
    assert_eq!(pair.record(["bytes_out", "reason"]), ["6 ", "6 "]);
}

#[test]
fn a_request_arrives_while_it_is_being_written() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller
        .send("POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    let mut call = pair.application.call();
    call.head();
    assert_eq!(call.until("one\r\n"), "3\r\none\r\n");
    caller.send("3\r\ntwo\r\n");
    assert_eq!(call.until("two\r\n"), "3\r\ntwo\r\n");
    caller.send("0\r\n\r\n");
    assert_eq!(call.until("\r\n\r\n"), "0\r\n\r\n");
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(pair.record(["bytes_in", "status"]), ["6 200", "6 200"]);
}

#[test]
fn an_answer_may_begin_before_the_request_has_ended() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller
        .send("POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    let mut call = pair.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    assert_eq!(caller.head()[0], "HTTP/1.1 200 OK");
    assert_eq!(caller.until("a\r\n"), "1\r\na\r\n");
    call.until("one\r\n");
    caller.send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(call.until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
    call.send("0\r\n\r\n");
    assert_eq!(caller.until("\r\n\r\n"), "0\r\n\r\n");
    let said = "6 1 200 ";
    assert_eq!(
        pair.record(["bytes_in", "bytes_out", "status", "reason"]),
        [said, said]
    );
}

#[test]
fn an_answer_that_ends_before_the_request_is_whole_all_the_same() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller.send("POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 1000\r\n\r\none");
    let mut call = pair.application.call();
    call.head();
    assert_eq!(call.until("one"), "one");
    call.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno");
    let answer = caller.answer();
    assert_eq!((answer.status(), answer.text()), (413, "no"));
    // Nobody waits for the rest of a body that nobody wants.
    assert_eq!(call.rest(), "");
    assert_eq!(caller.rest(), "");
    assert_eq!(pair.record(["status"]), ["413", "413"]);
}

#[test]
fn interim_responses_are_not_taken_for_the_answer() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    call.send("HTTP/1.1 100 Continue\r\n\r\n");
    call.send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(100));
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let answer = caller.answer();
    assert_eq!(answer.head, ["HTTP/1.1 200 OK", "content-length: 2"]);
    assert_eq!(answer.text(), "ok");
    assert_eq!(pair.record(["status"]), ["200", "200"]);
}

#[test]
fn a_caller_that_leaves_is_missed_at_the_application() {
    let pair = Pair::new("");
    for (answered, status) in [
        ("", ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            "200",
        ),
    ] {
        let (mut caller, mut call) = pair.begin();
        call.send(answered);
        if !answered.is_empty() {
            caller.until("1\r\na\r\n");
        }
        caller.hang_up();
        assert_eq!(call.rest(), "");
        let said = format!("permit {status} caller_gone");
        assert_eq!(
            pair.record(["decision", "status", "reason"]),
            [said.clone(), said]
        );
    }
}

#[test]
fn an_upload_that_breaks_off_never_looks_complete() {
    let pair = Pair::new("");
    for (framing, sent) in [
        ("transfer-encoding: chunked", "3\r\none\r\n"),
        ("content-length: 1000", "one"),
    ] {
        let mut caller = pair.call();
        caller.send(format!(
            "POST /a HTTP/1.1\r\nhost: orders\r\n{framing}\r\n\r\n{sent}"
        ));
        let mut call = pair.application.call();
        assert!(call.head().contains(framing));
        assert_eq!(call.until("one"), sent.trim_end());
        caller.hang_up();
        let rest = call.rest();
        assert!(!rest.contains('0'), "{framing} ended with {rest:?}");
        let [web, orders] = pair.record(["decision"]);
        assert_eq!((web.as_str(), orders.as_str()), ("permit", "permit"));
    }
}

#[test]
fn an_application_that_hangs_up_is_told_from_one_that_has_answered() {
    let pair = Pair::new("");
    let (mut caller, call) = pair.begin();
    drop(call);
    let answer = caller.answer();
    assert_eq!(
        (answer.status(), answer.reason()),
        (502, "upstream_failed".to_owned())
    );
    let [web, orders] = pair.record(["status", "reason"]);
    assert_eq!(web, "502 ", "to the caller's sidecar it is an answer");
    assert_eq!(orders, "502 upstream_failed");

    for half in [
        "content-length: 10\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "transfer-encoding: chunked\r\n\r\n8\r\nhalf",
    ] {
        let (mut caller, mut call) = pair.begin();
        call.send(format!("HTTP/1.1 200 OK\r\n{half}"));
        let mut answer = caller.until("half");
        drop(call);
        answer.push_str(&caller.rest());
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer:?} looks whole");
        assert!(!answer.ends_with("8\r\nhalf\r\n"), "{answer:?} looks whole");
        let said = "200 response_broke_off";
        assert_eq!(pair.record(["status", "reason"]), [said, said], "{half:?}");
    }

    let mut caller = pair.call();
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut pair.application.call()).starts_with("GET /a "));
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn a_large_body_arrives_whole_in_both_directions() {
    let pair = Pair::new("");
    let body = "0123456789abcdef".repeat(256 * 1024 / 16 * 5);
    let mut caller = pair.call();
    caller.send(format!(
        "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    let sent = body.clone();
    let writing = std::thread::spawn(move || {
        caller.send(sent);
        caller
    });
    let mut call = pair.application.call();
    call.head();
    assert!(call.at_least(body.len()) == body, "the request was changed");
    let mut caller = writing.join().unwrap();
    let answered = body.clone();
    std::thread::spawn(move || {
        call.send(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            answered.len()
        ));
        call.send(answered);
    });
    assert!(caller.answer().text() == body, "the response was changed");
    let said = format!("{0} {0}", body.len());
    assert_eq!(pair.record(["bytes_in", "bytes_out"]), [said.clone(), said]);
}
