use bytes::Bytes;
use futures_util::future::join;
use http::Request;
use http::Response;
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::proptest;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::io::duplex;

use crate::rpc::doorstep::BlockError;
use crate::rpc::doorstep::Doorstep;
use crate::rpc::doorstep::HpackError;
use crate::rpc::doorstep::RewriteError;
use crate::rpc::doorstep::Rewriter;

#[test]
fn a_socket_path_becomes_localhost_and_an_authority_stays() {
    let cases = [
        ("", "localhost"),
        ("/tmp/a.sock", "localhost"),
        ("%2Ftmp%2Fa.sock", "localhost"),
        ("a b", "localhost"),
        ("localhost", "localhost"),
        ("example.org:80", "example.org:80"),
        ("[::1]:80", "[::1]:80"),
    ];
    for (written, read) in cases {
        let input = [
            PREFACE,
            &headers(END_HEADERS, &literal(":authority", written)),
        ]
        .concat();
        let expected = [PREFACE, &headers(END_HEADERS, &literal(":authority", read))].concat();
        assert_eq!(rewritten(&input), Ok(expected), "{written}");
    }
}

#[test]
fn padding_goes_and_priority_and_flags_stay() {
    let priority = [0x80, 0, 0, 3, 16];
    let field = literal("a", "b");
    let padded = [&[2][..], &priority, &field, &[0, 0]].concat();
    let plain = [&priority[..], &field].concat();
    let flags = END_HEADERS | END_STREAM | PRIORITY;
    let input = [PREFACE, &headers(flags | PADDED, &padded)].concat();
    assert_eq!(
        rewritten(&input),
        Ok([PREFACE, &headers(flags, &plain)].concat())
    );
}

#[test]
fn a_block_in_pieces_is_put_together_and_a_long_one_taken_apart() {
    let long = literal("a", &"b".repeat(10_000));
    let (first, rest) = long.split_at(3);
    let input = [
        PREFACE,
        &headers(END_STREAM, first),
        &frame(CONTINUATION, 0, 1, rest),
        &frame(CONTINUATION, END_HEADERS, 1, &long),
    ]
    .concat();
    let both = [long.clone(), long.clone()].concat();
    let (now, then) = both.split_at(16_384);
    let expected = [
        PREFACE,
        &headers(END_STREAM, now),
        &frame(CONTINUATION, END_HEADERS, 1, then),
    ]
    .concat();
    assert_eq!(rewritten(&input), Ok(expected));
}

#[test]
fn what_may_not_stand_there_ends_the_connection() {
    let unfinished = headers(0, &[]);
    let hpack = |cause| RewriteError::Hpack { cause };
    let block = |cause| RewriteError::BadBlock { cause };
    let cases = [
        (
            frame(CONTINUATION, 0, 1, &[]),
            RewriteError::OutOfPlace { kind: CONTINUATION },
        ),
        (
            [unfinished.clone(), frame(6, 0, 0, &[0; 8])].concat(),
            RewriteError::OutOfPlace { kind: 6 },
        ),
        (
            [unfinished.clone(), unfinished.clone()].concat(),
            RewriteError::OutOfPlace { kind: HEADERS },
        ),
        (
            [unfinished.clone(), frame(CONTINUATION, 0, 3, &[])].concat(),
            block(BlockError::OtherStream { began: 1, found: 3 }),
        ),
        (
            [unfinished, frame(CONTINUATION, 0, 1, &[]).repeat(9)].concat(),
            block(BlockError::TooLong),
        ),
        (headers(END_HEADERS | PADDED, &[]), block(BlockError::Short)),
        (
            headers(END_HEADERS | PADDED, &[1]),
            block(BlockError::Short),
        ),
        (
            headers(END_HEADERS | PRIORITY, &[0; 4]),
            block(BlockError::Short),
        ),
        (
            headers(END_HEADERS, &[0; 16_385]),
            RewriteError::LongFrame { bytes: 16_385 },
        ),
        (
            headers(END_HEADERS, &[0x80]),
            hpack(HpackError::UnknownIndex { index: 0 }),
        ),
    ];
    for (frames, why) in cases {
        let mut rewriter = Rewriter::new();
        let mut output = Vec::new();
        let input = [PREFACE, &frames].concat();
        assert_eq!(rewriter.push(&input, &mut output), Err(why));
        assert_eq!(
            rewriter.push(PREFACE, &mut output),
            Err(RewriteError::Ended)
        );
    }
    assert_eq!(
        rewritten(b"GET / HTTP/1.1\r\n"),
        Err(RewriteError::NotHttp2)
    );
}

