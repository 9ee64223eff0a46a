//! Any bytes of a WebSocket: its frames end in the same places however they are
//! cut up, and nothing follows a farewell.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::http1::POLICY_VIOLATION;
use portreeve::http1::WebSocketFrames;

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else {
        return;
    };
    let (mut whole, mut pieces) = (WebSocketFrames::default(), WebSocketFrames::default());
    whole.sent(bytes);
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        pieces.sent(piece);
    }
    assert_eq!(whole.may_close(), pieces.may_close());
    assert_eq!(whole.take_words(), pieces.take_words());
    if whole.may_close() {
        whole.sent(POLICY_VIOLATION);
        assert!(!whole.may_close());
    }
});
