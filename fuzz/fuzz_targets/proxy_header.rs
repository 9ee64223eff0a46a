//! Any bytes as a balancer's header: from a pipe and as a whole they say the same.

#![no_main]

use std::future::Future as _;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use libfuzzer_sys::fuzz_target;
use portreeve::net::parse_proxy_header;
use portreeve::net::read_proxy_header;

fuzz_target!(|bytes: &[u8]| {
    let mut unread = bytes;
    // A slice never makes anybody wait.
    let read = {
        let reading = pin!(read_proxy_header(&mut unread));
        match reading.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => panic!("a slice was waited for"),
        }
    };
    if let Ok(source) = read {
        let header = &bytes[..bytes.len() - unread.len()];
        assert_eq!(parse_proxy_header(header), Ok(source));
    }
});
