//! What a line looks like.

use super::append;
use crate::audit::entry::Decision;
use crate::audit::entry::Door;
use crate::audit::entry::End;
use crate::audit::entry::Note;
use crate::audit::entry::Record;
use crate::audit::entry::Ruling;
use crate::audit::entry::Start;
use crate::audit::entry::Withdrawn;
use crate::audit::grounds::Grounds;
use crate::audit::origin::Origin;
use crate::audit::request_id::RequestId;
use crate::audit::stamp::Stamp;
use crate::audit::text::Text;
use crate::audit::trace_id::TraceId;
use bytes::Bytes;
use http::Method;
use http::StatusCode;
use proptest::prelude::any;
use proptest::proptest;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tokio::time::Instant;

/// A record of which nothing is known.
fn bare() -> Record {
    Record {
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_042),
        began: Instant::now(),
        id: RequestId::new(1, 2),
        start: Start::of(Origin::at(Door::Inbound)),
        route: None,
        ruling: None,
        end: None,
        app_protocol: None,
        retries: 0,
        took: None,
        upgrade: None,
        withdrawn: None,
    }
}

fn line(record: &Record) -> String {
    let mut out = Vec::new();
    append(&mut out, &mut Stamp::default(), record);
    String::from_utf8(out).unwrap()
}

#[test]
fn has_every_field_in_its_place() {
    let traceparent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut record = bare();
    record.start.trace_id = TraceId::from_traceparent(traceparent);
    record.start.origin = Origin::new(
        Door::Inbound,
        Some(&Text::from("spiffe://example.org/ns/default/sa/web")),
        Some("[2001:db8::1]:4711".parse().unwrap()),
    );
    record.start.method = Some(Method::GET);
    record.start.host = Some(Text::from("orders.shop.svc:15006"));
    record.start.path = Some(Text::from("/orders/7?token=secret"));
    record.start.protocol = Some(Text::from("HTTP/2"));
    record.route = Some(Text::from("orders:/orders/{id}"));
    record.ruling = Some(Ruling {
        reason: Some(Cow::Borrowed("policy")),
        grounds: Some(Grounds::new(&["readers", "a\"b"], "abc123")),
        ..Ruling::of(Decision::Permit)
    });
    record.end = Some(End {
        status: Some(StatusCode::OK),
        bytes_in: 0,
        bytes_out: 12_345,
        reason: Some("upstream_reset"),
    });
    record.app_protocol = Some(Text::from("HTTP/1.1"));
    record.upgrade = Some(Text::from("websocket"));
    record.retries = 2;
    record.took = Some(Duration::from_micros(1_234));
    let expected = [
        r#"{"time":"2027-01-15T08:00:00.000042Z""#,
        r#""id":"00000000000000010000000000000002""#,
        r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#,
        r#""door":"inbound""#,
        r#""caller":"spiffe://example.org/ns/default/sa/web""#,
        r#""source":"[2001:db8::1]:4711""#,
        r#""method":"GET""#,
        r#""host":"orders.shop.svc:15006""#,
        r#""path":"/orders/7""#,
        r#""route":"orders:/orders/{id}""#,
        r#""decision":"permit""#,
        r#""reason":"upstream_reset""#,
        r#""policies":["readers","a\"b"]"#,
        r#""revision":"abc123""#,
        r#""status":200"#,
        r#""bytes_in":0"#,
        r#""bytes_out":12345"#,
        r#""duration_us":1234"#,
        r#""protocol":"HTTP/2""#,
        r#""app_protocol":"HTTP/1.1""#,
        r#""upgrade":"websocket""#,
        r#""retries":2}"#,
    ];
    assert_eq!(line(&record), expected.join(",") + "\n");
}

#[test]
fn leaves_out_what_is_unknown_and_calls_the_undecided_refused() {
    let mut record = bare();
    let source = "10.1.0.255:80".parse().unwrap();
    record.start.origin = Origin::new(Door::Inbound, None, Some(source));
    let expected = concat!(
        r#"{"time":"2027-01-15T08:00:00.000042Z","id":"00000000000000010000000000000002","#,
        r#""door":"inbound","source":"10.1.0.255:80","decision":"refused","#,
        r#""bytes_in":0,"bytes_out":0,"duration_us":0}"#,
        "\n"
    );
    assert_eq!(line(&record), expected);
}

#[test]
fn names_each_field_that_was_cut_once() {
    let fits: Arc<str> = Arc::from("p".repeat(512));
    let long: Arc<str> = Arc::from("p".repeat(513));
    let mut record = bare();
    record.start.host = Some(Text::Shared(Arc::clone(&fits)));
    record.start.path = Some(Text::from("/".repeat(2_048)));
    record.ruling = Some(Ruling {
        grounds: Some(Grounds::new(&[&*fits; 16], "")),
        ..Ruling::of(Decision::Deny)
    });
    assert!(!line(&record).contains("cut"));

    record.start.host = Some(Text::Shared(Arc::clone(&long)));
    record.start.path = Some(Text::from("/".repeat(2_049)));
    record.ruling = Some(Ruling {
        grounds: Some(Grounds::new(&[&*long; 17], "")),
        ..Ruling::of(Decision::Deny)
    });
    let line = line(&record);
    assert!(
        line.ends_with(",\"cut\":[\"host\",\"path\",\"policies\"]}\n"),
        "{line}"
    );
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["policies"].as_array().unwrap().len(), 16);
    assert_eq!(read["path"].as_str().unwrap().len(), 2_048);
}