proptest! {
    #[test]
    fn frames_without_fields_pass_whole_in_pieces_of_any_size(
        frames in vec((vec(any::<u8>(), 0..200), 0_u8..8, any::<u8>(), any::<u32>()), 0..9),
        pieces in vec(1_usize..40, 1..9),
    ) {
        let frames = frames.into_iter().map(|(payload, kind, flags, stream)| {
            let kind = if kind == HEADERS { 8 } else { kind };
            frame(kind, flags, stream, &payload)
        });
        let input = [PREFACE.to_vec(), frames.collect::<Vec<_>>().concat()].concat();
        let mut rewriter = Rewriter::new();
        let mut output = Vec::new();
        let mut rest = input.as_slice();
        for piece in pieces.into_iter().cycle() {
            let (now, then) = rest.split_at(piece.min(rest.len()));
            rewriter.push(now, &mut output).unwrap();
            rest = then;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(output, input);
    }
}

/// A client with a table, Huffman and many requests, and a server behind us.
#[tokio::test]
async fn a_client_and_a_server_notice_nothing() {
    let (near, far) = duplex(1000);
    let server = async {
        let mut connection = h2::server::handshake(Doorstep::new(far)).await.unwrap();
        while let Some(accepted) = connection.accept().await {
            let (request, mut respond) = accepted.unwrap();
            assert_eq!(request.uri().authority().unwrap(), "example.org");
            let echo = request.headers()["x-echo"].clone();
            assert_eq!(request.headers()["x-secret"], "secret");
            let response = Response::builder().header("x-echo", echo).body(()).unwrap();
            respond.send_response(response, true).unwrap();
        }
    };
    let client = async {
        let (mut send, connection) = h2::client::handshake(near).await.unwrap();
        let requests = async move {
            for at in 0..50 {
                let long = "v".repeat(at * 100);
                let mut secret = http::HeaderValue::from_static("secret");
                secret.set_sensitive(true);
                let request = Request::get("http://example.org/path")
                    .header("x-echo", &long)
                    .header("x-secret", secret)
                    .body(())
                    .unwrap();
                let (response, _body) = send.send_request(request, true).unwrap();
                let response = response.await.unwrap();
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(response.headers()["x-echo"], long);
            }
        };
        let (ended, ()) = join(connection, requests).await;
        ended.unwrap();
    };
    join(server, client).await;
}

/// When the library takes such a client by itself, this module can go.
#[tokio::test]
async fn the_library_alone_sees_no_request_for_a_path() {
    let request = |stream, host| {
        let fields = [
            literal(":method", "GET"),
            literal(":scheme", "http"),
            literal(":path", "/"),
            literal(":authority", host),
        ];
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields.concat())
    };
    let requests = [
        PREFACE,
        &frame(4, 0, 0, &[]),
        &request(1, "%2Ftmp%2Fa.sock"),
        &request(3, "second"),
    ]
    .concat();
    let (mut near, far) = duplex(10_000);
    near.write_all(&requests).await.unwrap();
    assert_eq!(first_host(far).await, "second");
    let (mut near, far) = duplex(10_000);
    near.write_all(&requests).await.unwrap();
    assert_eq!(first_host(Doorstep::new(far)).await, "localhost");
}

#[tokio::test]
async fn what_the_server_says_is_left_alone_and_the_end_is_the_end() {
    let (mut near, far) = duplex(1000);
    let mut far = Doorstep::new(far);
    far.write_all(b"anything").await.unwrap();
    let mut read = [0; 8];
    near.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"anything");
    near.write_all(PREFACE).await.unwrap();
    drop(near);
    let mut all = Vec::new();
    far.read_to_end(&mut all).await.unwrap();
    assert_eq!(Bytes::from(all), PREFACE);
}

/// The host of the first request that a server sees.
async fn first_host(stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (request, _respond) = connection.accept().await.unwrap().unwrap();
    request.uri().authority().unwrap().to_string()
}

fn rewritten(input: &[u8]) -> Result<Vec<u8>, RewriteError> {
    let mut output = Vec::new();
    Rewriter::new().push(input, &mut output).map(|()| output)
}

fn headers(flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags, 1, payload)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A field without indexing, as we write them.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        match u8::try_from(text.len()) {
            Ok(length @ 0..0x7f) => field.push(length),
            _ => {
                let rest = text.len() - 0x7f;
                let low = u8::try_from(rest % 128).unwrap();
                field.extend([0x7f, low | 0x80, u8::try_from(rest / 128).unwrap()]);
            }
        }
        field.extend(text.as_bytes());
    }
    field
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x01;
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;