#[test]
fn names_the_fields_that_are_not_utf_8() {
    let mut record = bare();
    record.start.host = Some(Text::from(Bytes::from_static(b"a\xff")));
    record.start.path = Some(Text::from(Bytes::from_static(b"/\x80?\xff")));
    let line = line(&record);
    assert!(
        line.contains("\"host\":\"a\u{ff}\",\"path\":\"/\\u0080\""),
        "{line}"
    );
    assert!(
        line.ends_with(",\"bytes\":[\"host\",\"path\"]}\n"),
        "{line}"
    );
}

#[test]
fn keeps_no_credential() {
    let mut record = bare();
    record.start.host = Some(Text::from("user:secret@orders:80"));
    record.start.path = Some(Text::from("/login?password=secret"));
    let line = line(&record);
    assert!(
        line.contains(r#""host":"orders:80","path":"/login""#),
        "{line}"
    );
    assert!(line.ends_with(",\"cut\":[\"host\"]}\n"), "{line}");
}

proptest! {
    #[test]
    fn whatever_a_caller_sends_stays_one_line_and_can_be_read_back(
        host: Vec<u8>,
        path: Vec<u8>,
        caller: String,
        policy: String,
        numbers in any::<(u64, u64, u16)>(),
    ) {
        let mut record = bare();
        let name = Text::from(caller.clone());
        record.start.origin = Origin::new(Door::Inbound, Some(&name), None);
        record.start.host = Some(Text::from(Bytes::from(host.clone())));
        record.start.path = Some(Text::from(Bytes::from(path.clone())));
        record.ruling = Some(Ruling {
            grounds: Some(Grounds::new(&[&*policy], "")),
            ..Ruling::of(Decision::Deny)
        });
        record.end = Some(End {
            status: StatusCode::from_u16(numbers.2).ok(),
            bytes_in: numbers.0,
            bytes_out: numbers.1,
            reason: None,
        });
        let line = line(&record);
        let (body, rest) = line.split_once('\n').unwrap();
        assert_eq!(rest, "");
        assert!(!body.chars().any(char::is_control));
        let read: Value = serde_json::from_str(body).unwrap();
        let bytes = |key: &str| {
            let text = read[key].as_str().unwrap();
            let marked = read["bytes"].as_array().is_some_and(|keys| keys.contains(&key.into()));
            if marked {
                text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
            } else {
                text.as_bytes().to_vec()
            }
        };
        let no_user = host.rsplit(|byte| *byte == b'@').next().unwrap();
        let no_query: Vec<u8> = path.iter().copied().take_while(|byte| *byte != b'?').collect();
        assert_eq!(bytes("host"), no_user);
        assert_eq!(bytes("path"), no_query);
        assert_eq!(bytes("caller"), caller.into_bytes());
        assert_eq!(read["policies"][0].as_str(), Some(policy.as_str()));
        assert_eq!(read["bytes_in"].as_u64(), Some(numbers.0));
        assert_eq!(read["bytes_out"].as_u64(), Some(numbers.1));
        assert_eq!(read["decision"].as_str(), Some("deny"));
    }
}

#[test]
fn what_is_said_of_policies_is_quoted_and_cut_as_everything_else_is() {
    let mut record = bare();
    let note = |advice: String| Note {
        advice: Some(advice),
        policy: "a".to_owned(),
        ..Note::default()
    };
    let mut said = |notes| {
        record.ruling = Some(Ruling {
            notes,
            ..Ruling::of(Decision::Deny)
        });
        line(&record)
    };
    let told = said(vec![note("say \"please\"\n".to_owned())]);
    assert!(told.contains(r#","notes":[{"id":"a","advice":"say \"please\"\u000a"}]"#));
    let mut notes = vec![note(String::new()); 17];
    notes[0] = note("x".repeat(513));
    let told: Value = serde_json::from_str(&said(notes)).unwrap();
    assert_eq!(told["notes"].as_array().unwrap().len(), 16);
    assert_eq!(told["notes"][0]["advice"].as_str().unwrap().len(), 512);
    assert_eq!(told["cut"], serde_json::json!(["notes"]));
}

#[test]
fn a_permit_that_was_withdrawn_says_by_whom_besides_who_gave_it() {
    let mut record = bare();
    record.ruling = Some(Ruling {
        grounds: Some(Grounds::new(&["readers"], "abc1")),
        ..Ruling::of(Decision::Permit)
    });
    record.withdrawn = Some(Box::new(Withdrawn {
        notes: vec![Note {
            owner: Some("ops".to_owned()),
            policy: "no\"body".to_owned(),
            ..Note::default()
        }],
        policies: Arc::new([Arc::from("no\"body")]),
        reason: "forbidden",
        revision: Arc::from("abc2"),
    }));
    let said = line(&record);
    let expected = concat!(
        r#","withdrawn_reason":"forbidden","withdrawn_policies":["no\"body"],"withdrawn_revision":"abc2""#,
        r#","notes":[{"id":"no\"body","owner":"ops"}]}"#,
        "\n"
    );
    assert!(said.ends_with(expected), "{said}");
    assert!(said.contains(r#""decision":"permit","policies":["readers"],"revision":"abc1""#));
}
